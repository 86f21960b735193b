"""Pandera on pandas: the file read by Arrow as text, cast with `errors="coerce"`, one lazy
validation that gathers every failure case, and the split by the failure cases' rows.
"""

import pandas as pd
import pandera
import pandera.pandas as pa
import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet

from job import Job


def read(job, set_aside):
    """Not `pd.read_csv(engine="pyarrow")`: that does not tell Arrow of line ends inside quotes, and
    now and then takes one for the end of a record.
    """
    csv = pyarrow.csv
    table = csv.read_csv(
        job.source,
        parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
        convert_options=csv.ConvertOptions(
            column_types={column.name: pyarrow.string() for column in job.columns},
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    return table.to_pandas()


def cast(column, raw):
    match column.kind:
        case "integer":
            return pd.to_numeric(raw, errors="coerce").astype("Int64")
        case "decimal":
            return pd.to_numeric(raw, errors="coerce")
        case "date":
            first, *others = column.formats
            dates = pd.to_datetime(raw, format=first, errors="coerce")
            for text in others:
                left = dates.isna() & raw.notna()
                dates[left] = pd.to_datetime(raw[left], format=text, errors="coerce")
            return dates
        case "boolean":
            return raw.map({column.true: True, column.false: False})
    return raw


def arrow_type(column):
    match column.kind:
        case "integer":
            return pyarrow.int64()
        case "decimal":
            return pyarrow.decimal128(column.precision, column.scale)
        case "date":
            return pyarrow.date32()
        case "boolean":
            return pyarrow.bool_()
    return pyarrow.string()


def typed_check(column, typed):
    """Broken where there is text and it was not cast."""
    return pa.Check(
        lambda raw: typed[column.name].notna() | raw.isna(),
        error=f"{column.name}:type",
        ignore_na=False,
    )


def schema_columns(column, typed):
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
        checks.append(typed_check(column, typed))
    yield column.name, pa.Column(None, checks, nullable=not column.required)
    if column.low is not None:
        low, high = column.low, column.high
        if column.kind == "date":
            low, high = pd.Timestamp(low), pd.Timestamp(high)
        in_range = pa.Check.in_range(low, high, error=reason("range"))
        yield f"typed_{column.name}", pa.Column(None, in_range, nullable=True)


def failures(frame, schema):
    """The reasons of each row that fails, by its index."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return pd.Series(dtype=str)
    missing = cases["check"] == "not_nullable"
    reasons = cases["check"].where(~missing, cases["column"] + ":required")
    return reasons.groupby(cases["index"].astype("int64")).agg(";".join)


def write(job, table, folder, partitioning=None):
    parquet = pyarrow.dataset.ParquetFileFormat()
    pyarrow.dataset.write_dataset(
        table,
        f"{job.target}/{folder}",
        format=parquet,
        file_options=parquet.make_write_options(compression="zstd", compression_level=1),
        partitioning=partitioning,
        partitioning_flavor="hive" if partitioning else None,
    )


def main():
    job = Job()
    miscounted = []

    def set_aside(row):
        miscounted.append(row.text)
        return "skip"

    raw = read(job, set_aside)
    typed = pd.DataFrame({column.name: cast(column, raw[column.name]) for column in job.columns})
    bounded = [column.name for column in job.columns if column.low is not None]
    frame = pd.concat([raw, typed[bounded].add_prefix("typed_")], axis=1)
    schema = pa.DataFrameSchema(
        dict(pair for column in job.columns for pair in schema_columns(column, typed))
    )
    failed = failures(frame, schema)

    rejected = raw.loc[failed.index].assign(reasons=failed)
    rejected = pyarrow.Table.from_pandas(rejected, preserve_index=False)
    lines = pyarrow.table({"line": miscounted, "reasons": [":field_count"] * len(miscounted)})
    write(job, pyarrow.concat_tables([rejected, lines], promote_options="permissive"), "rejected")
    accepted = typed.drop(index=failed.index)
    schema = pyarrow.schema([(column.name, arrow_type(column)) for column in job.columns])
    table = pyarrow.Table.from_pandas(accepted, preserve_index=False).cast(schema)
    month = pyarrow.array(accepted[job.month].dt.strftime("%Y-%m"), pyarrow.string())
    write(job, table.append_column("atomic_month", month), "accepted", ["atomic_month"])
    versions = f"{pandera.__version__}, pandas {pd.__version__}"
    job.finish(versions, len(accepted), len(failed) + len(miscounted))


main()
