"""The sensors: each asks `lazaret sensor preview` what is due and asks Dagster for a run of each
piece. They stand still unless ORCHESTRATOR is `dagster`, the setting by which `lazaret up` leaves
the work to Dagster; a person can turn each on or off in Dagster's pages all the same."""

import os
from collections.abc import Callable, Sequence

from dagster import (
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    DynamicPartitionsDefinition,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from lazaret_dagster import jobs, partitions
from lazaret_dagster.lazaret import Lazaret
from lazaret_dagster.requests import Wanted, decide

IS_OURS = os.environ.get("ORCHESTRATOR") == "dagster"
SECONDS_BETWEEN_TICKS = int(os.environ.get("LAZARET_SENSOR_SECONDS") or "30")

REGISTER = jobs.register_submission_from_group_job
CARRY = jobs.carry_submission_job
GOLD = jobs.build_submitter_gold_job
MONTH = jobs.build_canonical_month_job

# The tag by which a run is known as that of a piece of work.
WORK = "lazaret/work"

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def tick(
    context: SensorEvaluationContext,
    lazaret: Lazaret,
    previewed: Sequence[str],
    requested: Sequence[str],
    request: Callable[[Wanted], RunRequest],
    partitioned_by: DynamicPartitionsDefinition,
) -> SensorResult | SkipReason:
    """`previewed`: Lazaret's sensors. `requested`: the jobs that `request` names."""
    previews = [lazaret.ask("sensor", "preview", name) for name in previewed]
    if not any(preview["due"] for preview in previews):
        return SkipReason(decide(previews, set(), lambda _: None).because)
    instance = context.instance
    under_way = {
        run.tags[WORK]
        for job_name in requested
        for run in instance.get_runs(filters=RunsFilter(job_name=job_name, statuses=UNFINISHED))
        if WORK in run.tags
    }

    def last_run(work: str) -> str | None:
        records = instance.get_runs(filters=RunsFilter(tags={WORK: work}), limit=1)
        return records[0].run_id if records else None

    decision = decide(previews, under_way, last_run)
    if not decision.runs:
        return SkipReason(decision.because)
    requests = [request(wanted) for wanted in decision.runs]
    keys = sorted({run.partition_key for run in requests if run.partition_key})
    known = set(instance.get_dynamic_partitions(partitioned_by.name))
    new = [key for key in keys if key not in known]
    return SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[partitioned_by.build_add_request(new)] if new else [],
    )


def of_partition(job_name: str, first_asset: str) -> Callable[[Wanted], RunRequest]:
    """`first_asset`: the step whose configuration tells what was asked for."""

    def request(wanted: Wanted) -> RunRequest:
        work = wanted.work
        asked = {"asked_for": f"{work.job} {work.subject}"}
        return RunRequest(
            run_key=wanted.run_key,
            run_config={"ops": {first_asset: {"config": asked}}},
            job_name=job_name,
            partition_key=work.subject,
            tags={WORK: work.name},
        )

    return request


carry = of_partition(CARRY.name, "submission_raw")


def of_group_or_submission(wanted: Wanted) -> RunRequest:
    work = wanted.work
    if work.job != "register":
        return carry(wanted)
    group = {"grouping_key": work.subject, "grouping_method": work.detail["grouping_method"]}
    return RunRequest(
        run_key=wanted.run_key,
        job_name=REGISTER.name,
        run_config={"ops": {"register_submission_from_group": {"config": group}}},
        tags={WORK: work.name},
    )


ALIKE = {
    "minimum_interval_seconds": SECONDS_BETWEEN_TICKS,
    "default_status": DefaultSensorStatus.RUNNING if IS_OURS else DefaultSensorStatus.STOPPED,
}


@sensor(jobs=[REGISTER, CARRY], **ALIKE)
def inbox_discovery_sensor(context: SensorEvaluationContext, lazaret: Lazaret):
    """Groups of the inbox that are whole, and submissions whose files are not copied yet."""
    names, keys = [REGISTER.name, CARRY.name], partitions.submissions
    return tick(context, lazaret, ["inbox_discovery"], names, of_group_or_submission, keys)


@sensor(job=CARRY, **ALIKE)
def submission_sensor(context: SensorEvaluationContext, lazaret: Lazaret):
    """Submissions that wait to be parsed, validated, or to compete for their months."""
    return tick(context, lazaret, ["parse", "validate"], [CARRY.name], carry, partitions.submissions)


@sensor(job=GOLD, **ALIKE)
def submitter_gold_sensor(context: SensorEvaluationContext, lazaret: Lazaret):
    """Months of a submitter whose winner changed."""
    request = of_partition(GOLD.name, "submitter_gold")
    return tick(context, lazaret, ["submitter_gold"], [GOLD.name], request, partitions.submitter_months)


@sensor(job=MONTH, **ALIKE)
def canonical_rebuild_sensor(context: SensorEvaluationContext, lazaret: Lazaret):
    """Statewide months in `canonical_rebuild_queue`."""
    request = of_partition(MONTH.name, "canonical_gold")
    return tick(context, lazaret, ["canonical_rebuild"], [MONTH.name], request, partitions.canonical_months)


sync_registry_schedule = ScheduleDefinition(
    name="sync_registry_schedule",
    job=jobs.sync_registry_job,
    cron_schedule="*/15 * * * *",
    default_status=DefaultScheduleStatus.RUNNING if IS_OURS else DefaultScheduleStatus.STOPPED,
)

SENSORS = [inbox_discovery_sensor, submission_sensor, submitter_gold_sensor, canonical_rebuild_sensor]
SCHEDULES = [sync_registry_schedule]
