"""Events that a service refused too often: the administrator sees them with the reason and has them delivered again."""

from playwright.sync_api import expect
from tests.browser.conftest import Enter, Look
from tests.browser.product import Product

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
