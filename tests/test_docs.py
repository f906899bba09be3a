"""The documentation names only what is there."""

import importlib.util
import pathlib
import re
from types import ModuleType
from urllib.parse import unquote

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")
# What stands in back quotes and looks like a path of the tree.
PATH = re.compile(r"`((?:src|tests|docs|web|examples|scripts)/[^`\s]*|[\w.]+\.(?:ini|toml|csv))`")


def _names(page: pathlib.Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: pathlib.Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_every_relative_link_leads_somewhere(page: pathlib.Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_path_on_the_map_of_the_paper_is_there() -> None:
    named = PATH.findall((ROOT / "docs" / "paper.md").read_text("utf-8"))
    assert len(named) > 100
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_map_names_every_service() -> None:
    text = (ROOT / "docs" / "paper.md").read_text("utf-8")
    services = {folder.parent.name for folder in (ROOT / "src/denghuo/service").glob("*/service*")} - {"host"}
    assert {noun for noun in services if f"src/denghuo/service/{noun}`" not in text} == set()


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_operations_is_current() -> None:
    reference = _script("reference")
    said = "a contract changed: .venv/bin/python docs/reference.py writes the page anew"
    assert (ROOT / "docs" / "reference" / "operations.md").read_text("utf-8") == reference.page(), said
    said = "a rule changed: .venv/bin/python docs/reference.py writes the page anew"
    assert (ROOT / "docs" / "reference" / "billing-rules.md").read_text("utf-8") == reference.rules_page(), said
