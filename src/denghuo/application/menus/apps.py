"""Micro-apps as folders: `manifest.yaml` and one file per page, in JSON or YAML. Data only; what they may name is registered."""

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, JsonValue, StringConstraints

from denghuo.application.spec.page import Name, OperationName, PageName, Path, Text
from denghuo.kernel.contract import Message

FOLDER = pathlib.Path(__file__).parent.parent / "apps"
Channel = Literal["pc", "kiosk", "mobile", "screen"]


class Count(Message):
    """How much waits on a page: the number at `path` of a query's reply."""

    operation: OperationName
    given: dict[Name, JsonValue] = Field(default_factory=dict)
    path: Path = "total"


class Menu(Message):
    """A page that stands in the menu. Title and note are the page's own unless said here.

    permit: what the page leads to; without it the page is of no use to the caller and stands in no menu.
    """

    page: PageName
    title: Text | None = None
    note: Text | None = None
    icon: Name | None = None
    count: Count | None = None
    permit: str | None = None


class Lookup(Message):
    """How the search finds things of this app: a query that takes the keyword in `field`, and the page of a row.

    pattern: what a keyword must look like to be worth asking. name: a personal name, masked towards browsers.
    """

    kind: Text
    operation: OperationName
    field: Name = "keyword"
    given: dict[Name, JsonValue] = Field(default_factory=dict)
    pattern: Annotated[str, StringConstraints(max_length=80)] = r".{2,}"
    rows: Path = "rows"
    title: Path
    name: Path | None = None
    note: Path | None = None
    page: PageName
    parameters: dict[Name, Path]
    limit: Annotated[int, Field(ge=1, le=20)] = 6


class Manifest(Message):
    """What a micro-app is and what it leans on. Its pages may use the named permits and contract versions only."""

    id: Name
    title: Text
    icon: Name
    order: int = 500
    channels: Annotated[list[Channel], Field(min_length=1)] = ["pc"]
    permits: list[str]
    contracts: dict[Name, int]
    menus: list[Menu]
    search: list[Lookup] = Field(default_factory=list, max_length=6)


@dataclass(frozen=True)
class App:
    """A micro-app as it was read: its manifest, and its pages as raw data by page name."""

    manifest: Manifest
    pages: dict[str, Any]


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader; where libyaml is at hand, its faster twin."""


def read_apps(folder: pathlib.Path = FOLDER) -> list[App]:
    """All micro-apps of a folder in the order of their menus."""
    apps = [read_app(path.parent) for path in sorted(folder.glob("*/manifest.*"))]
    return sorted(apps, key=lambda app: (app.manifest.order, app.manifest.id))


def read_app(folder: pathlib.Path) -> App:
    """One micro-app.

    Raises:
        ValueError: the manifest does not fit, or a page is not named after its file.
    """
    documents = dict(_documents(folder))
    manifest = Manifest.model_validate(documents.pop("manifest"))
    if manifest.id != folder.name:
        raise ValueError(f"{folder}: the manifest says {manifest.id!r}, the folder {folder.name!r}")
    pages: dict[str, Any] = {}
    for name, document in documents.items():
        identity = f"{manifest.id}.{name}"
        if not isinstance(document, dict) or document.get("id") != identity:
            raise ValueError(f"{folder / name}: the page's id must be {identity!r}")
        pages[identity] = document
    return App(manifest, pages)


def _documents(folder: pathlib.Path) -> Iterator[tuple[str, Any]]:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            yield path.stem, json.loads(path.read_text("utf-8"))
        elif path.suffix == ".yaml":
            yield path.stem, yaml.load(path.read_text("utf-8"), Loader=_LOADER)
