"""Pictures of the running product for the READMEs: `make shots` writes docs/shots/*.png.

The demo company is loaded and its month billed in a folder that is thrown away. Each picture is reduced to a palette, so that the
whole folder stays below one megabyte.
"""

import io
import pathlib
import sys
import tempfile
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import CHROMIUM, FLAGS, sign_in  # noqa: E402
from tests.browser.product import MONTH, Product, running  # noqa: E402

SHOTS = ROOT / "docs" / "shots"
BYTES_EACH = 200_000
BYTES_ALL = 1_000_000
COLOURS = 256
WAIT_MS = 20_000
WIDTH, HEIGHT, LOW = 1440, 900, 640
# What moves after the last reply: drawing of a chart, folding out of a line.
REST_MS = 900


def main() -> None:
    SHOTS.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(pathlib.Path(folder)) as product,
        sync_playwright() as playwright,
    ):
        product.bill_month()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        workbench(product, browser)
        wall(product, browser)
        phone(product, browser)
        browser.close()
    sizes = {path.name: path.stat().st_size for path in sorted(SHOTS.glob("*.png"))}
    for name, size in sizes.items():
        print(f"{size:>8,} {name}")
    assert max(sizes.values()) < BYTES_EACH and sum(sizes.values()) < BYTES_ALL, "the pictures are too large"


def workbench(product: Product, browser: Browser) -> None:
    """The pages of people at a desk."""
    page = entered(product, browser, "billing")
    show(page, "/w/workflow/todo", "tbody tr")
    keep(page, "home", LOW)
    show(page, f"/w/billing/run?month={MONTH}", ".steps__item.mark-good")
    keep(page, "run")
    show(page, f"/w/billing/exceptions?month={MONTH}", "tbody tr")
    keep(page, "exceptions", LOW)
    bill = a_bill(product)
    explained(page, bill["bill_no"])
    keep(page, "bill")
    show(page, f"/w/customer/account?account_no={bill['account_no']}", "tbody tr")
    keep(page, "customer", LOW)
    page.context.close()
    page = entered(product, browser, "billing", language="en-GB")
    explained(page, bill["bill_no"])
    keep(page, "bill-en")
    page.context.close()
    page = entered(product, browser, "cashier")
    show(page, f"/w/payment/take?account_no={owing(product)}", "input")
    keep(page, "counter", LOW)
    page.context.close()
    page = entered(product, browser, "loss")
    show(page, f"/w/loss/areas?month={MONTH}", "tbody tr")
    keep(page, "loss")
    page.context.close()


def wall(product: Product, browser: Browser) -> None:
    page = entered(product, browser, "manager", width=1920, height=1080)
    show(page, "/screen", ".map .lamp")
    keep(page, "screen")
    page.context.close()


def phone(product: Product, browser: Browser) -> None:
    user = next(name for name, found in product.users.items() if found["role"] == "customer")
    context = browser.new_context(
        base_url=product.url,
        locale="zh-CN",
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto("/phone")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", product.password(user))
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("input[name=password]", state="detached")
    page.wait_for_load_state("networkidle")
    keep(page, "phone")
    context.close()


def entered(
    product: Product, browser: Browser, user: str, language: str = "zh-CN", width: int = WIDTH, height: int = HEIGHT
) -> Page:
    """A page on which the demo user is signed in."""
    context = browser.new_context(
        base_url=product.url,
        locale=language,
        viewport={"width": width, "height": height},
        timezone_id="Asia/Shanghai",
        color_scheme="light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto("/sign-in")
    sign_in(page, user, product.password(user))
    return page


def show(page: Page, path: str, wanted: str) -> None:
    page.goto(path)
    page.wait_for_selector(wanted)


def explained(page: Page, bill_no: str) -> None:
    """The bill with its first line folded out."""
    show(page, f"/w/billing/bill?bill_no={bill_no}", ".explain__line")
    page.locator(".explain__line").first.click()
    page.wait_for_selector(".explain__how .how__sum")


def a_bill(product: Product) -> dict[str, Any]:
    """A bill of a business: its price stands in parts."""
    with product.session("billing") as client:
        found = product.ask(client, "billing.bills", month=MONTH, tariff_class="general_single_part", limit=1)
        return dict(found["rows"][0])


def owing(product: Product) -> str:
    """An account of the cashier's station that owes something."""
    with product.session("cashier") as client:
        found = product.ask(client, "ledger.receivables", month=MONTH, state="open", kind="supply", limit=1)
        return str(found["rows"][0]["account_no"])


def keep(page: Page, name: str, height: int | None = None) -> None:
    """Writes the picture of what the window shows, of another height where one is given."""
    if height:
        page.set_viewport_size({"width": WIDTH, "height": height})
    page.wait_for_load_state("load")
    page.wait_for_timeout(REST_MS)
    picture = Image.open(io.BytesIO(page.screenshot()))
    reduced = picture.convert("RGB").quantize(
        COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
    )
    reduced.save(SHOTS / f"{name}.png", optimize=True)
    if height:
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


if __name__ == "__main__":
    main()
