"""`verify.py TARGET`: what lies in the Parquet files that a contender wrote, by DuckDB."""

import json
import sys

import duckdb

target = sys.argv[1]
connection = duckdb.connect()
accepted = f"read_parquet('{target}/accepted/**/*.parquet', hive_partitioning = false)"
rejected = f"read_parquet('{target}/rejected/**/*.parquet', union_by_name = true)"


def one(query):
    return connection.execute(query).fetchone()


def pairs(query):
    return {str(key): int(count) for key, count in connection.execute(query).fetchall()}


# A column that is not of its type fails here.
names = ["paid_cents", "units", "from_days", "birth_days", "note_characters", "in_network"]
sums = one(f"""
    SELECT sum(paid_amount) * 100, sum(units), sum(from_date - DATE '1970-01-01'),
        sum(birth_date - DATE '1970-01-01'), coalesce(sum(length(note)), 0),
        count(*) FILTER (in_network)
    FROM {accepted}""")
result = {
    "accepted": one(f"SELECT count(*) FROM {accepted}")[0],
    "rejected": one(f"SELECT count(*) FROM {rejected}")[0],
    "months": pairs(f"SELECT strftime(from_date, '%Y-%m'), count(*) FROM {accepted} GROUP BY 1"),
    "reasons": pairs(f"""
        SELECT reason, count(*)
        FROM (SELECT unnest(string_split(reasons, ';')) AS reason FROM {rejected}) GROUP BY 1"""),
    "sums": {name: int(value) for name, value in zip(names, sums)},
}
print(json.dumps(result))
