"""Bench: the customer's 360-degree page at the server, over HTTP, beside a bare exchange with the same server in the same run.

    python bench/customer_page.py

For each of some accounts it asks every query that the page's blocks name, one after the other, as a clerk with a session (whose
requests are limited by the minute, hence few accounts); a browser asks them side by side. Prints p50 and p95 of the first view
(what is shown before a tab is opened) and of the whole page.
"""

import json
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from tests.browser.product import MONTH, Product, running

PAGE = {"app": "customer", "page": "account", "channel": "pc"}
ACCOUNTS = 30


def sources(node: Any, named: dict[str, Any], tabs: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """(operation, given) of the blocks; those behind tabs but the first only where `tabs` says so."""
    if isinstance(node, list):
        for item in node:
            yield from sources(item, named, tabs)
    elif isinstance(node, dict):
        if node.get("kind") == "tabs" and not tabs:
            yield from sources(node["tabs"][0], named, tabs)
            return
        source = node.get("source")
        found = named.get(source) if isinstance(source, str) else source
        if isinstance(found, dict):
            yield found["operation"], found.get("given", {})
        yield from sources([value for key, value in node.items() if key != "source"], named, tabs)


def ask_all(client: httpx.Client, wanted: list[tuple[str, dict[str, Any]]], account_no: str) -> float:
    """Milliseconds to ask them all for one account."""
    begun = time.perf_counter()
    for operation, given in wanted:
        body = {name: account_no for name, value in given.items() if value == {"var": "page.account_no"}}
        reply = client.post(f"/api/{operation.replace('.', '/')}", json=body)
        assert reply.status_code == 200, f"{operation} {reply.text[:300]}"
    return (time.perf_counter() - begun) * 1000


def told(name: str, taken: list[float], queries: int, floor: float) -> None:
    p50, p95 = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
    print(
        f"{name}: {queries} queries, p50 {p50:.1f} ms, p95 {p95:.1f} ms, {p50 / floor:.1f} times as many bare exchanges"
    )


def settle(product: Product) -> None:
    """Waits until the month's own work that follows the issue is done: postings, direct debit, the hash tree of the run."""
    with product.session("ledger") as client:
        while True:
            batches = product.ask(client, "payment.debit_batches", month=MONTH)["rows"]
            pending = product.ask(client, "payment.collection", month=MONTH)["pending"]
            today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
            root = product.ask(client, "billing.day_root", issued_on=today, month=MONTH, run_no=1)["run_root"]
            if batches and all(one["state"] in ("returned", "empty") for one in batches) and pending == 0 and root:
                return
            time.sleep(1)


def measure(product: Product) -> None:
    product.bill_month()
    settle(product)
    with product.session("billing") as client:
        page = product.ask(client, "application.page", **PAGE)["page"]
        rows = product.ask(client, "customer.find_accounts", limit=ACCOUNTS)["rows"]
        accounts = [row["account_no"] for row in rows]
        views = {
            name: list(dict.fromkeys((operation, json.dumps(given)) for operation, given in found))
            for name, found in (
                ("first view", sources(page["blocks"], page.get("sources", {}), False)),
                ("whole page", sources(page["blocks"], page.get("sources", {}), True)),
            )
        }
        for name, found in views.items():
            wanted = [(operation, json.loads(given)) for operation, given in found]
            ask_all(client, wanted, accounts[0])
            bare = []
            for _ in range(20):
                begun = time.perf_counter()
                for _ in wanted:
                    client.get("/healthz")
                bare.append((time.perf_counter() - begun) * 1000)
            told(name, [ask_all(client, wanted, one) for one in accounts], len(wanted), statistics.median(bare))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(pathlib.Path(folder)) as product:
        measure(product)


if __name__ == "__main__":
    main()
