"""Pandera on Polars: the whole file as a frame of text with the cast columns beside it, one lazy
validation that gathers every failure case, and the split by the failure cases' rows.
"""

import pandera
import pandera.polars as pa
import polars as pl

from job import Job
from with_polars import SURPLUS, cast, scan

REASON, ROW = "check", "index"


def typed_check(column):
    """Broken where there is text and it was not cast."""

    def holds(data):
        typed = pl.col(f"typed_{column.name}")
        return data.lazyframe.select(typed.is_not_null() | pl.col(column.name).is_null())

    return pa.Check(holds, error=f"{column.name}:type")


def schema_columns(column):
    """The text's column of the schema and, where the type is another, the typed one."""
    reason = f"{column.name}:{{}}".format
    checks = []
    if column.length:
        checks.append(pa.Check.str_length(*column.length, error=reason("length")))
    if column.pattern:
        checks.append(pa.Check.str_matches(f"^(?:{column.pattern})$", error=reason("pattern")))
    if column.domain:
        checks.append(pa.Check.isin(column.domain, error=reason("domain")))
    if column.kind != "string":
        checks.append(typed_check(column))
    yield column.name, pa.Column(pl.String, checks, nullable=not column.required)
    if column.low is not None:
        low, high = column.low, column.high
        if column.kind == "date":
            low, high = (pl.select(pl.lit(end).str.to_date()).item() for end in (low, high))
        in_range = pa.Check.in_range(low, high, error=reason("range"))
        yield f"typed_{column.name}", pa.Column(checks=[in_range], nullable=True)


def failures(frame, schema):
    """One line for each row that fails: its number and its reasons."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        cases = pl.DataFrame(schema={"column": pl.String, REASON: pl.String, ROW: pl.UInt32})
    reason = (
        pl.when(pl.col(REASON) == "not_nullable")
        .then(pl.col("column") + ":required")
        .otherwise(REASON)
    )
    return cases.group_by(pl.col(ROW).cast(pl.UInt32)).agg(reason.str.join(";").alias("reasons"))


def main():
    job = Job()
    last = job.columns[-1].name
    frame = scan(job).with_columns(map(cast, job.columns)).collect(engine="streaming")
    wrong_count = pl.col(SURPLUS).is_not_null() | pl.col(last).is_null()
    miscounted = frame.filter(wrong_count).with_columns(pl.lit(":field_count").alias("reasons"))
    frame = frame.filter(~wrong_count).with_row_index(ROW)
    schema = pa.DataFrameSchema(dict(pair for c in job.columns for pair in schema_columns(c)))
    failed = failures(frame, schema)

    text = [*(column.name for column in job.columns), "reasons"]
    rejected = frame.join(failed, on=ROW, how="inner")
    rejected = pl.concat([rejected.select(text), miscounted.select(text)])
    zstd = {"compression": "zstd", "compression_level": 1, "mkdir": True}
    rejected.lazy().sink_parquet(f"{job.target}/rejected/rows.parquet", **zstd)
    accepted = frame.lazy().join(failed.lazy(), on=ROW, how="anti").select(
        *(pl.col(f"typed_{column.name}").alias(column.name) for column in job.columns),
        pl.col(f"typed_{job.month}").dt.strftime("%Y-%m").alias("atomic_month"),
    )
    by_month = pl.PartitionBy(f"{job.target}/accepted", key="atomic_month")
    accepted.sink_parquet(by_month, engine="streaming", **zstd)
    versions = f"{pandera.__version__}, Polars {pl.__version__}"
    job.finish(versions, len(frame) - len(failed), len(rejected))


main()
