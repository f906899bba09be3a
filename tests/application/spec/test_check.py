"""Checking specs: a correct page passes, hostile and mistaken ones are refused with a place and a remedy."""

import json
from typing import Any

import pytest

from denghuo.application.spec import Contracts, PageSpec, check, page_json

Page = dict[str, Any]


def test_a_correct_page_passes_and_survives_its_wire_form(page: Page, contracts: Contracts) -> None:
    assert check(page, contracts) == []
    read = PageSpec.model_validate(page)
    assert PageSpec.model_validate(page_json(read)) == read


HOSTILE_TEXTS = [
    '<img src=x onerror="window.pwned=1">',
    "<script>alert(1)</script>",
    "</td><td>",
    "<svg onload=alert(1)>",
    "javascript:alert(1)",
    "JaVaScRiPt :alert(1)",
    "data:text/html,x",
    "https://example.test/x",
    "{{constructor.constructor('alert(1)')()}}",
    "${window.pwned=1}",
    "&#60;img&#62;",
    "&lt;b&gt;",
    "name\u202egnp",
    "a\x00b",
]


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
@pytest.mark.parametrize("place", ["title", "action", "logic", "note"])
def test_hostile_text_is_refused_wherever_it_stands(page: Page, contracts: Contracts, hostile: str, place: str) -> None:
    block = page["blocks"][0]
    if place == "title":
        page["title"]["zh"] = hostile
    elif place == "action":
        block["actions"][0]["label"]["en"] = hostile
    elif place == "note":
        block["note"] = {"zh": hostile, "en": "x"}
    else:
        block["fields"][2]["tone"] = {"cat": [hostile]}
    findings = check(page, contracts)
    assert findings and all(finding.remedy["zh"] and finding.remedy["en"] for finding in findings)


@pytest.mark.parametrize("honest", ["电压 > 10 kV", "a < b", "R&D 中心", "价格：0.5 元", "{name}", "C++", "100% 回收"])
def test_honest_text_passes(page: Page, contracts: Contracts, honest: str) -> None:
    page["title"]["zh"] = honest
    assert check(page, contracts) == []


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype"])
def test_names_that_reach_into_objects_are_refused(page: Page, contracts: Contracts, name: str) -> None:
    polluted = json.loads(json.dumps(page).replace('"given"', f'"{name}"'))
    assert [finding.rule for finding in check(polluted, contracts)] == ["name"]
    page["blocks"][0]["fields"].append(f"rows.{name}")
    assert check(page, contracts)
    del page["blocks"][0]["fields"][-1]
    page["parameters"] = [name]
    assert check(page, contracts)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": "html"}, "blocks.0"),
        ({"kind": "list", "html": "x"}, "blocks.0.list.html"),
        ({"kind": "list", "style": "x"}, "blocks.0.list.style"),
        ({"source": {"operation": "/api/customer/find"}}, "blocks.0.list.source"),
        ({"source": {"operation": "customer.find", "url": "x"}}, "blocks.0.list.source"),
        ({"source": {"operation": "customer.steal"}}, "blocks.0.source"),
        ({"source": {"operation": "customer.register", "given": {"name": "x"}}}, "blocks.0.source"),
        ({"fields": ["account", "password"]}, "blocks.0.fields"),
        ({"fields": ["account", "balance.constructor"]}, "blocks.0.list.fields"),
        ({"filters": ["nowhere"]}, "blocks.0.source.filters"),
        ({"when": {"eval": ["alert(1)"]}}, "blocks.0.list.when"),
        ({"when": {"var": "window.location"}}, "blocks.0.list.when"),
        ({"when": {"==": [{"var": "page.nobody_gave_it"}, 1]}}, ""),
        ({"open": {"page": "customer.nowhere"}}, "blocks.0.open"),
        ({"open": {"page": "customer.account"}}, "blocks.0.open.given"),
        ({"actions": [{"label": {"zh": "a", "en": "a"}, "operation": "customer.register"}]}, "blocks.0.actions.0"),
        ({"actions": [{"label": {"zh": "a", "en": "a"}}]}, "blocks.0.list.actions.0"),
    ],
)
def test_what_is_not_the_language_or_not_registered_is_refused(
    page: Page, contracts: Contracts, change: Page, path: str
) -> None:
    page["blocks"][0].update(change)
    findings = check(page, contracts)
    assert any(finding.path.startswith(path) for finding in findings), findings


@pytest.mark.parametrize(
    "block",
    [
        {"kind": "custom", "component": "raw_html"},
        {"kind": "screen", "screen": "nowhere"},
        {"kind": "iframe", "src": "x"},
        {"kind": "filter", "operation": "customer.find", "fields": ["keyword"], "over": ["no_such_block"]},
    ],
)
def test_unregistered_parts_are_refused(page: Page, contracts: Contracts, block: Page) -> None:
    page["blocks"].append(block)
    assert check(page, contracts)


def test_a_page_stands_under_a_page_that_there_is(page: Page, contracts: Contracts) -> None:
    page["under"] = "customer.nowhere"
    assert [finding.path for finding in check(page, contracts)] == ["under"]
    page["under"] = "customer.account"
    assert check(page, contracts) == []


@pytest.mark.parametrize("place", ["when", "given"])
def test_an_action_beside_the_heading_looks_at_no_reply(page: Page, contracts: Contracts, place: str) -> None:
    action: Page = {
        "label": {"zh": "登记", "en": "Register"},
        "operation": "customer.register",
        "given": {"name": "林庆娟"},
    }
    page["actions"] = [action]
    assert check(page, contracts) == []
    seen = {"var": "reply.name"}
    action |= {"when": {"==": [seen, "x"]}} if place == "when" else {"given": {"name": seen}}
    assert [(finding.path, finding.rule) for finding in check(page, contracts)] == [("actions.0", "reply")]


def test_what_a_form_derives_is_a_value_of_its_reply(page: Page, contracts: Contracts) -> None:
    form: Page = {
        "kind": "form",
        "fields": ["name"],
        "submit": {"label": {"zh": "登记", "en": "Register"}, "operation": "customer.register"},
        "derived": [{"name": "account", "value": {"-": [{"var": "form.name"}, 1]}}],
    }
    page["blocks"].append(form)
    assert check(page, contracts) == []
    form["derived"][0]["name"] = "balance"
    assert [finding.path for finding in check(page, contracts)] == ["blocks.1.derived.0"]


def test_ten_thousand_fields_are_refused_with_few_findings(page: Page, contracts: Contracts) -> None:
    page["blocks"][0]["fields"] = ["account"] * 10_000
    findings = check(page, contracts)
    assert 1 <= len(findings) <= 100


def test_a_hundred_thousand_nodes_are_refused(page: Page, contracts: Contracts) -> None:
    page["blocks"] = [{}] * 100_000
    assert [finding.rule for finding in check(page, contracts)] == ["size"]


def test_deep_nesting_is_refused_as_data_and_as_text(page: Page, contracts: Contracts) -> None:
    inner = page["blocks"]
    for _ in range(400):
        inner = [{"kind": "tabs", "tabs": [{"title": {"zh": "a", "en": "a"}, "blocks": inner}]}]
    page["blocks"] = inner
    assert [finding.rule for finding in check(page, contracts)] == ["size"]
    assert check("[" * 100_000, contracts)
    assert check("[" * 1_000_000, contracts)[0].rule == "size"


@pytest.mark.parametrize("spec", ["", "null", "[]", "1", '"x"', "{}", b"\xff\xfe", None, [], 3, {"id": 1}])
def test_what_is_no_page_is_refused(contracts: Contracts, spec: Any) -> None:
    assert check(spec, contracts)


def test_blocks_stand_on_what_a_form_of_the_page_answers(page: Page, contracts: Contracts) -> None:
    label = {"zh": "查询", "en": "Find"}
    form = {
        "kind": "form",
        "fields": ["keyword"],
        "answer": "found",
        "submit": {"label": label, "operation": "customer.find"},
    }
    page["blocks"][0].update(source="found", filters=[])
    page["blocks"].insert(0, form)
    assert check(page, contracts) == []
    page["blocks"][1]["fields"] = ["no_such_field"]
    assert [finding.path for finding in check(page, contracts)] == ["blocks.1.fields"]
    form["answer"] = "other"
    assert [finding.path for finding in check(page, contracts)] == ["blocks.1.source"]


def test_columns_of_a_list_that_is_typed_are_fields_of_its_records(page: Page, contracts: Contracts) -> None:
    label = {"zh": "登记", "en": "Register"}
    asked = {"name": "name", "columns": ["no_such_field"]}
    page["blocks"] = [{"kind": "form", "fields": [asked], "submit": {"label": label, "operation": "customer.register"}}]
    assert [finding.path for finding in check(page, contracts)] == ["blocks.0.submit.ask"]
