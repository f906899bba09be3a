"""Forms that move money, rights or prices, filled by the people who fill them: refused in words, and done."""

import base64
import json
import pathlib
import re
import time
import uuid
from collections.abc import Callable

import pyotp
import pytest
import yaml
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Enter
from tests.browser.product import MONTH, Product
from tests.service.tariff.test_monthly import without_printed

from denghuo.service.tariff.shipped import price_table

MISHAN, MACUN = "1405810.01", "1405810.04"
RATES = pathlib.Path(__file__).parents[1] / "service" / "tariff" / "urdb"
PASSWORD = "forms-are-filled-1"


def newcomer(product: Product, name: str, role: str, org: str) -> str:
    """A person of this test alone, appointed as the administrator does it: what they close or lock is nobody else's."""
    user = f"n{uuid.uuid4().hex[:10]}"
    with product.session("admin") as client:
        product.ask(client, "permission.engage", user_name=user, name=name, org=org)
        product.ask(client, "permission.appoint", user_name=user, role=role, org=org)
        product.ask(client, "access.enrol", user_name=user, password=PASSWORD, must_change=False)
    product.users[user] = {"password": PASSWORD}
    return user


def owing(product: Product, org: str, count: int) -> list[tuple[str, str]]:
    """Accounts of a unit with an open bill, and its rest."""
    with product.session("ledger") as client:
        found = product.ask(client, "ledger.receivables", month=MONTH, state="open", kind="supply", org=org, limit=50)
    return [(row["account_no"], row["rest"]) for row in found["rows"] if not row["rest"].startswith("-")][:count]


def taken(product: Product, cashier: str, count: int) -> list[str]:
    """Receipts of cash that this cashier took, of ten yuan each."""
    accounts = owing(product, MISHAN, 40)[-count:]
    with product.session(cashier) as client:
        return [
            product.ask(client, "payment.take_payment", account_no=account, amount="10.00", method="cash")["receipt_no"]
            for account, _ in accounts
        ]


def choose(page: Page, name: str, content: str) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content.encode()}
    )


def figure(page: Page, label: str) -> Locator:
    named = page.locator(".stat__label", has_text=re.compile(f"^{label}"))
    return page.locator(".stat", has=named).locator(".stat__value")


def agree(page: Page, title: str) -> None:
    """An approver agrees to what waits under this title."""
    page.goto("/w/workflow/approvals")
    row = page.get_by_role("grid", name="审批").locator("tbody tr", has_text=title)
    row.get_by_role("button", name="同意", exact=True).click()
    dialog = page.get_by_role("dialog", name="同意")
    dialog.get_by_role("textbox").fill("已核对原始凭证")
    dialog.get_by_role("button", name="同意", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(row).to_have_count(0)


def test_a_bank_file_is_refused_by_its_line_and_taken_when_it_is_right(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    (first, rest), (second, _) = owing(billed, MACUN, 2)
    cents = int(rest.replace(".", "")) + 100
    total = f"{cents // 100}.{cents % 100:02d}"
    batch = f"{int(time.time())}"
    lines = [
        f"H|DENGHUO1|COLLECT|ICBC1|{batch}|20260512|1405810",
        f"D|1|{first}|{rest}|{batch}01|20260512093015|00",
        f"D|2|{second}|1.00|{batch}02|20260512093108|00",
    ]
    page = enter("ledger", path="/w/payment/bank")
    choose(page, "wrong.txt", "\n".join([*lines, f"T|2|{total}|2|{rest}"]))
    page.get_by_role("button", name="核对并入账").click()
    refused = page.locator(".fields__elsewhere")
    expect(refused.first).to_contain_text("第 4 行")
    assert "paid_amount" not in "".join(refused.all_inner_texts())
    accessible(page)
    choose(page, "right.txt", "\n".join([*lines, f"T|2|{total}|2|{total}"]))
    page.get_by_role("button", name="核对并入账").click()
    answer = page.locator(".answer")
    expect(answer.locator("div", has_text="收款笔数").locator("dd").first).to_have_text("2")
    expect(answer).to_contain_text(total)
    expect(page.get_by_role("grid", name="已导入").locator("tbody tr", has_text=batch)).to_have_count(1)
    with billed.session("ledger") as client:
        billed.until(lambda: billed.ask(client, "ledger.owed", account_no=first), lambda owed: owed["due"] == "0.00")


def test_a_day_with_a_difference_is_closed_by_two_persons(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    cashier = newcomer(billed, "孟秋实", "cashier", MISHAN)
    taken(billed, cashier, 2)
    page = enter(cashier, path="/w/payment/day")
    expect(figure(page, "应有现金")).to_have_text("20.00")
    expect(page.get_by_role("grid", name="按收款方式").locator("tbody tr")).to_contain_text("现金")
    page.get_by_label("清点现金").fill("19.50")
    page.get_by_role("button", name="扎账").click()
    expect(page.locator(".state--problem")).to_contain_text("现金与应有金额不符")
    page.get_by_label("差额原因").fill("找零差错，已查监控")
    page.get_by_role("button", name="扎账").click()
    expect(figure(page, "扎账状态")).to_have_text("差额待审批")
    expect(figure(page, "差额")).to_have_text("−0.50")
    accessible(page)
    agree(enter("manager"), cashier)
    with billed.session(cashier) as client:
        billed.until(lambda: billed.ask(client, "payment.day"), lambda day: day["state"] == "closed")
    account, _ = owing(billed, MISHAN, 1)[0]
    page.goto(f"/w/payment/take?account_no={account}")
    page.get_by_label("收款金额").fill("1")
    page.get_by_role("button", name="收款并出收据").click()
    expect(page.locator(".state--problem")).to_contain_text("当日已扎账")


def reverse(page: Page, receipt: str) -> Locator:
    """Asks for the reversal of a receipt on its page; gives the answer."""
    page.goto(f"/w/payment/receipt?receipt_no={receipt}")
    page.get_by_role("button", name="冲正").click()
    dialog = page.get_by_role("dialog", name="冲正")
    dialog.get_by_role("textbox").fill("收错户号")
    dialog.get_by_role("button", name="冲正").click()
    return dialog.get_by_role("status")


def test_a_payment_is_reversed_by_its_cashier_or_by_two_others(
    enter: Enter, billed: Product, accessible: Callable[[Page], None]
) -> None:
    cashier = newcomer(billed, "宋雁南", "cashier", MISHAN)
    own, others = taken(billed, cashier, 2)
    page = enter(cashier)
    expect(reverse(page, own)).to_contain_text("已冲正")
    page = enter("ledger")
    answer = reverse(page, others)
    expect(answer).to_contain_text("待审批")
    accessible(page)
    agree(enter("manager"), others)
    with billed.session("ledger") as client:
        for receipt in (own, others):
            billed.until(
                lambda receipt=receipt: billed.ask(client, "payment.receipt", receipt_no=receipt),
                lambda found: found["state"] == "reversed",
            )
    page.goto(f"/w/payment/receipt?receipt_no={others}")
    expect(page.locator(".detail__pair", has_text="收款状态")).to_contain_text("已冲正")
    expect(page.get_by_role("button", name="冲正")).to_have_count(0)


def test_one_time_codes_are_set_up_and_asked_for(
    enter: Enter, product: Product, accessible: Callable[[Page], None]
) -> None:
    keyholder = newcomer(product, "马守正", "tariff_clerk", "1405810")
    page = enter(keyholder, path="/w/access/account")
    page.get_by_role("button", name="生成动态验证密钥").click()
    dialog = page.get_by_role("dialog", name="生成动态验证密钥")
    secret = dialog.locator(".detail__pair", has_text="密钥").locator("dd").first.inner_text().strip()
    accessible(page)
    dialog.locator(".form__acts button").click()
    codes = pyotp.TOTP(secret)
    confirm = page.get_by_role("button", name="确认启用")
    page.get_by_label("验证码").fill("000000")
    confirm.click()
    expect(page.get_by_text("验证码不正确").first).to_be_visible()
    page.get_by_label("验证码").fill(codes.now())
    confirm.click()
    expect(page.get_by_label("验证码")).to_have_value("")
    page.locator(".top__user").click()
    page.get_by_role("menuitem", name="退出登录").click()
    page.wait_for_url("**/sign-in")
    page.fill("input[name=username]", keyholder)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    code = page.locator("input[name=one-time-code]")
    code.wait_for()
    accessible(page)
    # A code counts once: the next one is taken already, as from a clock that is a little fast.
    code.fill(codes.at(int(time.time()) + 30))
    code.press("Enter")
    page.wait_for_selector(".bench .page__head")


def test_a_tariff_is_drafted_by_one_person_and_published_by_another(
    enter: Enter, product: Product, accessible: Callable[[Page], None]
) -> None:
    with product.session("tariff") as client:
        heads = product.ask(client, "tariff.tariffs", keyword="sh.agricultural")["rows"]
        file = product.ask(client, "tariff.tariff_file", code="sh.agricultural", version=heads[0]["version"])
    drafted = yaml.safe_load(base64.b64decode(file["content"]).decode())
    # From the year after the newest version: what bills are made with stays as it is.
    newest = max(head["effective_from"] for head in heads)
    begins = f"{max(int(newest[:4]), 2026) + 1}-01"
    drafted["effective_from"] = f"{begins}-01"
    drafted.pop("effective_to", None)
    for example in drafted.get("examples", []):
        example["month"] = begins
    page = enter("tariff", path="/w/tariff/draft")
    choose(page, "broken.yaml", "code: [")
    page.get_by_role("button", name="检查并保存草稿").click()
    expect(page.locator(".state--problem")).to_contain_text("不是合法的 YAML")
    choose(page, "next.yaml", yaml.safe_dump(drafted, allow_unicode=True))
    page.get_by_role("button", name="检查并保存草稿").click()
    page.wait_for_url("**/w/tariff/tariff?code=sh.agricultural&version=*")
    address = page.url
    status = page.locator(".detail__pair", has_text="状态")
    expect(status).to_contain_text("草稿")
    expect(page.get_by_role("button", name="发布")).to_have_count(0)
    accessible(page)
    page = enter("approver", path=address)
    page.get_by_role("button", name="发布").click()
    dialog = page.get_by_role("dialog", name="发布")
    dialog.get_by_role("button", name="发布").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已发布")


def test_a_rate_of_the_united_states_is_read_looked_at_and_kept_as_a_draft(
    enter: Enter, accessible: Callable[[Page], None]
) -> None:
    rate = json.loads((RATES / "rates.json").read_text("utf-8"))["PGE_B-19"]
    page = enter("tariff", path="/w/tariff/tariffs")
    page.get_by_role("button", name="读入 URDB 费率").or_(page.get_by_role("link", name="读入 URDB 费率")).click()
    page.wait_for_url("**/w/tariff/urdb")
    choose(page, "broken.json", json.dumps(rate | {"mincharge": 5}))
    page.get_by_role("button", name="读入并检查").click()
    expect(page.locator(".state--problem")).to_contain_text("模型不支持该项")
    choose(page, "rate.json", json.dumps(rate))
    page.get_by_label("起", exact=True).fill("2020-06-01")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="读入并检查").click()
    expect(page.get_by_role("button", name="存为草稿")).to_have_count(2)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        accessible(page)
    page.get_by_role("button", name="存为草稿").first.click()
    dialog = page.get_by_role("dialog", name="存为草稿")
    dialog.get_by_role("button", name="存为草稿").click()
    page.wait_for_url("**/w/tariff/tariff?code=urdb.*&version=*")
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("草稿")


def test_a_months_prices_are_taken_in_by_one_person_and_published_by_another(
    enter: Enter, product: Product, accessible: Callable[[Page], None]
) -> None:
    table = price_table("420000", "2026-01") or ""
    page = enter("tariff", path="/w/tariff/price_table_draft")
    page.get_by_role("combobox", name="区域").click()
    page.get_by_role("option", name="湖北 420000").click()
    page.get_by_label("电费年月").fill("2026-01")
    page.get_by_label("文号").fill("湖北省2026年1月代理购电价格表")
    choose(page, "broken.csv", table.replace("110kV", "111kV"))
    page.get_by_role("button", name="检查并起草").click()
    expect(page.locator(".state--problem")).to_contain_text("未知的电压等级")
    choose(page, "table.csv", table)
    page.get_by_role("button", name="检查并起草").click()
    page.wait_for_url("**/w/tariff/price_table?area=420000&month=2026-01")
    address = page.url
    expect(page.locator(".detail__pair", has_text="电价数")).to_contain_text("4")
    page.get_by_role("tab", name="需复核").click()
    expect(page.get_by_text("0.848961").first).to_be_visible()
    expect(page.get_by_role("button", name="发布全部")).to_have_count(0)
    accessible(page)
    page = enter("approver", path=address)
    page.get_by_role("button", name="发布全部").click()
    dialog = page.get_by_role("dialog", name="发布全部")
    dialog.get_by_role("button", name="发布全部").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".detail__pair", has_text="状态")).to_contain_text("已发布")
    page = enter("tariff", path=address)
    page.get_by_role("button", name="导入更正").click()
    expect(page.get_by_label("电费年月")).to_have_value("2026-01")
    expect(page.get_by_role("switch", name="更正已发布的价格表")).to_be_checked()
    page.get_by_label("文号").fill("湖北省2026年1月代理购电价格表（更正）")
    choose(page, "corrected.csv", without_printed(table).replace("0.38447,", "0.37447,"))
    page.get_by_role("button", name="检查并起草").click()
    expect(page.locator(".detail__pair", has_text="第几次发布")).to_contain_text("2")
    expect(page.get_by_text("代理购电价格由 0.38447 降至 0.37447").first).to_be_visible()
    page.get_by_role("tab", name="受更正影响的账单").click()
    expect(page.get_by_text("没有按被更正价格计费的账单")).to_be_visible()
    accessible(page)
    with product.session("tariff") as client:
        found = product.ask(client, "tariff.in_force", on="2026-01-31", area="420000")["tariffs"]
        assert {one["version"] for one in found} == {1}
    assert [one["code"] for one in found] == [
        "hb.business.single",
        "hb.business.single.tou",
        "hb.two_part.capacity",
        "hb.two_part.demand",
    ]


@pytest.mark.parametrize("user", ["asset"])
def test_who_holds_posts_at_two_units_changes_between_them(enter: Enter, product: Product, user: str) -> None:
    with product.session("admin") as client:
        product.ask(client, "permission.appoint", user_name=user, role="reading_clerk", org=MACUN)
    page = enter(user, path="/w/customer/accounts")
    page.locator(".top__user").click()
    page.get_by_role("menuitem", name="切换到 马村供电所 · 抄表员").click()
    expect(page.locator(".top__where")).to_contain_text("马村供电所")
    page.goto("/w/customer/accounts")
    grid = page.get_by_role("grid", name="客户档案")
    grid.locator("tbody tr").first.wait_for()
    assert set(grid.locator("td[data-label='供电单位']").all_inner_texts()) == {"马村供电所"}
