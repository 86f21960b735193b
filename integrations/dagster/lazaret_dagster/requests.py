"""Which runs a sensor asks for, from what is due and which runs Dagster has already. Pure: it asks
neither Lazaret nor Dagster.

The queue is Lazaret's database, so a sensor keeps no cursor: one that was off for a week misses
nothing, and one that is reset repeats nothing. A piece of work that has an unfinished run gets no
second one. Work that is still due after its run has ended (it failed, Lazaret's pause after a
failure is over) gets a run key that names that run, and so a new run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# More of it waits for the next tick; Dagster's queue holds these until they may start.
RUNS_PER_TICK = 50

# Work of these jobs on one submission is one run of Dagster's, which does all of it.
OF_A_SUBMISSION = ("stage", "parse", "validate", "compete")


@dataclass(frozen=True)
class Work:
    """A piece of work that is due."""

    job: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """What one run of Dagster's does: the value of its tag."""
        kind = "submission" if self.job in OF_A_SUBMISSION else self.job
        return f"{kind}:{self.subject}"


@dataclass(frozen=True)
class Wanted:
    work: Work
    run_key: str


@dataclass(frozen=True)
class Decision:
    runs: Sequence[Wanted]
    # What a person reads where no run is asked for.
    because: str


def decide(
    previews: Sequence[Mapping[str, Any]],
    unfinished: set[str],
    last_run: Callable[[str], str | None],
) -> Decision:
    """`previews`: answers of `lazaret sensor preview`. `unfinished`: names of work that has a run
    which has not ended. `last_run`: the id of the newest run of that work, if it has had one."""
    due: dict[str, Work] = {}
    for preview in previews:
        for piece in preview["due"]:
            work = Work(piece["job"], piece["subject"], piece.get("detail") or {})
            due.setdefault(work.name, work)
    free = [work for name, work in due.items() if name not in unfinished]
    runs = [
        Wanted(work, f"{work.name} after {last_run(work.name) or 'none'}") for work in free[:RUNS_PER_TICK]
    ]
    return Decision(runs, because(previews, len(due)))


def because(previews: Sequence[Mapping[str, Any]], due: int) -> str:
    waiting = [piece for preview in previews for piece in preview.get("waiting") or []]
    stopped = [piece for preview in previews for piece in preview.get("stopped") or []]
    said = [f"{due} due, each with a run under way"] if due else ["nothing is due"]
    if waiting:
        times = sorted(piece["until"] for piece in waiting if piece.get("until"))
        said.append(f"{len(waiting)} waiting" + (f", the first until {times[0]}" if times else ""))
    if stopped:
        first = stopped[0]
        said.append(
            f"{len(stopped)} stopped after too many failures (`lazaret job retry {first['job']} {first['subject']}` "
            "lets it try again)"
        )
    return "; ".join(said)
