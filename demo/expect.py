"""What the demo must find in its inbox, counted without our own program: writes expected.json.

    python expect.py

Reads `inbox/` beside it and the contracts in `../library`; the counting is that of
`crates/lazaret/tests/oracle/count_rows.py`. Needs PyYAML and DuckDB.
"""

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crates/lazaret/tests/oracle"))
sys.dont_write_bytecode = True
from count_rows import Contract, UNKNOWN_MONTH, count  # noqa: E402

# In the order of arrival; `None`: no contract knows the file's name.
DROPS = [
    ("evergreen/medical_claim/20110115", "medical_claim@v1"),
    ("cascade/medical_claim/20110131", "medical_claim@v2"),
    ("evergreen/medical_claim/20110212-corrected", "medical_claim@v1"),
    ("olympic/medical_claim/20190415", "medical_claim@v3"),
    ("cascade/medical_claim/20190430", "medical_claim@v2"),
    ("cascade/medical_claim/20200131", None),
]


def expect_drop(drop, layout):
    folder = HERE / "inbox" / drop
    paths = sorted(path for path in folder.iterdir() if path.name != "_SUCCESS")
    files = [(path.name, path.read_bytes()) for path in paths]
    facts = {
        "drop": drop,
        "submitter": drop.split("/")[0],
        "layout": layout,
        "closed_by": "MARKER_FILE" if (folder / "_SUCCESS").exists() else "QUIESCENCE",
        "files": [{"name": name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files],
    }
    if layout is None:
        return {**facts, "state": "NEEDS_REVIEW"}
    counted = count(Contract(HERE.parent / "library/contracts", layout), files)
    warned = counted["warnings"] or counted["file_rules_broken"]
    return {**facts, "state": "VALIDATED_WITH_WARNINGS" if warned else "VALIDATED", **counted}


def winners(drops):
    """By submitter and month: the latest drop that covers the month, and its rows."""
    latest = {}
    for drop in drops:
        for month, rows in drop.get("months", {}).items():
            if month != UNKNOWN_MONTH:
                latest[drop["submitter"], month] = {"drop": drop["drop"], "rows": rows}
    return [{"submitter": submitter, "month": month, **won} for (submitter, month), won in sorted(latest.items())]


def canonical(won):
    """By month: rows of all winners, and how many submitters they come from."""
    months = {}
    for winner in won:
        month = months.setdefault(winner["month"], {"rows": 0, "submitters": []})
        month["rows"] += winner["rows"]
        month["submitters"].append(winner["submitter"])
    return dict(sorted(months.items()))


def main():
    drops = [expect_drop(*drop) for drop in DROPS]
    won = winners(drops)
    expected = {"drops": drops, "winners": won, "canonical": canonical(won)}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
