"""Command line: `denghuo-verify BILL [--tariff FILE] [--readings FILE] [--root HEX]`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from denghuo_verify.check import verify
from denghuo_verify.files import Unreadable, bundle
from denghuo_verify.points import prices_of
from denghuo_verify.report import Finding, Report

EXITS = {"verified": 0, "differs": 1, "unknown": 2}
VERDICTS = {
    "verified": ("核验一致", "Verified"),
    "differs": ("不一致", "Differs"),
    "unknown": ("无法核验", "Cannot be verified"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks one bill file; 0 = verified, 1 = differs, 2 = cannot be read or judged."""
    given = _parser().parse_args(arguments)
    try:
        report = verify(
            bundle(given.bill, given.tariff, given.readings),
            root=given.root,
            need_proof=not given.without_proof,
            prices=None if given.prices is None else prices_of(given.prices),
        )
    except Unreadable as reason:
        report = Report(unknown=[Finding("file", reason.zh, reason.en)])
    if given.json:
        print(json.dumps({"verdict": report.verdict, **asdict(report)}, ensure_ascii=False, indent=1))
    else:
        print("\n".join(_lines(report, given.lang)))
    return EXITS[report.verdict]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="denghuo-verify",
        description="离线核验账单：由示数和电价算出同样的金额，并核对发行证明。 "
        "Checks a bill offline: the same fen from readings and prices, and the proof that it was issued.",
        epilog="0 = 一致 verified, 1 = 不一致 differs, 2 = 无法核验 cannot be read or judged",
    )
    parser.add_argument("bill", type=Path, help="账单文件 bill file (JSON)")
    parser.add_argument("--tariff", type=Path, help="公布的电价文件 published tariff file (YAML or JSON)")
    parser.add_argument(
        "--readings", type=Path, help="示数文件，可含曲线 readings file, with curves where there are any (JSON)"
    )
    parser.add_argument("--prices", type=Path, help="现货价格文件 file of spot prices (CSV)")
    parser.add_argument("--root", help="公布的当日根或批次根 published root of the day or of the run")
    parser.add_argument("--without-proof", action="store_true", help="只核对计算 check the figures alone")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh", help="语言 language")
    parser.add_argument("--json", action="store_true", help="输出 JSON report as JSON")
    return parser


def _lines(report: Report, lang: str) -> list[str]:
    """The report as text: the verdict, every line, then what differs or is not known."""
    zh = lang == "zh"
    head = VERDICTS[report.verdict][0 if zh else 1]
    lines = [f"{head}  {report.bill_no}  {report.total} {'元' if zh else 'yuan'}" if report.bill_no else head]
    for row in report.lines:
        factors = " × ".join(
            part for part in (f"{row['quantity']} {row['unit']}" if row["quantity"] else "", row["price"] or "") if part
        )
        mark = (
            "✗" if any(finding.where.partition(" (")[0] == f"line {row['line']}" for finding in report.differs) else "✓"
        )
        lines.append(f"  {mark} {row['line']:>2} {row['name']:<32} {factors} = {row['amount']}")
    for title, findings in (
        ("不一致" if zh else "Differs", report.differs),
        ("未知" if zh else "Not known", report.unknown),
        ("提示" if zh else "Note", report.notes),
    ):
        lines += [f"{title}: {_said(finding, zh)}" for finding in findings]
    if report.run_root:
        lines.append(f"{'批次根' if zh else 'Root of the run'}: {report.run_root}")
    if report.root:
        lines.append(f"{'当日根' if zh else 'Root of the day'}: {report.root}")
    return lines


def _said(finding: Finding, zh: bool) -> str:
    text = f"{finding.where}: {finding.zh if zh else finding.en}"
    if finding.stated is not None or finding.right is not None:
        stated, right = finding.stated or "-", finding.right or "-"
        text += f"（账单 {stated}，应为 {right}）" if zh else f" (stated {stated}, right {right})"
    if finding.difference is not None:
        text += f"，相差 {finding.difference}" if zh else f", difference {finding.difference}"
    return text


if __name__ == "__main__":
    sys.exit(main())
