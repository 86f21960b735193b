"""The jobs: what a sensor or a person starts."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from dagster import Config, OpExecutionContext, define_asset_job, job, op
from pydantic import Field

from lazaret_dagster.lazaret import Lazaret
from lazaret_dagster.partitions import canonical_months, submissions, submitter_months

# `submission list` shows the newest ones unless it is asked for more.
ALL = "1000000"


class GroupingMethod(Enum):
    MARKER_FILE = "MARKER_FILE"
    QUIESCENCE = "QUIESCENCE"


class Group(Config):
    grouping_key: str = Field(description="The group's folders below the inbox: submitter/file_type/drop_id")
    grouping_method: GroupingMethod = Field(description="How the group closed: by its `_SUCCESS`, or by being quiet")


@op
def register_submission_from_group(context: OpExecutionContext, config: Group, lazaret: Lazaret) -> None:
    """Makes a group of the inbox that is whole into a submission, once."""
    done = lazaret.do(
        context,
        *("job", "launch", "register", config.grouping_key),
        *("--grouping-method", config.grouping_method.value),
    )
    answer = done.get_custom_messages()[-1]
    submission = (answer.get("counts") or {}).get("submission_id")
    if submission is None:
        context.log.info(f"{config.grouping_key} is not due: somebody else registered it, or it is not whole")
    else:
        context.instance.add_dynamic_partitions(submissions.name, [submission])
    context.add_output_metadata(
        {"grouping_key": config.grouping_key, "outcome": answer["outcome"], "submission_id": submission}
    )


@job
def register_submission_from_group_job():
    register_submission_from_group()


TABLE = ("state", "file_type")


def key_of(month: Mapping[str, Any], *table: str) -> str:
    return "/".join(month[part] for part in (*table, "atomic_month"))


@op
def list_partitions(context: OpExecutionContext, lazaret: Lazaret) -> None:
    """Tells Dagster of every submission and month that exists, whoever made it."""
    listed = lazaret.ask("submission", "list", "--limit", ALL)["submissions"]
    winners = lazaret.ask("winner", "list")["winners"]
    builds = lazaret.ask("canonical", "list")["builds"]
    found = {
        submissions.name: {submission["submission_id"] for submission in listed},
        submitter_months.name: {key_of(winner, *TABLE, "submitter_id") for winner in winners},
        # A month that lost its last winner is still a month that was built.
        canonical_months.name: {key_of(month, *TABLE) for month in [*winners, *builds]},
    }
    for name, keys in found.items():
        if keys:
            context.instance.add_dynamic_partitions(name, sorted(keys))
    context.add_output_metadata({name: len(keys) for name, keys in found.items()})


@job
def list_partitions_job():
    list_partitions()


sync_registry_job = define_asset_job(
    "sync_registry_job", selection=["sync_layout_registry", "sync_canonical_registry"]
)
carry_submission_job = define_asset_job(
    "carry_submission_job",
    selection=["submission_raw", "submission_silver", "submission_verdict", "submission_months"],
    partitions_def=submissions,
    description="Carries a submission from its files to the months that it stands for",
)
build_submitter_gold_job = define_asset_job(
    "build_submitter_gold_job", selection=["submitter_gold"], partitions_def=submitter_months
)
build_canonical_month_job = define_asset_job(
    "build_canonical_month_job", selection=["canonical_gold"], partitions_def=canonical_months
)

JOBS = [
    register_submission_from_group_job,
    carry_submission_job,
    build_submitter_gold_job,
    build_canonical_month_job,
    sync_registry_job,
    list_partitions_job,
]
