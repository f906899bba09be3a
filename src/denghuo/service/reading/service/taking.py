"""Taking in: intakes judged by the installations of their months, into the day lake."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.analysis.lake_day import Changes, LakeClass, total
from denghuo.data.processing.work import Work
from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.acquisition.api import COLLECTED_CURVES, COLLECTED_REGISTERS
from denghuo.service.contract.api import ContractApi, PublishTerms
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import MetersIn, PointApi, PublishInstallations, PublishUnitInstallations
from denghuo.service.reading.api import (
    CURVE_INTAKE,
    ENERGY_SERIES,
    MARKED_CURVE_INTAKE,
    MARKED_REGISTER_INTAKE,
    REGISTER_INTAKE,
    CurvesReceived,
    Intake,
    MonthReceived,
    Received,
    RegistersReceived,
    WrongIntake,
)
from denghuo.service.reading.batch.collected import energies
from denghuo.service.reading.batch.due import Due, due_in
from denghuo.service.reading.batch.intake import (
    REASONS,
    REGISTERS,
    SENT,
    Judged,
    MeterUse,
    judge_curves,
    judge_registers,
    months_of,
)
from denghuo.service.reading.batch.marks import MARKS, to_keep, unmarked
from denghuo.service.reading.batch.plan import PlanPiece, us
from denghuo.service.reading.rules.curve_book import rules_of
from denghuo.service.reading.rules.cycles import Cycles
from denghuo.service.reading.service.apart import Apart
from denghuo.service.reading.service.forms import plan_piece
from denghuo.service.reading.store import ReadingStore, RouteStore
from denghuo.service.reading.store.curve_rules import CurveRuleStore
from denghuo.service.reading.store.pages import refused_row

pc: Any = pyarrow.compute
Column = Any
"""A column of an Arrow table; the published stubs know chunked arrays only in part."""
SHOWN_REFUSALS = 100
FEW_METERS = 10_000
_NUMBER = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
"""As `MeterNo` and `AreaNo` are written."""


class Taking:
    def __init__(self, work: Work, ask: Ask, store: ReadingStore) -> None:
        self._work, self._ask, self._store = work, ask, store

    def registers(self, call: Call, request: Intake) -> tuple[Received, dict[Month, list[str]], list[date]]:
        """What was taken, the units of the months at whose end something was, and the days of which anything is new."""
        marked = request.rows.name == MARKED_REGISTER_INTAKE.name
        rows = self._intake(request.rows, MARKED_REGISTER_INTAKE if marked else REGISTER_INTAKE, COLLECTED_REGISTERS)
        uses: dict[str, MeterUse] = {}
        numbers = _named(rows["meter_no"])
        for month in months_of(rows["read_at"]):
            _add_uses(uses, self._installed_of(call, month, numbers))
        judged = judge_registers(rows, uses, call.now)
        counts = self._work.lake.append(REGISTERS, judged.days[REGISTERS], call.now, request.rows.digest)
        # A month changes by what is estimated too; its units are counted by what was read.
        sent = self._work.lake.append(SENT, judged.days[SENT], call.now, request.rows.digest)
        owners = {meter: (use.org, use.account_no) for meter, use in uses.items()}
        self._store.save_subjects((meter, "meter", *owner) for meter, owner in owners.items())
        for month, changes in _by_month([counts, sent]).items():
            if changes.taken or changes.corrected:
                self._work.emit(RegistersReceived(month=str(month), taken=changes.taken, corrected=changes.corrected))
        closed: dict[Month, list[str]] = {}
        for day, changes in sorted(counts.items()):
            if changes.taken and _closed(day).next.first_day == day:
                meters = judged.days[REGISTERS][day]["meter_no"].unique().to_pylist()
                closed[_closed(day)] = sorted({uses[str(meter)].org for meter in meters})
        return self._received(call, request, judged, total(counts) + total(sent), owners), closed, _new(counts)

    def curves(self, call: Call, request: Intake) -> tuple[Received, list[date]]:
        """What was taken, and the days of which an energy curve is new."""
        marked = request.rows.name == MARKED_CURVE_INTAKE.name
        rows = self._intake(request.rows, MARKED_CURVE_INTAKE if marked else CURVE_INTAKE)
        subjects: dict[tuple[str, str], tuple[str, str | None]] = {}
        for month in months_of(rows["at"]):
            for piece in self._installed_of(call, month, _named(rows["subject"]), areas=True):
                subjects["meter", piece["meter_no"]] = (piece["org"], piece["account_no"])
                if piece["role"] == "gateway" and piece["area_no"]:
                    subjects["area", piece["area_no"]] = (piece["org"], None)
        rules = rules_of(CurveRuleStore(self._work).published(), call.today)
        limits = ((rules["clock"], "ahead_s"), (rules["duplicate"], "floor_wh"))
        ahead_s, apart = (None if one.effect == "off" else one.parameters[name] for one, name in limits)
        judged = judge_curves(rows, subjects, call.now, ahead_s, apart)
        changes, of_months, days_new = Changes(), dict[Month, Changes](), set[date]()
        for kind, days in judged.days.items():
            counts = self._work.lake.append(kind, days, call.now, request.rows.digest)
            if kind.name in ENERGY_SERIES:
                days_new.update(_new(counts), self._mark(call, request, kind, judged))
            for day, one in counts.items():
                month = Month.holding(day)
                changes, of_months[month] = changes + one, of_months.get(month, Changes()) + one
        for month, one in sorted(of_months.items()):
            if one.taken or one.corrected:
                self._work.emit(CurvesReceived(month=str(month), taken=one.taken, corrected=one.corrected))
        self._store.save_subjects((name, kind, *owner) for (kind, name), owner in subjects.items())
        owners = {name: who for (_, name), who in subjects.items()}
        return self._received(call, request, judged, changes, owners), sorted(days_new)

    def _mark(self, call: Call, request: Intake, kind: LakeClass, judged: Judged) -> list[date]:
        """Puts the marks of a series beside its values, and takes those away whose values came again without one; the days of
        which a mark is another. The values are entered by now, so no other intake of these days stands in between."""
        lake, beside, days = self._work.lake, MARKS[kind.name], judged.days[kind]
        marks = judged.marks.get(kind, {})
        known = set(lake.row_counts(beside)) if marks or lake.there([beside], list(days)) else set()
        kept = dict[date, pa.Table]()
        for day, values in days.items():
            before = lake.scan(beside, day, day, ("subject",))["subject"].to_pylist() if day in known else []
            if day in marks or before:
                rows = to_keep(marks[day] if day in marks else unmarked(values), set(map(str, before)))
                kept |= {day: rows} if len(rows) else {}
        return _new(lake.append(beside, kept, call.now, request.rows.digest))

    def months(self) -> list[MonthReceived]:
        """Newest first, by what the lake holds now."""
        found: Counter[Month] = Counter()
        for day, registers in self._work.lake.row_counts(REGISTERS).items():
            found[_closed(day)] += registers
        return [MonthReceived(month=str(month), registers=found[month]) for month in sorted(found, reverse=True)]

    def energies(self, call: Call, collected: DatasetRef) -> DatasetRef:
        """The curves that terminals gave (`acquisition.collected_curves`) as an intake: after the multiplier."""
        curves = self._work.datasets.scan(collected, list(COLLECTED_CURVES.columns))
        meters = _named(curves["meter_no"])
        pieces = [row for month in months_of(curves["at"]) for row in self._installed_of(call, month, meters)]
        return self._work.datasets.publish(
            CURVE_INTAKE, collected.period, collected.shard, energies(curves, pieces), call.now
        )

    def _intake(self, ref: DatasetRef, schema: DatasetSchema, *alike: DatasetSchema) -> pa.Table:
        """The rows of an intake; `alike` are datasets of other services that have the same columns."""
        if (ref.name, ref.version) not in [(one.name, one.version) for one in (schema, *alike)]:
            raise WrongIntake(
                text(
                    f"需要数据集 {schema.name} 第 {schema.version} 版，给出的是 {ref.name} 第 {ref.version} 版。",
                    f"This takes dataset {schema.name} version {schema.version}, not {ref.name} version {ref.version}.",
                ),
                expected=schema.name,
                given=ref.name,
            )
        return self._work.datasets.scan(ref, list(schema.columns))

    def _received(
        self,
        call: Call,
        request: Intake,
        judged: Judged,
        changes: Changes,
        owners: Mapping[str, tuple[str, str | None]],
    ) -> Received:
        if judged.refused:
            # A meter that nobody knows belongs to no unit: its row stays with the unit that sent it.
            sender = "" if "" in call.scope else call.scope[0]
            self._store.save_refused(
                (
                    request.rows.digest,
                    request.rows.period[:7],
                    subject,
                    at,
                    value,
                    code,
                    REASONS[code]["zh"],
                    REASONS[code]["en"],
                    *owners.get(subject, (sender, None)),
                    call.now,
                )
                for subject, at, value, code in judged.refused
            )
        return Received(
            taken=changes.taken,
            unchanged=changes.unchanged,
            corrected=changes.corrected,
            refused=len(judged.refused),
            refused_rows=[
                refused_row(subject, at, value, code, REASONS[code]["zh"], REASONS[code]["en"])
                for subject, at, value, code in judged.refused[:SHOWN_REFUSALS]
            ],
        )

    def _installed_of(
        self, call: Call, month: Month, numbers: list[str], *, areas: bool = False
    ) -> list[dict[str, Any]]:
        """The meters with these numbers in a month, in the caller's scope. areas: the numbers may be those of areas too, which name
        the meters at their gateways. Of a few their records alone are asked for."""
        wanted = set(numbers)

        def named(meter_no: str, area_no: str | None, role: str, org: str) -> bool:
            at_gateway = areas and role == "gateway" and area_no in wanted
            return (meter_no in wanted or at_gateway) and call.covers(org)

        if len(numbers) > FEW_METERS:
            rows = _of(self.installed(call, str(month)), numbers, areas).to_pylist()
            return [row for row in rows if named(row["meter_no"], row["area_no"], row["role"], row["org"])]
        whole, point = Call.system(call.now, actor=call.actor), self._ask(PointApi)
        # What is no number of a meter is none that is known.
        asked, found = list(filter(_NUMBER.fullmatch, numbers)), list[dict[str, Any]]()
        for start in range(0, len(asked), ITEMS_MAX):
            some = asked[start : start + ITEMS_MAX]
            request = MetersIn(month=str(month), meter_nos=some, gateway_area_nos=some if areas else [])
            rows_of = point.meters_in(whole, request).rows
            found += [
                vars(row) | {"multiplier": row.multiplier.number}
                for row in rows_of
                if named(row.meter_no, row.area_no, row.role, row.org)
            ]
        return found

    def installations(self, call: Call, month: str) -> list[dict[str, Any]]:
        """The meters of a month in the caller's scope."""
        return [row for row in self.installed(call, month).to_pylist() if call.covers(row["org"])]

    def due(self, call: Call, month: Month, cycles: Cycles, *, org: str | None = None, running: bool = False) -> Due:
        """What is read at the end of a month in the caller's scope, or in one unit. running: as far as it goes, whatever the
        cycle."""

        def pieces_of(one: Month) -> list[PlanPiece]:
            found = (row for row in self.installations(call, str(one)) if org is None or row["org"] == org)
            pieces = (plan_piece(row, one) for row in found)
            return sorted(pieces, key=lambda piece: (piece.point_no, piece.piece))

        apart = Apart(self._ask, RouteStore(self._work), call, month)
        return due_in(month, pieces_of, cycles, apart, running=running)

    def installed(self, call: Call, month: str) -> pa.Table:
        """The meters of a month, all of them: whoever calls, the platform asks for them."""
        whole = Call.system(call.now, actor=call.actor)
        ref = self._ask(PointApi).publish_installations(whole, PublishInstallations(month=month))
        return self._work.datasets.scan(ref)

    def terms(self, call: Call, day: date) -> pa.Table:
        """What contracts of the whole company say of capacity and class in the month of a day."""
        whole = Call.system(call.now, actor=call.actor)
        ref = self._ask(ContractApi).publish_terms(whole, PublishTerms(month=str(Month.holding(day))))
        names = ["account_no", "tariff_class", "capacity_va", "contract_w", "effective_from", "effective_to"]
        return self._work.datasets.scan(ref, names)

    def installed_in(self, call: Call, month: str, orgs: Iterable[str]) -> pa.Table:
        """The same of some units."""
        whole, point = Call.system(call.now, actor=call.actor), self._ask(PointApi)
        asked = [PublishUnitInstallations(month=month, org=org) for org in sorted(set(orgs))]
        return self._work.datasets.scan([point.publish_unit_installations(whole, one) for one in asked])


def _named(column: Column) -> list[str]:
    """The numbers in a column, each once."""
    return [number for number in column.unique().to_pylist() if number]


def _of(table: pa.Table, numbers: list[str], areas: bool) -> pa.Table:
    """The rows of meters with these numbers, and of areas with these."""
    given = pa.array(numbers, pa.string())
    chosen = pc.is_in(table["meter_no"], value_set=given)
    return table.filter(pc.or_(chosen, pc.is_in(table["area_no"], value_set=given)) if areas else chosen)


def _add_uses(uses: dict[str, MeterUse], pieces: list[dict[str, Any]]) -> None:
    """A meter's use over all months looked at: from its first piece to the end of its last."""
    for piece in pieces:
        begin, end = us(piece["from_at"]), us(piece["to_at"])
        before = uses.get(piece["meter_no"])
        uses[piece["meter_no"]] = MeterUse(
            min(begin, before.from_us) if before else begin,
            max(end, before.to_us) if before else end,
            piece["integer_digits"],
            piece["decimal_digits"],
            piece["org"],
            piece["account_no"],
        )


def _new(counts: Mapping[date, Changes]) -> list[date]:
    return [day for day, changes in counts.items() if changes.taken or changes.corrected]


def _by_month(counts: Iterable[Mapping[date, Changes]]) -> dict[Month, Changes]:
    found: dict[Month, Changes] = {}
    for day, changes in chain.from_iterable(one.items() for one in counts):
        found[_closed(day)] = found.get(_closed(day), Changes()) + changes
    return dict(sorted(found.items()))


def _closed(day: date) -> Month:
    """The month that a day's registers close: the first midnight of a month ends the one before."""
    before = day - timedelta(days=1)
    return Month.holding(before)
