"""Pruning: a reader gets the blocks and actions that they may use, and nothing else."""

from typing import Any

from denghuo.application.spec import Contracts, PageSpec, prune

Page = dict[str, Any]


def _pruned(page: Page, contracts: Contracts, permits: set[str], posts: set[str] = frozenset()) -> PageSpec | None:  # type: ignore[assignment]
    return prune(PageSpec.model_validate(page), contracts, permits.__contains__, posts)


def test_a_reader_without_the_permit_of_the_command_sees_no_button(page: Page, contracts: Contracts) -> None:
    pruned = _pruned(page, contracts, {"customer.read"})
    assert pruned is not None and pruned.blocks[0].actions == []
    full = _pruned(page, contracts, {"customer.read", "customer.register"})
    assert full is not None and len(full.blocks[0].actions) == 1


def test_a_page_of_which_nothing_is_left_is_none(page: Page, contracts: Contracts) -> None:
    assert _pruned(page, contracts, {"customer.register"}) is None


def test_posts_limit_pages_blocks_and_actions(page: Page, contracts: Contracts) -> None:
    page["blocks"][0]["actions"][0]["posts"] = ["counter_clerk"]
    permits = {"customer.read", "customer.register"}
    outside = _pruned(page, contracts, permits, {"auditor"})
    assert outside is not None and outside.blocks[0].actions == []
    page["posts"] = ["counter_clerk"]
    assert _pruned(page, contracts, permits, {"auditor"}) is None
    inside = _pruned(page, contracts, permits, {"counter_clerk"})
    assert inside is not None and len(inside.blocks[0].actions) == 1


def test_forms_filters_tabs_and_sources_go_with_their_operations(page: Page, contracts: Contracts) -> None:
    label = {"zh": "登记", "en": "Register"}
    form = {"kind": "form", "fields": ["name"], "submit": {"label": label, "operation": "customer.register"}}
    page["sources"] = {"found": {"operation": "customer.find"}}
    page["blocks"][0].update(id="accounts", source="found")
    page["blocks"] += [
        {"kind": "tabs", "tabs": [{"title": label, "blocks": [form]}, {"title": label, "blocks": [page["blocks"][0]]}]},
        {"kind": "filter", "operation": "customer.find", "fields": ["keyword"], "over": ["accounts"]},
    ]
    reader = _pruned(page, contracts, {"customer.read"})
    assert reader is not None
    assert [block.kind for block in reader.blocks] == ["list", "tabs", "filter"]
    assert len(reader.blocks[1].tabs) == 1  # type: ignore[union-attr]
    clerk = _pruned(page, contracts, {"customer.register"})
    assert clerk is not None and [block.kind for block in clerk.blocks] == ["tabs"]
    assert clerk.sources == {}


def test_a_condition_on_the_user_alone_is_decided_before_sending(page: Page, contracts: Contracts) -> None:
    page["blocks"][0]["actions"][0]["when"] = {"in": ["manager", {"var": "user.posts"}]}
    permits = {"customer.read", "customer.register"}
    clerk, manager = (_pruned(page, contracts, permits, {post}) for post in ("clerk", "manager"))
    assert clerk is not None and clerk.blocks[0].actions == []
    assert manager is not None and len(manager.blocks[0].actions) == 1


def test_blocks_on_an_answer_go_with_the_form_that_gives_it(page: Page, contracts: Contracts) -> None:
    label = {"zh": "登记", "en": "Register"}
    form = {
        "kind": "form",
        "fields": ["name"],
        "answer": "kept",
        "submit": {"label": label, "operation": "customer.register"},
    }
    told = {"kind": "stat", "source": "kept", "items": [{"field": "account"}]}
    page["blocks"] += [form, told]
    reader = _pruned(page, contracts, {"customer.read"})
    assert reader is not None and [block.kind for block in reader.blocks] == ["list"]
    clerk = _pruned(page, contracts, {"customer.read", "customer.register"})
    assert clerk is not None and [block.kind for block in clerk.blocks] == ["list", "form", "stat"]
