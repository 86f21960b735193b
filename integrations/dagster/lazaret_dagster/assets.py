"""The assets. Each is one kind of work of Lazaret's; its partitions are the pieces.

A step calls `lazaret` once and hands on what it reported. Where the work was not due, because
somebody else had done it, the program reports what stands; where nothing stands (a submission that
waits for a person has no silver), the asset is not materialized and the steps after it are skipped.
"""

from collections.abc import Iterator, Sequence

from dagster import (
    AllPartitionMapping,
    AssetCheckSpec,
    AssetDep,
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    Config,
    PartitionsDefinition,
    multi_asset,
)
from pydantic import Field

from lazaret_dagster.lazaret import Lazaret
from lazaret_dagster.partitions import canonical_months, submissions, submitter_months

# What a check asks, by its name in the program.
CHECKS = {
    "rows_reconcile": "Every row of the files is accepted or in quarantine",
    "rejects_within_limit": "The files could be read, and no more rows were rejected than the feed or contract allows",
    "validated": "The submission as a whole keeps the contract's rules",
    "month_built": "The last build of the month did not fail",
    "mappings_fit": "Every mapping fits its layout and its canonical schema",
}


class Asked(Config):
    """Nothing depends on it: `dagster sensor preview` shows a run's configuration and no partition."""

    asked_for: str = Field("", description="What a sensor asked for; empty where a person did")


def checks_of(asset: str, names: Sequence[str]) -> list[AssetCheckSpec]:
    return [AssetCheckSpec(name, asset=asset, description=CHECKS[name]) for name in names]


@multi_asset(
    name="bootstrap_heartbeat_asset",
    specs=[
        AssetSpec(
            "bootstrap_heartbeat_asset",
            group_name="bootstrap",
            description="A row in the metadata database and an object in the store, both written and read back: "
            "Dagster reaches Lazaret, and Lazaret its services",
        )
    ]
)
def bootstrap_heartbeat(context: AssetExecutionContext, lazaret: Lazaret) -> Iterator:
    yield from lazaret.do(context, "heartbeat").get_results(implicit_materializations=False)


@multi_asset(
    specs=[
        AssetSpec(
            "sync_layout_registry",
            group_name="registry",
            skippable=True,
            description="`layout_registry`: the contracts, as Lazaret has taken them in",
        ),
        AssetSpec(
            "sync_canonical_registry",
            group_name="registry",
            skippable=True,
            description="`canonical_schema` and `canonical_mapping`: the statewide shapes and how layouts become them",
        ),
    ],
    check_specs=checks_of("sync_canonical_registry", ["mappings_fit"]),
    # One command takes in all documents, whichever of the two was asked for.
    can_subset=True,
)
def registry(context: AssetExecutionContext, lazaret: Lazaret) -> Iterator:
    synced = lazaret.do(context, "registry", "sync")
    yield from synced.get_results(implicit_materializations=False)


def asset_of_job(
    name: str,
    job: str,
    partitions: PartitionsDefinition,
    description: str,
    group: str,
    kinds: set[str],
    deps: Sequence[AssetDep | str] = (),
    checks: Sequence[str] = (),
) -> AssetsDefinition:
    """An asset whose partition is the subject of one of Lazaret's jobs."""

    @multi_asset(
        name=name,
        specs=[
            AssetSpec(
                name,
                deps=deps,
                description=description,
                group_name=group,
                kinds=kinds,
                skippable=True,
            )
        ],
        partitions_def=partitions,
        check_specs=checks_of(name, checks),
        # Makes the checks optional: a submission without silver has nothing to check.
        can_subset=True,
    )
    def step(context: AssetExecutionContext, config: Asked, lazaret: Lazaret) -> Iterator:
        subject = context.partition_key
        if config.asked_for:
            context.log.info(f"a sensor asked for {config.asked_for}")
        done = lazaret.do(context, "job", "launch", job, subject, may_be_absent=True)
        results = done.get_results(implicit_materializations=False)
        if not results:
            context.log.warning(f"{name} of {subject} does not exist; what Lazaret answered is in the step's stdout")
        yield from results

    return step


submission_raw = asset_of_job(
    "submission_raw",
    "stage",
    submissions,
    "The files as they came, copied, hashed and classified",
    "submission",
    {"file"},
)
submission_silver = asset_of_job(
    "submission_silver",
    "parse",
    submissions,
    "Accepted rows by month; the rejected ones with their reasons are in quarantine beside it",
    "submission",
    {"parquet"},
    deps=["submission_raw"],
    checks=["rows_reconcile", "rejects_within_limit"],
)
submission_verdict = asset_of_job(
    "submission_verdict",
    "validate",
    submissions,
    "The rules about whole files, and the verdict",
    "submission",
    {"sql"},
    deps=["submission_silver"],
    checks=["validated"],
)
submission_months = asset_of_job(
    "submission_months",
    "compete",
    submissions,
    "The months that it covers, each with the submission that stands for it since",
    "submission",
    {"sql"},
    deps=["submission_verdict"],
)

# A month of gold rests on whichever submissions stand for it: Lazaret knows which, Dagster need not.
OF_ANY_SUBMISSION = [
    AssetDep("submission_months", partition_mapping=AllPartitionMapping()),
]
submitter_gold = asset_of_job(
    "submitter_gold",
    "submitter_gold",
    submitter_months,
    "A submitter's month: the rows of the submission that stands for it",
    "gold",
    {"deltalake"},
    deps=OF_ANY_SUBMISSION,
)
canonical_gold = asset_of_job(
    "canonical_gold",
    "canonical_rebuild",
    canonical_months,
    "A statewide month: the rows of all submitters in one shape",
    "gold",
    {"deltalake"},
    deps=[*OF_ANY_SUBMISSION, "sync_canonical_registry"],
    checks=["month_built"],
)

OF_A_SUBMISSION = [submission_raw, submission_silver, submission_verdict, submission_months]
ASSETS = [bootstrap_heartbeat, registry, *OF_A_SUBMISSION, submitter_gold, canonical_gold]
