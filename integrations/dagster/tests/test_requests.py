"""Which runs a sensor asks for: a table of cases, without Dagster and without Lazaret."""

import unittest

from lazaret_dagster.requests import RUNS_PER_TICK, Decision, decide


def preview(*due: tuple[str, str], waiting=(), stopped=()):
    return {
        "sensor": "of the test",
        "due": [{"job": job, "subject": subject, "detail": None} for job, subject in due],
        "waiting": [{"job": "parse", "subject": "w", "until": until} for until in waiting],
        "stopped": [{"job": job, "subject": subject} for job, subject in stopped],
    }


def asked(previews, unfinished=(), last=None) -> Decision:
    return decide(previews, set(unfinished), (last or {}).get)


def keys(decision: Decision) -> list[str]:
    return [wanted.run_key for wanted in decision.runs]


class Decide(unittest.TestCase):
    def test_work_that_never_ran(self):
        decision = asked([preview(("register", "evergreen/medical_claim/may"))])
        self.assertEqual(keys(decision), ["register:evergreen/medical_claim/may after none"])

    def test_the_same_tick_twice_asks_for_the_same_run(self):
        previews = [preview(("canonical_rebuild", "wa/medical_claim/2024-05"))]
        self.assertEqual(keys(asked(previews)), keys(asked(previews)))

    def test_work_with_a_run_under_way_gets_no_other(self):
        name = "canonical_rebuild:wa/medical_claim/2024-05"
        decision = asked([preview(("canonical_rebuild", "wa/medical_claim/2024-05"))], unfinished=[name])
        self.assertEqual(decision.runs, [])
        self.assertEqual(decision.because, "1 due, each with a run under way")

    def test_work_that_is_due_after_its_run_ended_gets_a_new_one(self):
        name = "submitter_gold:wa/medical_claim/evergreen/2024-05"
        previews = [preview(("submitter_gold", "wa/medical_claim/evergreen/2024-05"))]
        self.assertEqual(keys(asked(previews, last={name: "run-7"})), [f"{name} after run-7"])

    def test_all_jobs_of_a_submission_are_one_run(self):
        previews = [preview(("parse", "s-1")), preview(("validate", "s-1"), ("compete", "s-2"))]
        self.assertEqual(keys(asked(previews)), ["submission:s-1 after none", "submission:s-2 after none"])
        self.assertEqual(keys(asked(previews, unfinished=["submission:s-1"])), ["submission:s-2 after none"])

    def test_the_same_subject_of_two_jobs_are_two_runs(self):
        previews = [preview(("register", "x"), ("canonical_rebuild", "x"))]
        self.assertEqual(len(keys(asked(previews))), 2)

    def test_what_is_under_way_makes_room_for_the_rest(self):
        due = [("canonical_rebuild", f"wa/medical_claim/month-{number}") for number in range(RUNS_PER_TICK + 3)]
        self.assertEqual(len(keys(asked([preview(*due)]))), RUNS_PER_TICK)
        under_way = [f"{job}:{subject}" for job, subject in due[:RUNS_PER_TICK]]
        self.assertEqual(len(keys(asked([preview(*due)], unfinished=under_way))), 3)

    def test_what_a_person_reads_where_nothing_runs(self):
        cases = [
            (preview(), "nothing is due"),
            (
                preview(waiting=["2024-05-01T10:05:00Z", "2024-05-01T10:00:00Z"]),
                "nothing is due; 2 waiting, the first until 2024-05-01T10:00:00Z",
            ),
            (
                preview(stopped=[("parse", "s-1")]),
                "nothing is due; 1 stopped after too many failures (`lazaret job retry parse s-1` lets it try again)",
            ),
        ]
        for previewed, expected in cases:
            self.assertEqual(asked([previewed]).because, expected)


if __name__ == "__main__":
    unittest.main()
