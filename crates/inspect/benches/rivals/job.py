"""What every rival is given and gives back: the file, the contract's columns, the counts."""

import json
import sys
import time
from dataclasses import dataclass, field

import yaml


@dataclass
class Column:
    """A column of the contract. An empty value is null; a null breaks `required` only."""

    name: str
    kind: str  # string, integer, decimal, date, boolean
    required: bool = False
    precision: int = 0
    scale: int = 0
    formats: list = field(default_factory=list)
    length: tuple | None = None  # least and most characters
    low: object = None
    high: object = None
    pattern: str | None = None
    domain: list | None = None
    true: str = ""
    false: str = ""


def read_column(document):
    kind = document["type"]
    column = Column(document["name"], kind, document.get("required", False))
    if kind.startswith("decimal"):
        column.kind = "decimal"
        digits = kind.removeprefix("decimal(").removesuffix(")").split(",")
        column.precision, column.scale = map(int, digits)
    if kind == "boolean":
        (column.true,), (column.false,) = document["true_values"], document["false_values"]
    column.formats = document.get("formats", [])
    length = document.get("length")
    if isinstance(length, int):
        length = {"min": length, "max": length}
    if length:
        column.length = (length["min"], length["max"])
    bounds = document.get("range", {})
    column.low, column.high = bounds.get("min"), bounds.get("max")
    column.pattern = document.get("pattern")
    column.domain = document.get("domain")
    return column


class Job:
    """`SCRIPT FILE TARGET CONTRACT`. Accepted rows go to TARGET/accepted/…/*.parquet, rejected
    ones with a text column `reasons` (`column:rule`, joined by `;`) to TARGET/rejected/*.parquet.
    """

    def __init__(self):
        self.source, self.target, contract = sys.argv[1:4]
        with open(contract, encoding="utf-8") as text:
            document = yaml.safe_load(text)
        self.columns = [read_column(column) for column in document["columns"]]
        self.month = document["atomic_month"]["column"]
        # Imports are over: from here on it is work.
        self.began, self.began_cpu = time.perf_counter(), time.process_time()

    def finish(self, version, accepted, rejected):
        seconds = time.perf_counter() - self.began
        cpu_seconds = time.process_time() - self.began_cpu
        print(
            json.dumps(
                {
                    "version": version,
                    "seconds": seconds,
                    "cpu_seconds": cpu_seconds,
                    "peak_bytes": peak_bytes(),
                    "accepted": accepted,
                    "rejected": rejected,
                }
            )
        )


def peak_bytes():
    """The most memory that this process has had resident; none where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
