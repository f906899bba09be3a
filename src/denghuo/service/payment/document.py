"""The receipt as a printed document (收据)."""

import base64

from denghuo.data.processing.typeset import FONT, Sheet
from denghuo.kernel.fields import Document
from denghuo.kernel.period import SHANGHAI
from denghuo.service.payment.api import METHODS, STATES, Payment
from denghuo.service.payment.rules import capital

SIZE_MM = (210.0, 140.0)
LABEL_MM, LINE_MM = 52.0, 8.0
GREEN, GREY, RED = (0, 110, 102), (90, 98, 104), (176, 32, 32)


def receipt_document(payment: Payment, holder: str) -> Document:
    """A half page with everything the payer needs to prove the payment."""
    sheet = Sheet(f"收费收据 {payment.receipt_no}", payment.taken_at, SIZE_MM, 16)
    sheet.set_font(FONT, "B", 16)
    sheet.set_text_color(*GREEN)
    sheet.cell(0, 10, "电费收费收据  Payment receipt", new_x="LMARGIN", new_y="NEXT")
    sheet.set_draw_color(*GREEN)
    sheet.line(16, sheet.get_y() + 1, SIZE_MM[0] - 16, sheet.get_y() + 1)
    sheet.ln(4)
    for label, value in _rows(payment, holder):
        sheet.set_font(FONT, "", 9)
        sheet.set_text_color(*GREY)
        sheet.cell(LABEL_MM, LINE_MM, label)
        sheet.set_font(FONT, "", 10.5)
        sheet.set_text_color(20, 24, 28)
        sheet.cell(0, LINE_MM, value, new_x="LMARGIN", new_y="NEXT")
    sheet.ln(2)
    sheet.set_font(FONT, "", 8)
    sheet.set_text_color(*GREY)
    sheet.multi_cell(0, 4.5, "本收据为收款凭证，不作发票使用。This receipt proves the payment; it is no invoice.")
    if payment.sandbox or payment.state in {"reversing", "reversed"}:
        sheet.set_font(FONT, "B", 12)
        sheet.set_text_color(*RED)
        marks = []
        if payment.sandbox:
            marks.append("沙箱：未发生真实扣款  SANDBOX: no money moved")
        if payment.state in {"reversing", "reversed"}:
            marks.append("已冲正，本收据作废  REVERSED, void")
        sheet.ln(2)
        sheet.multi_cell(0, 7, "\n".join(marks))
    return Document(
        file_name=f"{payment.receipt_no}.pdf",
        media_type="application/pdf",
        content=base64.b64encode(sheet.file()).decode(),
    )


def _rows(payment: Payment, holder: str) -> list[tuple[str, str]]:
    method, state = METHODS.entries[payment.method], STATES.entries[payment.state]
    rows = [
        ("凭证号 Receipt no.", payment.receipt_no),
        ("户号 Account no.", payment.account_no),
        ("户名 Name", holder),
        ("金额 Amount", f"¥ {payment.amount}    人民币{capital(payment.amount)}"),
        ("结算方式 Method", f"{method['zh']} {method['en']}"),
    ]
    if payment.tendered is not None and payment.change is not None:
        rows.append(("实收/找零 Tendered/change", f"¥ {payment.tendered} / ¥ {payment.change}"))
    if payment.settled is not None and payment.prepaid is not None:
        rows.append(("冲抵欠费/转预存 Settled/prepaid", f"¥ {payment.settled} / ¥ {payment.prepaid}"))
    rows += [
        ("收款时间 Time", f"{payment.taken_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"),
        ("收费员/状态 Cashier/state", f"{payment.cashier}    {state['zh']} {state['en']}"),
    ]
    return rows
