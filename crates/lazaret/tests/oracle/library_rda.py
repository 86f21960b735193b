"""Counts what the library's layouts of RDA messages must accept and reject.

    python library_rda.py DATA DROPS ORACLES

As `library_idr.py`, whose checks these are, of JSON lines: the claims of the Replicated Data Access
API with the lengths that the BFD pipeline's mappings give them. A line that names a member twice is
ambiguous, and rejected whole.
"""

import csv
import json
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[3])
from library_idr import (  # noqa: E402
    DAY_OR_NONE, ICD, MBI, MODIFIER, NPI, SPOILS, STATE, amount, at_most, code, connect, count, needed, of, one_of,
    ordered, published, tell, warned)

RDA = "cms_bfd/rda_ndjson/bfd-pipeline-rda-{file}"
MESSAGE = {
    **of(published.moment(), "timestamp source.transmissionTimestamp"), "seq": needed(published.integer(0, rejects=True)),
    "changeType": one_of("CHANGE_TYPE_INSERT", "CHANGE_TYPE_UPDATE", "CHANGE_TYPE_DELETE", rejects=True),
    "source.phase": code(2), "source.phaseSeqNum": published.integer(0), "source.extractDate": DAY_OR_NONE,
}
LISTED = warned("[A-Z][A-Z0-9_]*")
HICN = warned("(?i)[0-9A-Z]{7,12}")


def listed(length, members):
    """Codes that stand under the name of the API's list, or as the shared system has them."""
    named = of(LISTED, " ".join(f"claim.{member}Enum" for member in members.split()))
    return {**named, **of(at_most(length), " ".join(f"claim.{member}Unrecognized" for member in members.split()))}


def in_claim(checks, members):
    return of(checks, " ".join(f"claim.{member}" for member in members.split()))


def rda(files, key, columns, rules):
    """Members of the claim are columns by their own name, those of the message by their path."""
    bare = {"dcn", "icn", "rdaClaimKey", "intermediaryNb"}
    path = {member: f"change.{member}" if member in bare else member for member in columns}
    named = {member: re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name.removeprefix("claim.").replace(".", "_")).lower()
             for member, name in path.items()}
    return {"files": files, "nulls": [], "key": key, "columns": columns, "named": named, "rules": rules}


def required(rule, one, column):
    """A code that a claim must have, under one of its two names."""
    neither = f"{column}_enum is null and {column}_unrecognized is null"
    both = f"{column}_enum is not null and {column}_unrecognized is not null"
    return {rule: (True, f"change_type is distinct from 'CHANGE_TYPE_DELETE' and {neither}"), one: (False, both)}


LAYOUTS = {}
LAYOUTS["rda_fiss_claim"] = rda(
    ["grpc/src/test/resources/FISS.ndjson", "grpc/src/test/resources/SAMPLE-FISS.ndjson",
     "bridge/src/test/resources/expected/expected-fiss.ndjson"], ["dcn", "seq"], {
        **MESSAGE, "dcn": at_most(23), "claim.dcn": needed([("length", True, "length(x) > 23")]),
        **of(at_most(32), "rdaClaimKey claim.rdaClaimKey"), **of(code(5, 5), "intermediaryNb claim.intermediaryNb"),
        "claim.hicNo": HICN, "claim.mbi": warned(MBI),
        **listed(1, "currStatus currLoc1 lobCd freqCd"), **listed(5, "currLoc2"),
        "claim.medaProvId": at_most(13), "claim.medaProv6": at_most(6), "claim.totalChargeAmount": amount(11, 2),
        **in_claim(DAY_OR_NONE, "recdDtCymd currTranDtCymd stmtCovFromCymd stmtCovToCymd"),
        **in_claim(ICD, "admDiagCode principleDiag"), "claim.npiNumber": NPI, "claim.fedTaxNb": at_most(10),
        **in_claim(at_most(100), "pracLocAddr1 pracLocAddr2 pracLocCity"), "claim.pracLocState": STATE,
        "claim.pracLocZip": at_most(15), "claim.servTypCdUnrecognized": at_most(1), "claim.drgCd": warned("[0-9]{3,4}"),
        **in_claim(LISTED, "servTypeCdEnum servTypeCdForClinicsEnum servTypeCdForSpecialFacilitiesEnum clmTypIndEnum "
                   "admTypCdEnum"), "claim.billTypCd": warned("(?i)[0-9A-Z]{3}"),
        **in_claim([], "fissDiagCodes fissProcCodes fissPayers fissRevenueLines"),
    }, {**required("status_known", "one_status", "curr_status"),
        **ordered("statement_in_order", "stmt_cov_from_cymd", "stmt_cov_to_cymd"),
        "message_is_of_its_claim": (False, "change_dcn <> dcn")})
LAYOUTS["rda_mcs_claim"] = rda(
    ["grpc/src/test/resources/MCS.ndjson", "grpc/src/test/resources/SAMPLE-MCS.ndjson",
     "bridge/src/test/resources/expected/expected-mcs.ndjson"], ["idr_clm_hd_icn", "seq"], {
        **MESSAGE, "icn": at_most(15), "claim.idrClmHdIcn": needed([("length", True, "length(x) > 15")]),
        "claim.idrContrId": needed(code(5, 5), rejects=False), "claim.idrHic": HICN, "claim.idrClaimMbi": warned(MBI),
        **listed(1, "idrClaimType idrBeneSex idrBillProvGroupInd idrBillProvStatusCd"), "claim.idrStatusCodeEnum": LISTED,
        "claim.idrDtlCnt": published.integer(0), "claim.idrBeneLast16": at_most(6), "claim.idrBillProvNpi": NPI,
        **in_claim(at_most(1), "idrBeneFirstInit idrBeneMidInit"), **in_claim(at_most(10), "idrBillProvNum idrBillProvEin"),
        **in_claim(MODIFIER, "idrBillProvType idrBillProvSpec idrBillProvPriceSpec idrBillProvCounty idrBillProvLoc"),
        **in_claim(amount(7, 2), "idrTotAllowed idrCoinsurance idrDeductible idrTotBilledAmt"),
        **in_claim(DAY_OR_NONE, "idrStatusDate idrClaimReceiptDate idrHdrFromDos idrHdrToDos"),
        **in_claim([], "mcsDiagnosisCodes mcsDetails"),
    }, {**required("claim_type_known", "one_claim_type", "idr_claim_type"),
        **ordered("to_not_before_from", "idr_hdr_from_dos", "idr_hdr_to_dos"),
        "message_is_of_its_claim": (False, "change_icn <> idr_clm_hd_icn")})


class Ambiguous(Exception):
    pass


def once(members):
    if len(members) > len({name for name, _ in members}):
        raise Ambiguous
    return dict(members)


def member(record, path):
    for part in path.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return json.dumps(record) if isinstance(record, (list, dict)) else record


def flatten(layout, path, target):
    """The file's messages as a delimited file; how many name a member twice, which is ambiguous."""
    damaged = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(layout["columns"])
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line, parse_int=str, parse_float=str, object_pairs_hook=once)
            except Ambiguous:
                damaged += 1
            else:
                writer.writerow([member(record, header) for header in layout["columns"]])
    return damaged


def spoil_members(layout, source, target):
    """The file's first message, once for each member and each way to spoil it."""
    first = source.read_text().splitlines()[0]
    spoiled = [first]
    for path in layout["columns"]:
        *parents, last = path.split(".")
        for value in [*SPOILS, None, 7]:
            message = json.loads(first)
            holder = message
            for parent in parents:
                holder = holder.setdefault(parent, {})
            holder[last] = value
            spoiled.append(json.dumps(message))
    target.write_text("\n".join(spoiled) + "\n")


def count_messages(layout, path, flat):
    damaged = flatten(layout, path, flat)
    counted = count(connect(), layout, flat)
    if damaged:
        counted["rows"] += damaged
        counted["rejected"] += damaged
        counted["reject_reasons"]["json"] = damaged
    return counted


def counts(data, drops):
    for name, layout in LAYOUTS.items():
        files, spoiled = [RDA.format(file=file) for file in layout["files"]], drops / f"{name}.spoiled"
        spoil_members(layout, data / files[0], spoiled)
        for path, file in [*((data / file, file) for file in files), (spoiled, None)]:
            yield {"group": f"{name}, {file or 'spoiled'}", "file": str(path), "layout": f"{name}@v1", "published": file,
                   **count_messages(layout, path, drops / "messages.csv")}


if __name__ == "__main__":
    tell(counts)
