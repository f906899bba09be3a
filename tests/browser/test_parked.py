"""Events that a service refused too often and jobs that ended with an error: the administrator sees them with the reason and has
them go on."""

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product
from tests.held_jobs import held

from denghuo.data.processing.database import Database
from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.data.processing.outbox import Outbox

RECEIVED, READ = "reading.registers.received.v1", "reading.unit.read.v1"


def parked(product: Product) -> None:
    """Two events as the relay parks them: one that billing can take, and one that no event is."""
    dsn = EmbeddedServer(product.folder / "postgres").join()
    assert dsn is not None
    with Database(dsn) as database:
        with database.connection() as connection:
            row = connection.execute(
                "SELECT concat_ws('-', 'reading', xid, seq, place - 1), part FROM reading.journal,"
                " jsonb_array_elements(events) WITH ORDINALITY AS each (part, place) WHERE part ->> 'type' = %s LIMIT 1",
                (RECEIVED,),
            ).fetchone()
        assert row is not None
        outbox = Outbox(database, "reading")
        outbox.park("billing", row[0], row[1], "system", "ProblemError: 电价表尚未发布 no price table")
        outbox.park("billing", "reading-1-1-0", {"type": READ, "data": {}}, "reader", "ValidationError: month")


def test_a_parked_event_is_seen_with_its_reason_and_delivered_again(
    enter: Enter, product: Product, at_both_widths: Look
) -> None:
    parked(product)
    page = enter("admin", path="/w/access/parked")
    taken, broken = (page.locator("tbody tr", has_text=event) for event in (RECEIVED, READ))
    expect(taken).to_contain_text("电价表尚未发布")
    expect(broken).to_contain_text("ValidationError: month")
    at_both_widths(page)
    for row in (taken, broken):
        row.get_by_role("button", name="重新投递").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("事由").fill("电价表已发布")
        dialog.get_by_role("button", name="重新投递").click()
        expect(dialog).to_be_hidden()
    # The relay takes it at once; the list is loaded again as a person does it.
    with product.session("admin") as client:
        product.until(
            lambda: product.ask(client, "access.parked")["rows"],
            lambda rows: len(rows) == 1 and not rows[0]["asked_at"],
        )
    page.reload()
    expect(broken).to_contain_text("validation error")
    expect(taken).to_have_count(0)
    page = enter("auditor", path="/w/access/parked", width=390)
    expect(page.locator(".bench")).to_contain_text(READ)
    expect(page.get_by_role("button", name="重新投递")).to_have_count(0)
    at_both_widths(page)
    page.goto("/w/access/audit")
    expect(page.locator("tbody tr", has_text="重新投递").first).to_contain_text("电价表已发布")


def test_a_held_job_is_seen_with_its_reason_and_run_again(enter: Enter, product: Product, at_both_widths: Look) -> None:
    """Run again, one that can end well leaves the list."""
    dsn = EmbeddedServer(product.folder / "postgres").join()
    assert dsn is not None
    with Database(dsn) as database:
        held(
            database,
            "billing.advance_recalculation",
            {"recalculation_no": 2**40},
            "ValueError",
            "批次不存在 no such run",
        )
        held(database, "billing.keep_tasks", {"month": "2026-04"}, "OperationalError", "disk full")
    page = enter("admin", path="/w/access/held_jobs")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("批次不存在")
    at_both_widths(page)
    rows.nth(0).get_by_role("button", name="重新执行").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("事由").fill("磁盘已扩容")
    dialog.get_by_role("button", name="重新执行").click()
    expect(dialog).to_be_hidden()
    with product.session("admin") as client:
        product.until(lambda: product.ask(client, "access.held_jobs")["rows"], lambda rows: len(rows) == 1)
    page.reload()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("批次不存在")
    page = enter("auditor", path="/w/access/held_jobs", width=390)
    expect(page.locator(".bench")).to_contain_text("批次不存在")
    expect(page.get_by_role("button", name="重新执行")).to_have_count(0)
