"""The real product in a real browser: one demo company per session, Chromium, and watchers that no test can forget.

Every page is watched: a violation of the content policy, a request to a foreign host, an error on the page or a reply of 500 fails
the test that caused it.
"""

import pathlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect, sync_playwright
from tests.browser.companies import BY_HOURS, several_months
from tests.browser.product import Product, running

ROOT = pathlib.Path(__file__).resolve().parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""As scripts/test-tools.sh looks for them."""
CHROMIUM = next((path for path in map(shutil.which, BROWSERS) if path), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_RUN = """axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})
    .then(found => found.violations)"""
"""What fails alone: to name all that passes takes as long as the rules."""
BENCH = ".bench .page__head, .bench .state"
WAIT_MS = 120_000
expect.set_options(timeout=WAIT_MS)


NewFolder = Callable[[str], pathlib.Path]


@pytest.fixture(scope="session")
def new_folder(first_started: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> NewFolder:
    """`new_folder("june")` gives a data folder for a product, with every schema and nothing in it."""
    return lambda name: pathlib.Path(shutil.copytree(first_started, tmp_path_factory.mktemp(name) / "data"))


@pytest.fixture(scope="session")
def product(new_folder: NewFolder) -> Iterator[Product]:
    """The demo company, loaded as `make run` loads it, behind the real edge on a free port."""
    if not (ROOT / "web" / "dist" / "index.html").exists():
        pytest.fail("web/dist is missing: npm run build in web (make setup does it)")
    with running(new_folder("product")) as started:
        yield started


@pytest.fixture(scope="session")
def billed(product: Product) -> Product:
    """The product with its month billed, whether or not another test ran it before."""
    product.bill_month()
    return product


@pytest.fixture(scope="session")
def months(new_folder: NewFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product of its own with two areas, whose registers go on until the end of July; nothing of it is billed yet."""
    with running(new_folder("months"), several_months(tmp_path_factory.mktemp("demo"))) as started:
        with started.session("billing") as client:
            started.ask(client, "contract.change_terms", **BY_HOURS, reason="改按分时电价")
        yield started


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield started
    started.close()


@dataclass
class Watch:
    """What went wrong on the pages of a test."""

    base: str
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        page.on("console", lambda message: self._said(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self._asked(request.url))
        page.on("response", lambda response: self._answered(response.status, response.url))

    def _said(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.faults.append(f"policy: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:", "about:")):
            self.faults.append(f"foreign host: {url}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 500:
            self.faults.append(f"{status}: {url}")


Enter = Callable[..., Page]
Look = Callable[[Page], None]
DESK, PHONE = 1440, 390


@pytest.fixture
def enter(product: Product, browser: Browser) -> Iterator[Enter]:
    """`enter("billing")` gives a page on which that demo user is signed in; without a user, the sign-in page."""
    with entering(product, browser) as opened:
        yield opened


@pytest.fixture
def enter_months(months: Product, browser: Browser) -> Iterator[Enter]:
    """As `enter`, into the product of several months."""
    with entering(months, browser) as opened:
        yield opened


@contextmanager
def entering(product: Product, browser: Browser) -> Iterator[Enter]:
    watch = Watch(product.url)
    contexts: list[BrowserContext] = []

    def opened(user: str | None = None, path: str = "/", language: str = "zh-CN", width: int = DESK) -> Page:
        context = browser.new_context(
            base_url=product.url,
            locale=language,
            viewport={"width": width, "height": 900},
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        watch.over(page)
        if user is None:
            page.goto("/sign-in")
            return page
        # A session of its own, begun without the page, whose own tests are in test_sign_in: to type it in costs a page more.
        with product.session(user) as client:
            kept = [(cookie.name, cookie.value or "") for cookie in client.cookies.jar]
        context.add_cookies(
            [{"name": name, "value": value, "url": product.url, "httpOnly": True} for name, value in kept]
        )
        page.goto(path)
        page.wait_for_selector(BENCH)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert watch.faults == []


def choose(within: Page | Locator, label: str, option: str, exact: bool = False) -> None:
    """Opens a list and takes an option. Not the input is clicked, which its own value covers, but the frame around both: that click
    waits until the dialog has come to rest."""
    page = within if isinstance(within, Page) else within.page
    box = page.get_by_role("combobox", name=label)
    within.locator(".el-select__wrapper").filter(has=box).first.click()
    page.get_by_role("option", name=option, exact=exact).filter(visible=True).click()


def hidden_to_the_side(page: Page) -> int:
    """By how many pixels a table on the page is wider than its card; 0 where all columns are seen."""
    tables = "[...document.querySelectorAll('.table-scroll')].map(one => one.scrollWidth - one.clientWidth)"
    return max(page.evaluate(tables))


def sign_in(page: Page, user: str, password: str) -> None:
    """Types user and password and waits for the workbench."""
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector(BENCH)


@pytest.fixture
def accessible() -> Look:
    """Fails on a serious or critical finding of axe on the page as it stands."""

    def look(page: Page) -> None:
        # Only where it is asked: in every page it would take as long as the page itself.
        if page.evaluate("typeof axe === 'undefined'"):
            page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate(AXE_RUN)
        serious = [
            f"{item['id']}: {item['help']} {node['target']}"
            for item in found
            if item["impact"] in ("serious", "critical")
            for node in item["nodes"][:3]
        ]
        assert serious == [], page.url

    return look


@pytest.fixture
def at_both_widths(accessible: Look) -> Look:
    """Fails where the page as it stands is wider than the window or not accessible, on a desk or on a phone.

    The page stays at the width that it did not have before, so that a journey with several looks is walked at both.
    """

    def look(page: Page) -> None:
        before = page.viewport_size
        widths = (PHONE, DESK) if before and before["width"] == PHONE else (DESK, PHONE)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            page.mouse.move(0, 0)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{page.url} at {width}"
            accessible(page)

    return look
