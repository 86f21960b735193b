"""DuckDB: one statement reads, casts, checks and writes; it knows the rejected rows as one more
partition, so that the file is read once (a table of typed rows and a COPY for each month were no
faster, and a struct of all columns for the rejected text was slower). Records with too few or too
many fields are what `store_rejects` sets aside.
"""

import os

import duckdb

from job import Job


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"


def cast(column):
    raw = f"r.{column.name}"
    match column.kind:
        case "integer":
            return f"TRY_CAST({raw} AS BIGINT)"
        case "decimal":
            return f"TRY_CAST({raw} AS DECIMAL({column.precision}, {column.scale}))"
        case "date":
            formats = ", ".join(quoted(text) for text in column.formats)
            return f"TRY_STRPTIME({raw}, [{formats}])::DATE"
        case "boolean":
            return f"CASE {raw} WHEN {quoted(column.true)} THEN true WHEN {quoted(column.false)} THEN false END"
    return raw


def checks(column):
    """Pairs of rule and the condition under which it is broken."""
    raw, typed = f"r_{column.name}", column.name
    if column.required:
        yield "required", f"{raw} IS NULL"
    if column.kind != "string":
        yield "type", f"({typed} IS NULL AND {raw} IS NOT NULL)"
    if column.length:
        yield "length", f"length({raw}) NOT BETWEEN {column.length[0]} AND {column.length[1]}"
    if column.low is not None:
        of_kind = "DATE " if column.kind == "date" else ""
        low, high = (of_kind + quoted(end) if of_kind else end for end in (column.low, column.high))
        yield "range", f"{typed} NOT BETWEEN {low} AND {high}"
    if column.pattern:
        yield "pattern", f"NOT regexp_full_match({raw}, {quoted(column.pattern)})"
    if column.domain:
        codes = ", ".join(map(quoted, column.domain))
        yield "domain", f"{raw} NOT IN ({codes})"


job = Job()
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = false")
columns = job.columns
broken = [(f"{c.name}:{rule}", test) for c in columns for rule, test in checks(c)]
any_broken = " OR ".join(f"coalesce({test}, false)" for _, test in broken)
reasons = ", ".join(f"CASE WHEN {test} THEN {quoted(reason)} END" for reason, test in broken)
row = ", ".join(f"{quoted(c.name)}: r_{c.name}" for c in columns)
connection.execute(f"""
    COPY (
        SELECT {", ".join(c.name for c in columns)},
            CASE WHEN bad THEN to_json({{{row}}})::VARCHAR END AS raw,
            CASE WHEN bad THEN concat_ws(';', {reasons}) END AS reasons,
            CASE WHEN bad THEN 'rejected' ELSE strftime({job.month}, '%Y-%m') END AS atomic_month
        FROM (
            SELECT *, {any_broken} AS bad FROM (
                SELECT {", ".join(f"{cast(c)} AS {c.name}, r.{c.name} AS r_{c.name}" for c in columns)}
                FROM read_csv({quoted(job.source)}, auto_detect = false, header = true,
                    delim = ',', quote = '"', escape = '"', new_line = '\\n',
                    columns = {{{", ".join(f"{quoted(c.name)}: 'VARCHAR'" for c in columns)}}},
                    store_rejects = true, rejects_limit = 0) AS r)))
    TO {quoted(job.target + "/accepted")}
    (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (atomic_month))""")
os.rename(f"{job.target}/accepted/atomic_month=rejected", f"{job.target}/rejected")
connection.execute(f"""
    COPY (SELECT DISTINCT ON (line) csv_line, ':field_count' AS reasons FROM reject_errors)
    TO {quoted(job.target + "/rejected/records.parquet")} (FORMAT parquet, COMPRESSION zstd)""")


def rows(folder):
    files = quoted(f"{job.target}/{folder}/**/*.parquet")
    return connection.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata({files})").fetchone()[0]


job.finish(duckdb.__version__, int(rows("accepted")), int(rows("rejected")))
