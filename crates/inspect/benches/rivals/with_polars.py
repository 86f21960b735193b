"""Polars: a lazy scan of text, non-strict casts, and two sinks of one streaming query: accepted
rows by month, rejected rows. Short records are told by the last column, which is never empty;
long ones by a column more than the file has.
"""

import glob

import polars as pl

from job import Job

SURPLUS = "surplus"


def scan(job):
    names = [column.name for column in job.columns] + [SURPLUS]
    return pl.scan_csv(
        job.source,
        schema=dict.fromkeys(names, pl.String),
        missing_columns="insert",
    )


def cast(column):
    raw = pl.col(column.name)
    match column.kind:
        case "integer":
            typed = raw.cast(pl.Int64, strict=False)
        case "decimal":
            typed = raw.cast(pl.Decimal(column.precision, column.scale), strict=False)
        case "date":
            typed = pl.coalesce(raw.str.to_date(text, strict=False) for text in column.formats)
        case "boolean":
            typed = pl.when(raw == column.true).then(True).when(raw == column.false).then(False)
        case _:
            typed = raw
    return typed.alias(f"typed_{column.name}")


def checks(column):
    """Pairs of rule and the expression that is true where it is broken."""
    raw, typed = pl.col(column.name), pl.col(f"typed_{column.name}")
    if column.required:
        yield "required", raw.is_null()
    if column.kind != "string":
        yield "type", typed.is_null() & raw.is_not_null()
    if column.length:
        yield "length", ~raw.str.len_chars().is_between(*column.length)
    if column.low is not None:
        low, high = column.low, column.high
        if column.kind == "date":
            low, high = pl.lit(low).str.to_date(), pl.lit(high).str.to_date()
        yield "range", ~typed.is_between(low, high)
    if column.pattern:
        yield "pattern", ~raw.str.contains(f"^(?:{column.pattern})$")
    if column.domain:
        yield "domain", ~raw.is_in(column.domain)


def split(job, rows):
    """The accepted rows, typed, with their month; the rejected rows as text, with reasons."""
    last = job.columns[-1].name
    wrong_count = pl.col(SURPLUS).is_not_null() | pl.col(last).is_null()
    broken = [
        (f"{column.name}:{rule}", test) for column in job.columns for rule, test in checks(column)
    ]
    bad = pl.any_horizontal(wrong_count, *(test.fill_null(False) for _, test in broken))
    rows = rows.with_columns(map(cast, job.columns)).with_columns(bad.alias("bad"))
    accepted = rows.filter(~pl.col("bad")).select(
        *(pl.col(f"typed_{column.name}").alias(column.name) for column in job.columns),
        pl.col(f"typed_{job.month}").dt.strftime("%Y-%m").alias("atomic_month"),
    )
    reasons = pl.concat_str(
        [pl.when(test).then(pl.lit(reason)) for reason, test in broken],
        separator=";",
        ignore_nulls=True,
    )
    rejected = rows.filter("bad").select(
        *(column.name for column in job.columns),
        SURPLUS,
        pl.when(wrong_count).then(pl.lit(":field_count")).otherwise(reasons).alias("reasons"),
    )
    return accepted, rejected


def main():
    job = Job()
    accepted, rejected = split(job, scan(job))
    sinks = [
        accepted.sink_parquet(
            pl.PartitionBy(f"{job.target}/accepted", key="atomic_month"),
            compression="zstd", compression_level=1, mkdir=True, lazy=True,
            maintain_order=False,
        ),
        rejected.sink_parquet(
            f"{job.target}/rejected/rows.parquet",
            compression="zstd", compression_level=1, mkdir=True, lazy=True,
            maintain_order=False,
        ),
    ]
    pl.collect_all(sinks, engine="streaming")

    def rows(folder):
        files = glob.glob(f"{job.target}/{folder}/**/*.parquet", recursive=True)
        return pl.scan_parquet(files).select(pl.len()).collect().item()

    job.finish(pl.__version__, rows("accepted"), rows("rejected"))


if __name__ == "__main__":
    main()
