"""The checks: known rules, readings, lines, sums, proof. What differs is named, with both figures."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from denghuo_verify import adjustment
from denghuo_verify.adjustment import is_adjustment
from denghuo_verify.charges import Line
from denghuo_verify.energy import NoBill
from denghuo_verify.estimates import check_estimates
from denghuo_verify.figures import ZERO, exact, number, shown
from denghuo_verify.form import ADJUSTMENT, BILL, CURVES, ESTIMATES, PROOF, REGISTERS, TARIFF, strange
from denghuo_verify.merkle import digest, leaf_hash, root_of
from denghuo_verify.points import Prices, points_differ, taken_as_stated
from denghuo_verify.rating import Expected
from denghuo_verify.registers import check_curves, readings_differ, readings_estimated, stated
from denghuo_verify.report import Finding, Report, finding
from denghuo_verify.stages import days_of, rated_bill


def verify(
    document: Mapping[str, Any], root: str | None = None, need_proof: bool = True, prices: Prices | None = None
) -> Report:
    """Checks a bill file.

    document: the parts bill, readings, tariff and proof. root: the published root of the day or of the run, where there is one.
    prices: published spot prices, which the points of a market customer are compared with.
    need_proof: a file without a proof is not verified.
    """
    report = Report()
    report.unknown += unknown_rules(document)
    if report.unknown:
        return report
    bill = document["bill"]
    report.bill_no, report.total = bill["bill_no"], bill["amount"]
    with exact():
        report.differs += readings_differ(document["readings"])
        computed = check_curves(document, report)
        check_estimates(document, report)
        report.notes += readings_estimated(document["readings"], computed)
        if not is_adjustment(bill):
            tariffs = [document["tariff"], *document.get("tariffs", [])]
            report.differs += points_differ(document, prices, tariffs)
            report.notes += taken_as_stated(document, prices)
        try:
            right = _right(document, report)
        except NoBill as reason:
            report.differs.append(
                Finding("bill", f"按所给条款、电价和示数不能出账：{reason.zh}", f"no bill follows: {reason.en}")
            )
        else:
            report.lines, found = lines_differ(bill, right)
            report.differs += found
        report.differs += sums_differ(bill)
    check_proof(document, root, need_proof, report)
    return report


def _right(document: Mapping[str, Any], report: Report) -> Expected:
    """What must stand on the bill, after its head was checked."""
    bill, own, further = (stated(document.get(name, [])) for name in ("bill", "tariff", "tariffs"))
    if not is_adjustment(bill):
        report.differs += head_differs(bill, document["tariff"])
        return rated_bill(bill, stated(document["readings"]), own, further)
    report.differs += adjustment.head_differs(bill, document["tariff"])
    report.differs += adjustment.segments_differ(bill)
    report.notes += adjustment.taken_as_stated(bill)
    return adjustment.adjusted_bill(bill, own, further)


# --- what is known ---------------------------------------------------------------------------------------------


def unknown_rules(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Entries that this program does not know: a bill that rests on them is not judged."""
    rating = document["bill"].get("rating") if isinstance(document["bill"], dict) else None
    form = ADJUSTMENT if isinstance(rating, dict) and "segments" in rating else BILL
    parts: list[tuple[str, Any]] = [("bill", form), ("readings", REGISTERS), ("tariff", TARIFF)]
    if "tariffs" in document:
        parts.append(("tariffs", [TARIFF]))
    if "curves" in document:
        parts.append(("curves", CURVES))
    if "estimates" in document:
        parts.append(("estimates", ESTIMATES))
    if document.get("proof") is not None:
        parts.append(("proof", PROOF))
    places = [where for name, form in parts for where in strange(document[name], form, name)]
    if not places:
        places = list(_other_version(document))
    for where in places:
        yield Finding(
            where,
            "本程序不识别此项（缺少、格式不符或未知规则）",
            "not known here: missing, malformed or an unknown rule",
        )


def _other_version(document: Mapping[str, Any]) -> Iterator[str]:
    """Stages and further tariffs are entries of the second version of the form, months of a case of the third; and the tariffs are
    those that the rating names."""
    rating = document["bill"]["rating"]
    further = [name for name in ("stages", "tariffs") if rating.get(name) is not None]
    version = 3 if is_adjustment(document["bill"]) else 2 if further else 1
    if document["version"] != version:
        yield "version"
    if [one["code"] for one in rating.get("tariffs") or []] != [one["code"] for one in document.get("tariffs", [])]:
        yield "tariffs"


# --- the bill ---------------------------------------------------------------------------------------------


def head_differs(bill: Mapping[str, Any], tariff: Mapping[str, Any]) -> Iterator[Finding]:
    """The head must say what was rated: same contract, kind, month, days and tariff; for stages what the last one says."""
    rating = bill["rating"]
    last = (rating.get("stages") or [rating])[-1]
    first_day, last_day = days_of(rating)
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("account_no", bill["account_no"], rating.get("account_no", "")),
        ("contract_no", bill["contract_no"], rating.get("contract_no", "")),
        ("month", bill["month"], rating["month"]),
        ("kind", bill["kind"], rating.get("kind", "supply")),
        ("tariff_class", bill["tariff_class"], rating["tariff_class"]),
        ("tariff_code", bill["tariff_code"], tariff["code"]),
        ("from_on", bill["from_on"], first_day.isoformat()),
        ("to_on", bill["to_on"], last_day.isoformat()),
        ("illustrative", bill["illustrative"], any(line["illustrative"] for line in bill["lines"])),
        ("rating.tariff_class", rating["tariff_class"], last["tariff_class"]),
        ("rating.settlement", rating.get("settlement", "agency"), last.get("settlement", "agency")),
        ("rating.voltage", rating["voltage"], last["voltage"]),
        ("tariff_code", bill["tariff_code"], last.get("tariff_code", bill["tariff_code"])),
        ("tariff_version", bill["tariff_version"], last.get("tariff_version", bill["tariff_version"])),
    )
    for name, found, right in pairs:
        if found != right:
            yield Finding(
                f"bill.{name}", f"账单头 {name} 与计费条件不符", f"{name} of the head differs", str(found), str(right)
            )


def lines_differ(bill: Mapping[str, Any], right: Expected) -> tuple[list[dict[str, str | None]], list[Finding]]:
    """Every line of the bill beside the one that it must be."""
    found: list[Finding] = []
    table: list[dict[str, str | None]] = []
    for at, (told, line) in enumerate(zip_longest(bill["lines"], right.lines), 1):
        where = f"line {at}"
        if told is None:
            found.append(
                finding(where, f"缺少一行：{_named(line)}", f"a line is missing: {_named(line)}", None, line.amount)
            )
            continue
        name = " ".join(str(told[key]) for key in ("code", "band", "tier") if told.get(key) is not None)
        table.append(
            {
                "line": str(at),
                "name": name,
                "quantity": told.get("quantity"),
                "unit": told["unit"],
                "price": told.get("price"),
                "amount": told["amount"],
                "right": None if line is None else shown(line.amount, 2),
            }
        )
        if line is None:
            found.append(finding(where, f"多出一行：{name}", f"a line too many: {name}", number(told["amount"]), None))
            continue
        found += _line_differs(f"{where} ({name})", told, line, at)
    energy = number(bill["energy"])
    if energy != right.energy:
        found.append(finding("bill.energy", "计费电量不符", "the billed energy differs", energy, right.energy))
    total = number(bill["amount"])
    if total != right.total:
        found.append(finding("bill.amount", "合计金额不符", "the total differs", total, right.total))
    return table, found


def _named(line: Line) -> str:
    return " ".join(str(part) for part in (line.code, line.band, line.tier) if part is not None)


def _line_differs(where: str, stated: Mapping[str, Any], line: Line, at: int) -> Iterator[Finding]:
    words: dict[str, Any] = {
        "code": line.code,
        "band": line.band,
        "tier": line.tier,
        "group": line.group,
        "unit": line.unit,
        "document_no": line.document_no,
        "illustrative": line.illustrative,
        "line": at,
    }
    for name, right in words.items():
        if stated.get(name) != right:
            yield Finding(f"{where}.{name}", f"{name} 不符", f"{name} differs", str(stated.get(name)), str(right))
    figures = {"quantity": line.quantity, "price": line.price, "amount": line.amount}
    names = {"quantity": "数量", "price": "单价", "amount": "金额"}
    for name, figure in figures.items():
        value = None if stated.get(name) is None else number(stated[name])
        if value != figure:
            yield finding(f"{where}.{name}", f"{names[name]}不符", f"the {name} differs", value, figure)


def sums_differ(bill: Mapping[str, Any]) -> Iterator[Finding]:
    """The total is the sum of the lines."""
    total = sum((number(line["amount"]) for line in bill["lines"]), ZERO)
    if total != number(bill["amount"]):
        yield finding("bill.amount", "各行之和不等于合计", "the lines do not add up", number(bill["amount"]), total)


# --- the proof ---------------------------------------------------------------------------------------------


def bill_leaf(document: Mapping[str, Any], salt: str) -> bytes:
    """The hash of a bill: head and lines, readings, the digests of its tariffs, and a salt that keeps neighbours from guessing."""
    further = {"tariffs": [digest(one) for one in document["tariffs"]]} if document.get("tariffs") else {}
    return leaf_hash(
        {
            "schema": document["schema"],
            "version": document["version"],
            "salt": salt,
            "bill": document["bill"],
            "readings": document["readings"],
            "tariff": digest(document["tariff"]),
            **further,
        }
    )


def run_leaf(run: Mapping[str, Any]) -> bytes:
    """The hash of an issue run's head."""
    return leaf_hash({"schema": "denghuo.issue-run", "version": 1, **run})


def check_proof(document: Mapping[str, Any], root: str | None, need_proof: bool, report: Report) -> None:
    """The bill is a leaf of its run, the run one of its day, and the root the published one."""
    proof = document.get("proof")
    if proof is None:
        missing = Finding(
            "proof", "文件不含发行证明，证明在发行后数分钟内生成", "no proof of issue: it is made within minutes of it"
        )
        (report.unknown if need_proof else report.notes).append(missing)
        return
    report.differs += _head_of_proof_differs(document["bill"], proof)
    run, day = proof["run"], proof.get("day")
    leaf = bill_leaf(document, proof["salt"])
    reached = root_of(leaf, proof["index"], run["bills"], _hashes(proof["path"]))
    if reached is None or reached.hex() != run["root"]:
        report.differs.append(
            Finding(
                "proof.run",
                "账单与发行批次的根不符：文件被改动，或证明不属于本账单",
                "this is not the bill that was issued: the file was changed, or the proof is another bill's",
            )
        )
    if day is not None:
        top = root_of(run_leaf(run), day["index"], day["runs"], _hashes(day["path"]))
        if top is None or top.hex() != day["root"]:
            report.differs.append(
                Finding("proof.day", "发行批次与当日的根不符", "the issue run does not lead to the day's root")
            )
    report.run_root, report.root = run["root"], day["root"] if day is not None else None
    check_root(root, run["issued_on"], report)


def check_root(root: str | None, issued_on: str, report: Report) -> None:
    """The root that the caller had from elsewhere is that of the run or of the day."""
    if root is None:
        report.notes.append(
            Finding(
                "proof.root",
                f"请与 {issued_on} 公布的根核对（billing.day_root）",
                f"compare with the root published for {issued_on} (billing.day_root)",
            )
        )
    elif root.lower() in (report.root, report.run_root):
        return
    elif report.root is None:
        report.unknown.append(
            Finding(
                "proof.day",
                "文件在当日结束前取得，只能与批次的根核对；要与当日的根核对，请重新下载",
                "the file was taken before the day was over: compare the root of the run, or download it again",
            )
        )
    else:
        report.differs.append(
            Finding("proof.root", "与公布的根不符", "not the published root", report.root, root.lower())
        )


def _head_of_proof_differs(bill: Mapping[str, Any], proof: Mapping[str, Any]) -> Iterator[Finding]:
    run = proof["run"]
    stated = {f"run.{name}": (run[name], bill[name]) for name in ("month", "run_no", "issued_on")}
    if proof.get("day") is not None:
        stated["day.issued_on"] = (proof["day"]["issued_on"], bill["issued_on"])
    for name, (found, right) in stated.items():
        if found != right:
            yield Finding(
                f"proof.{name}", "证明与账单不符", "the proof is not that of the bill", str(found), str(right)
            )


def _hashes(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in path]
