"""Counts what a file of visits breaks, from the contract's rules in words (tests/it/every_check.rs), with
nothing of the program: sys.argv[1] is the file. Prints JSON."""

import csv
import datetime
import json
import re
import sys
from collections import Counter
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def npi(text):
    if not re.fullmatch("[12][0-9]{9}", text):
        return False
    total = 0
    for place, digit in enumerate(reversed("80840" + text)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def instant(text):
    """UTC, or nothing where New York's clocks never showed it."""
    local = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)
    utc = local.astimezone(datetime.timezone.utc)
    return utc if utc.astimezone(NEW_YORK).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def cells(row):
    """Typed values, and what single cells break."""
    broken = []
    value = {name: text.strip() or None for name, text in row.items()}
    if value["facility"]:
        value["facility"] = value["facility"].rjust(5, "0")
    if value["npi"] and not npi(value["npi"]):
        broken.append("npi:check")
    ended = value["ended"] and datetime.datetime.strptime(value["ended"], "%Y%m%d").date()
    value["ended"] = None if ended == datetime.date(9999, 12, 31) else ended
    if value["paid"]:
        if re.fullmatch("-?[0-9]+", value["paid"]):
            value["paid"] = int(value["paid"])
        else:
            broken.append("paid:type")
    if value["seen_at"]:
        value["seen_at"] = instant(value["seen_at"])
        if value["seen_at"] is None:
            broken.append("seen_at:type")
    return value, broken


def share(rows, short):
    return {"rows": len(rows), "short": len(short), "first_rows": [number for number, _ in short[:5]]}


def main():
    rejects, reasons, warnings, seen, accepted = 0, Counter(), Counter(), set(), []
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            value, broken = cells(row)
            if not broken:
                if value["kind"] == "I" and value["facility"] is None:
                    broken.append("facility:required_when")
                # The rule `has_payer` is waived for this submitter, `has_plan` was until 2020.
                if value["payer"] == "no plan":
                    broken.append("has_plan")
            if not broken:
                key = (value["visit"], value["line"])
                if None not in key and key in seen:
                    broken.append("unique")
                seen.add(key)
            if broken:
                rejects += 1
                reasons.update(broken)
            else:
                accepted.append((number, value))
                warnings["has_payer"] += value["payer"] == "none"
    inpatient = [(number, value) for number, value in accepted if value["kind"] == "I"]
    paid = [(number, value) for number, value in accepted if value["paid"] is not None]
    json.dump({
        "rows": number,
        "rejected": rejects,
        "accepted": len(accepted),
        "reasons": dict(reasons),
        "warnings": dict(warnings),
        "thresholds": {
            "ended": share(accepted, [row for row in accepted if row[1]["ended"] is None]),
            "npi": share(inpatient, [row for row in inpatient if row[1]["npi"] is None]),
            "paid_positive": share(paid, [row for row in paid if row[1]["paid"] <= 0]),
            "paid_small": share(accepted, [row for row in accepted if (row[1]["paid"] or 0) >= 100_000_00]),
        },
        "paid_cents": sum(value["paid"] or 0 for _, value in accepted),
        "seen_at_seconds": sum(int(value["seen_at"].timestamp()) for _, value in accepted if value["seen_at"]),
        "facilities": sorted({value["facility"] for _, value in accepted if value["facility"]}),
    }, sys.stdout)


main()
