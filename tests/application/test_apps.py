"""Every micro-app against the real contracts: a page that leans on what does not exist fails here, by name."""

import pathlib
import re

import pytest
import yaml
from tests.application.conftest import contracts

from denghuo.application.menus.apps import FOLDER, App, read_app, read_apps
from denghuo.application.menus.catalogue import Catalogue, operations_of
from denghuo.application.spec import PageSpec

APPS = read_apps()


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.manifest.id)
def test_app_fits_the_contracts(app: App, catalogue: Catalogue) -> None:
    own = {name: found for name, found in catalogue.findings.items() if name.startswith(f"{app.manifest.id}.")}
    assert {name: [(item.path, item.message["en"]) for item in found] for name, found in own.items()} == {}


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.manifest.id)
def test_app_declares_no_more_than_it_uses(app: App, catalogue: Catalogue) -> None:
    used = {name for data in app.pages.values() for name in operations_of(PageSpec.model_validate(data))}
    used |= {menu.count.operation for menu in app.manifest.menus if menu.count}
    used |= {lookup.operation for lookup in app.manifest.search}
    operations = [operation for name in used if (operation := catalogue.operation(name))]
    assert set(app.manifest.permits) == {item.permit for item in operations} - {"public"}
    assert app.manifest.contracts == {item.noun: item.version for item in operations}


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.manifest.id)
def test_every_field_a_page_shows_has_a_label_or_is_said_by_the_page(app: App, catalogue: Catalogue) -> None:
    """No raw names on a page: what a spec shows is labelled by its contract."""
    unlabelled = []
    for name, data in app.pages.items():
        page = PageSpec.model_validate(data)
        unlabelled += [f"{name}: {item}" for item in catalogue.unlabelled(page)]
    assert unlabelled == []


def test_a_page_stands_in_a_menu_or_under_one_that_does() -> None:
    """So that whoever opened a bill sees where it belongs and finds the way back."""
    menus = {menu.page for app in APPS for menu in app.manifest.menus}
    pages = [PageSpec.model_validate(data) for app in APPS for data in app.pages.values()]
    lost = {page.id: page.under for page in pages if page.id not in menus and page.under not in menus}
    assert lost == {} and not any(page.under for page in pages if page.id in menus)


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.manifest.id)
def test_both_languages_are_really_two(app: App) -> None:
    for name, data in app.pages.items():
        for zh, en in _texts(data):
            assert re.search(r"[一-鿿]", zh), f"{name}: {zh!r} is not Chinese"
            assert not re.search(r"[一-鿿]", en), f"{name}: {en!r} is not English"


def _texts(node: object) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        if set(node) == {"zh", "en"}:
            return [(node["zh"], node["en"])]
        return [pair for value in node.values() for pair in _texts(value)]
    return [pair for item in node for pair in _texts(item)] if isinstance(node, list) else []


def test_every_app_folder_is_read() -> None:
    assert {app.manifest.id for app in APPS} == {path.name for path in FOLDER.iterdir() if path.is_dir()}


def test_the_audit_trail_says_operations_as_people_know_them(catalogue: Catalogue) -> None:
    called = catalogue.entries["application.operation"]
    assert called["payment.reverse_payment"] == {"zh": "缴费收据 · 冲正", "en": "Receipt · Reverse"}
    assert called["access.sign_in"] == {"zh": "登录", "en": "Sign in"}
    shown = {name for app in catalogue.apps for page in app.pages.values() for name in operations_of(page)}
    commands = {name for name in shown if catalogue.operations[name]["kind"] == "command"}
    assert commands <= called.keys() <= catalogue.operations.keys()


def test_a_page_that_uses_what_its_manifest_does_not_name_is_not_offered() -> None:
    app = next(app for app in APPS if app.manifest.id == "customer")
    narrow = App(app.manifest.model_copy(update={"permits": []}), app.pages)
    found = Catalogue(contracts(), [narrow])
    assert "customer.accounts" in found.findings and found.apps[0].pages == {}


def test_a_broken_page_does_not_take_the_others_with_it() -> None:
    app = next(app for app in APPS if app.manifest.id == "customer")
    broken = {**app.pages, "customer.broken": {"spec": 1, "id": "customer.broken", "title": {"zh": "坏", "en": "Bad"}}}
    found = Catalogue(contracts(), [*(item for item in APPS if item is not app), App(app.manifest, broken)])
    assert "customer.broken" in found.findings
    assert "customer.accounts" in next(item for item in found.apps if item.manifest.id == "customer").pages


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("manifest.yaml", {"id": "other", "title": {"zh": "其他", "en": "Other"}}),
        ("page.yaml", {"id": "demo.elsewhere"}),
        ("page.yaml", ["not a page"]),
    ],
)
def test_a_folder_that_contradicts_itself_is_refused(tmp_path: pathlib.Path, name: str, body: object) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    manifest = {
        "id": "demo",
        "title": {"zh": "演示", "en": "Demo"},
        "icon": "page",
        "permits": [],
        "contracts": {},
        "menus": [],
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest, allow_unicode=True), "utf-8")
    assert read_app(folder).pages == {}
    (folder / name).write_text(yaml.safe_dump(body, allow_unicode=True), "utf-8")
    with pytest.raises(ValueError, match=r"demo|Manifest"):
        read_app(folder)
