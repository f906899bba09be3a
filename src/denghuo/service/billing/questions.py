"""Questions about bills that were issued: why one changed, and what another tariff would have cost (账单问答)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.again import Again
from denghuo.service.billing.api import BillNotFound, Trial
from denghuo.service.billing.api.change import PARTS, BillChange, ChangePart, ChangeStep, CompareBills, NotComparable
from denghuo.service.billing.api.plan import Basis, NothingBilled, PlanCost, PlanMonth, Plans
from denghuo.service.billing.change import Part, Side, parts_of, span_of
from denghuo.service.billing.cycle import platform_call
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.plan_curves import PlanCurves
from denghuo.service.billing.plans import YEAR, Cost, Standing, best_of, cost, eligible, standing
from denghuo.service.billing.trial import on_subject
from denghuo.service.billing.weather import MONTHS_MOST, Weather, answer_of, degrees, whole_month
from denghuo.service.customer.api import Account
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import AskTemperatures, InForce, TariffApi, TariffDocument, TariffNotFound

AccountsOf = Callable[[list[str]], Mapping[str, Account]]


class BillQuestions:
    """`own`: the caller is the holder, and sees bills of the session's accounts alone."""

    def __init__(self, find: BillingFinder, ask: Ask, call: Call, accounts_of: AccountsOf, own: bool) -> None:
        self._find, self._ask, self._call, self._own = find, ask, call, own
        self._accounts_of = accounts_of

    def compared(self, request: CompareBills) -> BillChange:
        one = self._bill(request.bill_no)
        other = self._other(one, request.other_bill_no)
        before, after = sorted((one, other), key=lambda row: (row["month"], row["bill_no"]))
        again = Again(self._ask, self._call)
        try:
            sides = again.side(before), again.side(after)
            parts = parts_of(*sides, self._weather(before, *sides))
        except (CannotRate, TariffNotFound) as refused:
            raise _not_comparable(
                one, other["bill_no"], "cannot_rate", refused.detail["zh"], refused.detail["en"]
            ) from None
        account = self._account(after["account_no"])
        return BillChange(
            account_no=after["account_no"],
            name=account.name if account else None,
            kind=after["kind"],
            before_bill_no=before["bill_no"],
            after_bill_no=after["bill_no"],
            before_month=before["month"],
            after_month=after["month"],
            before_amount=Money(before["amount_fen"]),
            after_amount=Money(after["amount_fen"]),
            before_energy=Energy(before["energy_wh"]),
            after_energy=Energy(after["energy_wh"]),
            difference=Money(after["amount_fen"] - before["amount_fen"]),
            parts=[ChangePart(code=part.code, amount=part.amount, sentence=part.sentence) for part in parts],
            steps=_steps(before, parts, after),
            as_of=self._call.now,
        )

    def _weather(self, row: Mapping[str, Any], before: Side, after: Side) -> Weather | None:
        """The weather of two bills where it is published for the area of the later one, and the account answers to it."""
        if row["kind"] != "supply" or before.subject.reading_months > 1 or after.subject.reading_months > 1:
            return None
        last = Month.of(after.subject.month)
        first = last
        for _ in range(MONTHS_MOST):
            first = first.previous
        if Month.of(before.subject.month) <= first:
            return None
        known = self._find.uses(row["account_no"])
        # A reading of several months does not say what each of them used.
        alone = [str(ends) for ends, begun in known.readings.items() if first < ends <= last and begun == ends]
        use = {month: known[month] for month in alone}
        first = min([Month.of(before.subject.month), *map(Month.of, use)])
        asked = AskTemperatures(area=after.tariff.area, first_day=first.first_day, last_day=span_of(after.subject)[1])
        told = self._ask(TariffApi).temperatures(self._call.only("tariff.read"), asked)
        maxima = {one.day: one.tenths for one in told.days}
        was, now = degrees(maxima, span_of(before.subject)), degrees(maxima, span_of(after.subject))
        if was is None or now is None:
            return None
        months = [(wh, degrees(maxima, whole_month(Month.of(month)))) for month, wh in use.items()]
        answer = answer_of([(wh, at) for wh, at in months if at is not None])
        return Weather(was, now, answer, told.documents) if answer is not None else None

    def plans(self, account_no: str, kind: str) -> Plans:
        rows = [] if self._own and account_no not in self._call.accounts else self._rows(account_no, kind)
        if not rows:
            raise NothingBilled(
                text(
                    "该户还没有已发行的账单，无从比较。",
                    "Nothing was billed to this account yet: there is nothing to compare.",
                ),
                account_no=account_no,
                kind=kind,
            )
        newest = rows[-1]
        again, use = Again(self._ask, self._call), self._find.uses(account_no)
        in_force = self._ask(TariffApi).in_force(self._call.only("tariff.read"), InForce(on=newest["to_on"])).tariffs
        now = next((one for one in in_force if one.code == newest["tariff_code"]), None) or again.tariff(
            newest["tariff_code"], newest["tariff_version"]
        )
        offered = eligible(in_force, now, again.subject(newest, now, use))
        costs = self._costs(again, rows, offered, use)
        if costs[0].reason is not None:
            raise CannotRate(text(costs[0].reason.zh, costs[0].reason.en), code="no_price", value=now.code)
        return _plans(rows, costs, self._account(account_no), self._call)

    def tried(self, row: dict[str, Any], tariff: TariffDocument, draft: bool, stored: bool) -> Trial:
        """A bill by any tariff, by its own registers; for a stored one by time of use with the hours that curves give."""
        again = Again(self._ask, self._call)
        pieces = None
        if tariff.time_of_use and stored:
            own = again.tariff(row["tariff_code"], row["tariff_version"])
            pieces, _ = PlanCurves(self._ask, platform_call(self._call), [row], [tariff, own]).of(row, tariff)
        subject = again.subject(row, tariff, self._find.uses(row["account_no"]), pieces)
        return on_subject(subject, tariff, draft, self._call.now)

    def _costs(
        self, again: Again, rows: list[dict[str, Any]], offered: list[TariffDocument], use: Mapping[str, int]
    ) -> list[Cost]:
        """The months by each tariff, the present one (the first) as it is billed."""
        billed = {(row["tariff_code"], row["tariff_version"]) for row in rows}
        tariffs = [*offered, *(again.tariff(code, version) for code, version in billed)]
        curves = PlanCurves(self._ask, platform_call(self._call), rows, tariffs)
        others = [again.others(row) for row in rows]
        costs = [cost(offered[0], [again.subject(row, offered[0], use) for row in rows], None, others)]
        if costs[0].reason is None:
            for one in offered[1:]:
                found = [curves.of(row, one) for row in rows]
                subjects = [again.subject(row, one, use, pieces) for row, (pieces, _) in zip(rows, found, strict=True)]
                costs.append(cost(one, subjects, costs[0], others, [basis for _, basis in found]))
        return costs

    def _account(self, account_no: str) -> Account | None:
        return self._accounts_of([account_no]).get(account_no)

    def _rows(self, account_no: str, kind: str) -> list[dict[str, Any]]:
        return self._find.year_of_bills(account_no, kind, YEAR)

    def _bill(self, bill_no: str) -> dict[str, Any]:
        row = self._find.bill(bill_no, issued=True)
        if row is None or (self._own and row["account_no"] not in self._call.accounts):
            raise BillNotFound(
                text(
                    f"没有已发行的账单 {bill_no}，或不在您可查看的范围内。",
                    f"No issued bill {bill_no} exists in your scope.",
                ),
                bill_no=bill_no,
            )
        return row

    def _other(self, one: dict[str, Any], other_no: str | None) -> dict[str, Any]:
        number = other_no or self._find.bill_before(one["account_no"], one["kind"], one["month"])
        if number is None:
            raise _not_comparable(
                one, None, "no_earlier", "这是该户的第一张账单，之前没有可比的账单。", "It is the account's first bill."
            )
        other = self._bill(number)
        if other["account_no"] != one["account_no"]:
            raise _not_comparable(
                one, number, "other_account", "两张账单不是同一户。", "The bills are of two accounts."
            )
        if other["kind"] != one["kind"]:
            raise _not_comparable(
                one,
                number,
                "other_kind",
                "电费账单不能与上网结算单比较。",
                "A bill and a purchase statement do not compare.",
            )
        if one["reverses"] or other["reverses"]:
            raise _not_comparable(
                one, number, "reversal", "冲销账单不参与比较。", "A reversal is compared with nothing."
            )
        if one["case_no"] or other["case_no"]:
            raise _not_comparable(
                one, number, "adjustment", "退补账单不参与比较，差额见各行。", "An adjustment is compared with nothing."
            )
        return other


def _not_comparable(one: dict[str, Any], other: str | None, why: str, zh: str, en: str) -> NotComparable:
    return NotComparable(text(zh, en), bill_no=one["bill_no"], other_bill_no=other, why=why)


def _steps(before: dict[str, Any], parts: list[Part], after: dict[str, Any]) -> list[ChangeStep]:
    """The way from the earlier bill to the later one; parts of nothing are no step."""

    def whole(row: dict[str, Any]) -> ChangeStep:
        name = TextPair(zh=f"{row['month']} 电费", en=f"Bill {row['month']}")
        return ChangeStep(name=name, amount=Money(row["amount_fen"]), whole=True)

    moved = [
        ChangeStep(name=TextPair(**PARTS.entries[part.code]), amount=part.amount, whole=False)
        for part in parts
        if part.amount
    ]
    return [whole(before), *moved, whole(after)]


def _plans(rows: list[dict[str, Any]], costs: list[Cost], account: Account | None, call: Call) -> Plans:
    newest, purchase = rows[-1], rows[-1]["kind"] == "purchase"
    present, best = costs[0], best_of(costs, purchase)
    saving = _less(present, best, purchase) or Money(0)
    bases: Sequence[Basis] = best.bases or ["registers"] * len(rows)
    firm = standing(costs, purchase, {at for at, row in enumerate(rows) if row["estimated_days"] > 0})
    return Plans(
        account_no=newest["account_no"],
        name=account.name if account else None,
        kind=newest["kind"],
        tariff_class=newest["tariff_class"],
        from_month=rows[0]["month"],
        to_month=newest["month"],
        months_count=len(rows),
        energy=Energy(sum(row["energy_wh"] for row in rows)),
        billed=Money(sum(row["amount_fen"] for row in rows)),
        present_title=present.tariff.title,
        present_amount=present.total or Money(0),
        best_title=best.tariff.title,
        best_amount=best.total or Money(0),
        saving=saving,
        said=_said(rows, present, best, saving, purchase),
        confidence=None if firm is None else firm.level,
        confidence_said=None if firm is None else _firmly(firm),
        plans=[
            PlanCost(
                tariff_code=one.tariff.code,
                tariff_version=one.tariff.version,
                title=one.tariff.title,
                amount=one.total,
                saving=_less(present, one, purchase),
                months_told=len(one.months) - len(one.untold),
                by_curve=one.by_curve,
                present=one is present,
                best=one is best,
                reason=one.reason,
            )
            for one in costs
        ],
        months=[
            PlanMonth(
                month=row["month"],
                energy=Energy(row["energy_wh"]),
                billed=Money(row["amount_fen"]),
                present_amount=present_amount,
                best_amount=best_amount,
                basis=basis,
            )
            for row, present_amount, best_amount, basis in zip(rows, present.months, best.months, bases, strict=True)
        ],
        as_of=call.now,
    )


def _firmly(firm: Standing) -> TextPair:
    steady_zh = "去掉其中任何一个月，结论不变" if firm.steady else "去掉其中某一个月，结论会变"
    steady_en = "no single month decides" if firm.steady else "without one of them another would be the best"
    few_zh = "" if firm.months == YEAR else f"；只有 {firm.months} 个月的账单"
    few_en = "" if firm.months == YEAR else f"; only {firm.months} months were billed"
    untold = firm.months - firm.told
    untold_zh = f"；{untold} 个月没有分时电量，不计差额" if untold else ""
    untold_en = f"; of {untold} months the use by hours is not known, and they make no difference" if untold else ""
    read_zh = f"；{firm.estimated} 个月含估算电量" if firm.estimated else ""
    read_en = f"; {firm.estimated} months have estimated energy" if firm.estimated else ""
    return TextPair(
        zh=f"{firm.told} 个月中 {firm.better} 个月不差于另一电价，{steady_zh}{few_zh}{untold_zh}{read_zh}。",
        en=f"In {firm.better} of {firm.told} months it is no worse than the other tariff, {steady_en}{few_en}{untold_en}{read_en}.",
    )


def _less(present: Cost, other: Cost, purchase: bool) -> Money | None:
    """What a tariff is better by than the present one."""
    if present.total is None or other.total is None:
        return None
    return other.total - present.total if purchase else present.total - other.total


def _said(rows: list[dict[str, Any]], present: Cost, best: Cost, saving: Money, purchase: bool) -> TextPair:
    span = f"{rows[0]['month']} ~ {rows[-1]['month']}"
    few = len(rows) < YEAR
    zh = f"按 {span} 的 {len(rows)} 个月用电" + ("（不足 12 个月，仅供参考）" if few else "")
    en = f"By {len(rows)} months of use, {span}" + (" (less than twelve, so a hint only)" if few else "")
    if best is present:
        return TextPair(zh=f"{zh}，现行电价已是最省。", en=f"{en}, the present tariff is the best.")
    verb = ("多收", "more") if purchase else ("少付", "less")
    return TextPair(
        zh=f"{zh}，改用{best.tariff.title.zh}可{verb[0]} {saving} 元。",
        en=f"{en}, {best.tariff.title.en} would be {saving} yuan {verb[1]}.",
    )
