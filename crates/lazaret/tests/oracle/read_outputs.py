"""Reads a project's object folder with DuckDB, as any user would, and prints what it holds.

    python read_outputs.py FOLDER

FOLDER holds silver, quarantine, gold_submitter and gold_canonical in their documented places.
Prints JSON: for each of the four the rows by the parts of their folder names, quarantine's reasons,
the canonical rows by their source, and rows whose origin stands twice (none, if all is well). A part
of the tree that is absent gives an empty list.
Needs DuckDB.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import duckdb

# Folder names from the tree's top to the Parquet files' folder; `atomic_month` is a hive partition.
MONTH = "atomic_month"
SILVER = ("submitter_id", "file_type", "submission_id", MONTH)
QUARANTINE = ("submitter_id", "file_type", "submission_id")
GOLD_SUBMITTER = ("state", "file_type", "submitter_id", MONTH)
GOLD_CANONICAL = ("state", "file_type", MONTH)


def tables(root, names):
    """The Parquet files below `root` by the names of their folders, months taken together.

    A Delta table's `_delta_log` is not data; any other file in a wrong place is a fault."""
    found = defaultdict(list)
    for path in sorted(root.rglob("*.parquet")):
        parts = path.parent.relative_to(root).parts
        if "_delta_log" in parts:
            continue
        in_place = len(parts) == len(names) and (names[-1] != MONTH or parts[-1].startswith(f"{MONTH}="))
        assert in_place, f"{path.relative_to(root)} does not lie where the places say"
        found[parts[:-1] if names[-1] == MONTH else parts].append(str(path))
    return found


def scan(paths):
    """The files as one relation; months are read from the folders' names, as text."""
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false)"


def rows_by_folder(connection, root, names):
    """One entry for each folder: its names, and its rows as DuckDB counts them."""
    entries = []
    for parts, paths in sorted(tables(root, names).items()):
        folder = dict(zip(names, parts))
        if names[-1] == MONTH:
            by_month = f"select {MONTH}, count(*) from {scan(paths)} group by 1 order by 1"
            entries += [{**folder, MONTH: month, "rows": rows} for month, rows in connection.execute(by_month).fetchall()]
        else:
            rows = connection.execute(f"select count(*) from {scan(paths)}").fetchone()[0]
            entries.append({**folder, "rows": rows})
    return entries


def quarantine(connection, root):
    """Rejects by submission, and how often each reason stands among them."""
    entries = rows_by_folder(connection, root, QUARANTINE)
    for entry, (_, paths) in zip(entries, sorted(tables(root, QUARANTINE).items())):
        reasons = connection.execute(
            "select coalesce(reason.\"column\" || ':', '') || reason.rule, count(*) "
            f"from (select unnest(reasons) as reason from {scan(paths)}) group by 1 order by 1"
        )
        entry["reasons"] = dict(reasons.fetchall())
    return entries


def doubled(connection, root, names, key):
    """Tables below `root` in which the origin of a row stands twice: must be none."""
    twice = []
    for parts, paths in sorted(tables(root, names).items()):
        surplus = f"select count(*) - count(distinct ({', '.join(key)})) from {scan(paths)}"
        rows = connection.execute(surplus).fetchone()[0]
        if rows:
            twice.append({"table": f"{root.name}/{'/'.join(parts)}", "rows": rows})
    return twice


def canonical_by_source(connection, root):
    """Canonical rows by month, submitter, submission and layout."""
    keys = ("state", "file_type", MONTH, "submitter_id", "source_submission_id", "source_layout_id")
    entries = []
    for _, paths in sorted(tables(root, GOLD_CANONICAL).items()):
        counted = f"select {', '.join(keys)}, count(*) from {scan(paths)} group by all order by all"
        entries += [dict(zip((*keys, "rows"), row)) for row in connection.execute(counted).fetchall()]
    return entries


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python read_outputs.py FOLDER")
    root = Path(sys.argv[1])
    connection = duckdb.connect()
    row_key = ("source_file", "source_row")
    json.dump(
        {
            "silver": rows_by_folder(connection, root / "silver", SILVER),
            "quarantine": quarantine(connection, root / "quarantine"),
            "gold_submitter": rows_by_folder(connection, root / "gold_submitter", GOLD_SUBMITTER),
            "gold_canonical": rows_by_folder(connection, root / "gold_canonical", GOLD_CANONICAL),
            "canonical_by_source": canonical_by_source(connection, root / "gold_canonical"),
            "rows_doubled": doubled(connection, root / "silver", SILVER, row_key)
            + doubled(
                connection, root / "gold_canonical", GOLD_CANONICAL, ("submitter_id", "source_submission_id", *row_key)
            ),
        },
        sys.stdout,
        indent=1,
    )
    print()


if __name__ == "__main__":
    main()
