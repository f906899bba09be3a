"""The bill on paper (账单 PDF): A4, Chinese with English beside it, every line with how it came about."""

import base64
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from fpdf.enums import XPos, YPos

from denghuo.data.processing.typeset import FONT, Sheet
from denghuo.kernel.contract import masked
from denghuo.kernel.fields import TARIFF_CLASSES, VOLTAGES, Document, TextPair
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.values import Money
from denghuo.service.billing.api import (
    ESTIMATE_METHODS,
    ESTIMATED_THINGS,
    Bill,
    BillEstimates,
    ShownLine,
    ShownRegister,
)
from denghuo.service.billing.batch import CURVE
from denghuo.service.reading.api import BANDS, METHODS, QUANTITIES
from denghuo.service.tariff.api import GROUPS

Colour = tuple[int, int, int]
GREEN: Colour = (0, 94, 87)
PALE: Colour = (236, 244, 243)
INK: Colour = (28, 36, 38)
GREY: Colour = (104, 116, 118)
RULE: Colour = (205, 214, 213)
AMBER: Colour = (150, 88, 0)
LEFT, RIGHT, TOP = 15.0, 195.0, 13.0
WIDTH = RIGHT - LEFT
_MARK = "※"


def bill_pdf(bill: Bill, clear: bool) -> Document:
    """The bill as a file. `clear`: name and address stand in full; otherwise only enough of them to recognise."""
    paper = _Paper(bill)
    paper.heading()
    paper.parties(clear)
    paper.total()
    if bill.registers:
        paper.registers(bill.registers)
    if bill.estimates is not None:
        paper.estimates(bill.estimates)
    paper.charges(bill.lines)
    paper.remarks(bill.remarks)
    paper.derivation(bill.lines)
    content = bytes(paper.output())
    return Document(
        file_name=f"bill-{bill.bill_no}.pdf",
        media_type="application/pdf",
        content=base64.b64encode(content).decode(),
    )


class _Paper(Sheet):
    """A page with this project's header, tables and footer. Lengths are millimetres."""

    def __init__(self, bill: Bill) -> None:
        self.bill = bill
        self.purchase = bill.kind == "purchase"
        super().__init__(f"{self.name.zh} {bill.bill_no}", bill.rated_at)
        self.set_margins(LEFT, TOP, 210 - RIGHT)
        self.set_auto_page_break(True, margin=20)
        self.set_lang("zh-CN")
        self.alias_nb_pages()

    @property
    def name(self) -> TextPair:
        if self.bill.reverses is not None:
            return TextPair(zh="冲销账单", en="Reversing Bill")
        if self.bill.case_no is not None:
            return TextPair(zh="退补账单", en="Adjustment Bill")
        return (
            TextPair(zh="上网电费结算单", en="Purchase Statement")
            if self.purchase
            else TextPair(zh="电费账单", en="Electricity Bill")
        )

    # -- letters -----------------------------------------------------------------------------------------------------------

    def write_at(
        self,
        x: float,
        y: float,
        shown: str,
        size: float = 9,
        colour: Colour = INK,
        bold: bool = False,
        align: str = "L",
        width: float = 0,
    ) -> None:
        """One line of text with its top left (or, aligned right, its top right of `width`) at x, y."""
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(*colour)
        self.set_xy(x, y)
        self.cell(width or self.get_string_width(shown) + 1, size * 0.45, shown, align=align)

    def fitted(self, shown: str, width: float, size: float) -> str:
        """The text, cut to the width with an ellipsis where it is longer."""
        self.set_font(FONT, "", size)
        if self.get_string_width(shown) <= width:
            return shown
        while shown and self.get_string_width(shown + "…") > width:
            shown = shown[:-1]
        return shown + "…"

    def section(self, zh: str, en: str, room: float = 22) -> None:
        """A section's title; begins a new page where less than `room` is left."""
        if self.get_y() + room > self.page_break_trigger:
            self.add_page()
        y = self.get_y() + 3.5
        self.set_fill_color(*GREEN)
        self.rect(LEFT, y + 0.4, 1.2, 4.2, style="F")
        self.write_at(LEFT + 2.6, y + 0.3, zh, 10.5, GREEN, bold=True)
        x = LEFT + 4.2 + self.get_string_width(zh)
        self.write_at(x, y + 0.95, en, 7.5, GREY)
        self.set_y(y + 6.4)

    # -- parts -------------------------------------------------------------------------------------------------------------

    def heading(self) -> None:
        bill = self.bill
        unit = bill.unit_name or TextPair(zh=bill.org, en=bill.org)
        self.set_fill_color(*GREEN)
        self.rect(0, 0, 210, 3.2, style="F")
        self.write_at(LEFT - 0.5, 9.5, unit.zh, 11, GREEN, bold=True)
        self.write_at(LEFT - 0.5, 15.2, unit.en, 7.5, GREY)
        self.write_at(LEFT, 9, self.name.zh, 17, INK, bold=True, align="R", width=WIDTH)
        self.write_at(LEFT, 17.2, f"{self.name.en}   {bill.month}", 8.5, GREY, align="R", width=WIDTH)
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(LEFT, 23, RIGHT, 23)
        self.set_y(25)

    def parties(self, clear: bool) -> None:
        bill = self.bill
        voltage = VOLTAGES.entries[bill.voltage]["zh"] if bill.voltage else "—"
        power = bill.pv_power if self.purchase else bill.contract_power
        size = f"{power} kW" if power is not None else "—"
        if bill.capacity is not None:
            size += f" / {bill.capacity} kVA"
        name = bill.name or "—"
        address = bill.address or "—"
        shown = [
            ("户号", "Account", bill.account_no),
            ("账单编号", "Bill no.", bill.bill_no),
            ("户名", "Name", name if clear else masked(name, "name")),
            ("账单周期", "Period", f"{bill.from_on} ~ {bill.to_on}"),
            ("用电地址", "Address", address if clear else masked(address, "address")),
            ("发行日期", "Issued", str(bill.issued_on)),
            ("用电类别", "Class", TARIFF_CLASSES.entries[bill.tariff_class]["zh"]),
            ("电压等级", "Voltage", voltage),
            ("执行电价", "Tariff", (bill.tariff_title.zh if bill.tariff_title else bill.tariff_code)),
            ("发电容量" if self.purchase else "合同容量", "Power", size),
        ]
        top = self.get_y()
        for position, (zh, en, value) in enumerate(shown):
            x = LEFT + (position % 2) * 96
            y = top + (position // 2) * 6.3
            self.write_at(x, y + 0.5, zh, 8.5, GREY)
            self.write_at(x + 14.5, y + 1.0, en, 6.5, GREY)
            self.write_at(x + 28, y + 0.5, self.fitted(value, 62 if position % 2 == 0 else 56, 8.8), 8.8)
        self.set_y(top + 5 * 6.3 + 2)

    def total(self) -> None:
        bill = self.bill
        y = self.get_y()
        self.set_fill_color(*PALE)
        self.rect(LEFT, y, WIDTH, 19, style="F", round_corners=True, corner_radius=1.5)
        zh, en = ("应付购电费", "Amount payable to you") if self.purchase else ("应缴金额", "Amount due")
        if bill.reverses is not None:
            zh, en = "冲销金额", "Amount taken back"
        elif bill.amount.fen < 0:
            zh, en = "退还金额", "Amount given back"
        self.write_at(LEFT + 5, y + 3.2, zh, 9.5, GREEN, bold=True)
        self.write_at(LEFT + 5, y + 8.6, en, 7, GREY)
        self.write_at(LEFT + 38, y + 4.2, f"¥ {grouped(bill.amount)}", 21, INK, bold=True)
        energy_zh, energy_en = ("上网电量", "Energy bought") if self.purchase else ("用电量", "Energy used")
        if bill.case_no is not None:
            energy_zh, energy_en = "退补电量", "Energy adjusted"
        facts = [(energy_zh, energy_en, f"{grouped(bill.energy)} kWh")]
        if bill.reverses is not None or bill.amount.fen < 0:
            facts.append(("发行日期", "Issued", str(bill.issued_on)))
        elif self.purchase:
            facts.append(("结算日期", "Settled by", str(bill.due_on)))
        else:
            facts.append(("缴费截止", "Pay by", str(bill.due_on)))
        for position, (fact_zh, fact_en, value) in enumerate(facts):
            x = LEFT + 104 + position * 40
            self.write_at(x, y + 3.2, fact_zh, 8.5, GREY)
            self.write_at(x + self.get_string_width(fact_zh) + 1.5, y + 3.7, fact_en, 6.5, GREY)
            self.write_at(x, y + 9.3, value, 11.5, INK, bold=True)
        if not self.purchase and bill.reverses is None and bill.amount.fen >= 0:
            self.write_at(LEFT + 5, y + 14.2, "逾期按日计收违约金。Late payment bears a daily charge.", 6.5, GREY)
        self.set_y(y + 20)

    def registers(self, rows: Sequence[ShownRegister]) -> None:
        self.section("抄表信息", "Meter registers", room=30)
        columns = [
            ("表号", "Meter", 25.0, "L"),
            ("示数类型", "Register", 40.0, "L"),
            ("起止时间", "From / to", 37.0, "L"),
            ("上期示数", "Previous", 22.0, "R"),
            ("本期示数", "Current", 22.0, "R"),
            ("倍率", "Mult.", 12.0, "R"),
            ("电量 kWh", "Energy", 22.0, "R"),
        ]
        self.table_head(columns)
        for row in rows:
            quantity = QUANTITIES.entries.get(row.quantity, {"zh": row.quantity})["zh"]
            band = BANDS.entries.get(row.band, {"zh": row.band})["zh"]
            method = "曲线估计" if row.method == CURVE else METHODS.entries.get(row.method, {"zh": row.method})["zh"]
            mark = "" if row.status == "valid" else f"（{method}）"
            span = f"{_day(row.from_at)} ~ {_day(row.to_at)}"
            self.table_row(
                columns,
                [
                    row.meter_no,
                    f"{quantity}（{band}）{mark}",
                    span,
                    "—" if row.start is None else grouped(row.start),
                    "—" if row.end is None else grouped(row.end),
                    str(row.multiplier),
                    "—" if row.energy is None else grouped(row.energy),
                ],
            )
        self.set_y(self.get_y() + 0.5)

    def estimates(self, found: BillEstimates) -> None:
        self.section("估计电量", "Energy that rests on estimates", room=24)
        columns = [
            ("表号", "Meter", 36.0, "L"),
            ("估计方法", "Method", 72.0, "L"),
            ("估计内容", "What is estimated", 34.0, "L"),
            ("点数", "Values", 16.0, "R"),
            ("估计电量 kWh", "Energy", 22.0, "R"),
        ]
        self.table_head(columns)
        for one in found.parts:
            self.table_row(
                columns,
                [
                    one.meter_no or "—",
                    ESTIMATE_METHODS.entries[one.method]["zh"],
                    ESTIMATED_THINGS.entries[one.thing]["zh"],
                    "—" if one.slots is None else str(one.slots),
                    grouped(one.energy),
                ],
            )
        self.set_y(self.get_y() + 1)
        self.paragraph(found.said.zh, 7.4, INK, indent=1)
        self.paragraph(found.said.en, 6.6, GREY, indent=1)

    def charges(self, lines: Sequence[ShownLine]) -> None:
        self.section("结算明细" if self.purchase else "电费明细", "Charges", room=30)
        columns = [
            ("行", "No.", 8.0, "L"),
            ("收费项目", "Item", 86.0, "L"),
            ("计费数量", "Quantity", 30.0, "R"),
            ("单价（元）", "Price, yuan", 28.0, "R"),
            ("金额（元）", "Amount, yuan", 28.0, "R"),
        ]
        self.table_head(columns)
        for group, members in groupby(lines, key=lambda line: line.group):
            rows = list(members)
            for line in rows:
                self.charge_row(columns, line)
            if len(rows) > 1:
                title = GROUPS.entries[group]
                self.sum_row(f"{title['zh']}小计", f"{title['en']}, subtotal", _added(rows))
        y = self.get_y()
        self.set_draw_color(*GREEN)
        self.set_line_width(0.5)
        self.line(LEFT, y + 0.4, RIGHT, y + 0.4)
        self.write_at(LEFT + 2, y + 2.2, "合计", 10.5, GREEN, bold=True)
        self.write_at(LEFT + 14, y + 2.9, "Total", 7.5, GREY)
        self.write_at(LEFT, y + 2.0, grouped(self.bill.amount), 11.5, INK, bold=True, align="R", width=WIDTH - 1)
        self.set_y(y + 8.5)
        if any(line.illustrative for line in lines):
            self.write_at(
                LEFT,
                self.get_y(),
                f"{_MARK} 示例价：本月没有公布的价格，所用数据及其来源见计算说明。",
                7,
                AMBER,
            )
            self.write_at(
                LEFT + 96, self.get_y() + 0.2, "Illustrative price: none was published; see below.", 6.5, AMBER
            )
            self.set_y(self.get_y() + 4)

    def charge_row(self, columns: Sequence[tuple[str, str, float, str]], line: ShownLine) -> None:
        quantity = "" if line.quantity is None else f"{grouped(line.quantity)} {line.unit}"
        y = self.table_row(
            columns,
            ["", "", quantity, "" if line.price is None else str(line.price), grouped(line.amount)],
            height=6.6,
        )
        self.write_at(LEFT + 1, y + 1.5, str(line.line), 7.5, GREY)
        item = self.fitted(line.name.zh, 58, 8.6)
        self.write_at(LEFT + 9, y + 1.3, item, 8.6)
        x = LEFT + 10.2 + self.get_string_width(item)
        if line.illustrative:
            self.write_at(x, y + 1.3, _MARK, 8.6, AMBER)
            x += 4
        self.write_at(x, y + 1.9, self.fitted(line.name.en, LEFT + 96 - x, 6.5), 6.5, GREY)
        self.set_y(y + 6.6)

    def sum_row(self, zh: str, en: str, amount: Money) -> None:
        y = self.get_y()
        self.set_fill_color(*PALE)
        self.rect(LEFT, y, WIDTH, 5.4, style="F")
        self.write_at(LEFT + 9, y + 0.9, zh, 8, GREY)
        self.write_at(LEFT + 10.5 + self.get_string_width(zh), y + 1.4, en, 6.5, GREY)
        self.write_at(LEFT, y + 0.8, grouped(amount), 8.4, INK, bold=True, align="R", width=WIDTH - 1)
        self.set_y(y + 5.4)

    def remarks(self, remarks: Sequence[TextPair]) -> None:
        if not remarks:
            return
        self.section("备注", "Remarks", room=16)
        for remark in remarks:
            self.paragraph(remark.zh, 8, INK)
            self.paragraph(remark.en, 6.8, GREY)

    def derivation(self, lines: Sequence[ShownLine]) -> None:
        self.section("计算说明", "How each line came about", room=30)
        for line in lines:
            if self.get_y() + 16 > self.page_break_trigger:
                self.add_page()
            y = self.get_y() + 2.2
            self.write_at(LEFT, y, f"{line.line}", 7.5, GREEN, bold=True)
            self.write_at(LEFT + 6, y, line.name.zh, 8.2, INK, bold=True)
            self.write_at(
                LEFT, y + 0.2, f"{line.tariff_code} v{line.tariff_version}", 6.2, GREY, align="R", width=WIDTH
            )
            self.set_y(y + 4)
            self.paragraph(line.arithmetic, 8, GREEN)
            self.paragraph(line.sentence.zh, 7.4, INK)
            self.paragraph(line.sentence.en, 6.6, GREY)
            self.paragraph(f"依据 {line.document_no}", 6.8, GREY)
            if line.illustrative and line.note is not None:
                self.paragraph(f"{_MARK} {line.note.zh} {line.note.en}", 6.8, AMBER)

    # -- tables ------------------------------------------------------------------------------------------------------------

    def table_head(self, columns: Sequence[tuple[str, str, float, str]]) -> None:
        y, x = self.get_y(), LEFT
        self.set_fill_color(*PALE)
        self.rect(LEFT, y, WIDTH, 8.4, style="F")
        for zh, en, width, align in columns:
            self.write_at(x + 1, y + 0.9, zh, 7.8, GREEN, bold=True, align=align, width=width - 2)
            self.write_at(x + 1, y + 4.9, en, 6, GREY, align=align, width=width - 2)
            x += width
        self.set_y(y + 8.4)

    def table_row(
        self, columns: Sequence[tuple[str, str, float, str]], cells: Sequence[str], height: float = 5.8
    ) -> float:
        """Writes a row and gives its top."""
        if self.get_y() + height > self.page_break_trigger:
            self.add_page()
            self.table_head(columns)
        y, x = self.get_y(), LEFT
        for (_, _, width, align), cell in zip(columns, cells, strict=True):
            if cell:
                shown = self.fitted(cell, width - 1.5, 8.2)
                self.write_at(x + 1, y + (height - 3.7) / 2, shown, 8.2, align=align, width=width - 2)
            x += width
        self.set_draw_color(*RULE)
        self.set_line_width(0.15)
        self.line(LEFT, y + height, RIGHT, y + height)
        self.set_y(y + height)
        return y

    def paragraph(self, shown: str, size: float, colour: Colour, indent: float = 6) -> None:
        if not shown.strip():
            return
        self.set_font(FONT, "", size)
        self.set_text_color(*colour)
        self.set_x(LEFT + indent)
        self.multi_cell(WIDTH - indent, size * 0.47, shown.strip(), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def header(self) -> None:
        if self.page_no() > 1:
            self.set_fill_color(*GREEN)
            self.rect(0, 0, 210, 1.6, style="F")
            self.write_at(LEFT, 6, f"{self.name.zh}  {self.bill.account_no}  {self.bill.month}", 7.5, GREY)
            self.set_y(12)

    def footer(self) -> None:
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.line(LEFT, 281, RIGHT, 281)
        self.write_at(LEFT, 282.5, f"{self.bill.bill_no}", 6.5, GREY)
        self.write_at(
            LEFT, 282.5, "对账单有疑问请拨打 95598。Questions: call 95598.", 6.5, GREY, align="C", width=WIDTH
        )
        self.write_at(LEFT, 282.5, f"{self.page_no()} / {{nb}}", 6.5, GREY, align="R", width=WIDTH)


def grouped(value: object) -> str:
    """Decimal text with thousands separators."""
    sign, digits = ("-", str(value)[1:]) if str(value).startswith("-") else ("", str(value))
    whole, point, fraction = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{fraction}"


def _day(instant: datetime) -> str:
    """A midnight by its day alone: most registers are read then."""
    shown = instant.astimezone(SHANGHAI)
    return shown.strftime("%m-%d" if shown.hour == shown.minute == 0 else "%m-%d %H:%M")


def _added(rows: Sequence[ShownLine]) -> Money:
    return sum((line.amount for line in rows), Money(0))
