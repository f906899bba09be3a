"""Reading what was handed over: one bundle, or bill, tariff and readings apart."""

import json
from pathlib import Path
from typing import Any

SCHEMA, VERSIONS = "denghuo.bill-file", (1, 2, 3)
PARTS = ("bill", "readings", "tariff", "tariffs", "proof")
READINGS_SCHEMA, READINGS_VERSION = "denghuo.readings-file", 1
LATER = ("version", "effective_to")
"""What a tariff file may carry and a bill does not rest on: the count of its versions, and the end that its successor sets."""


class Unreadable(Exception):
    """What was handed over is no bill file that this program reads; says why in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def bundle(bill: Path, tariff: Path | None = None, readings: Path | None = None) -> dict[str, Any]:
    """The parts of a bill file; `tariff` and `readings` given apart stand in their place.

    Raises:
        Unreadable: a file cannot be read, is of another schema or version, or a part is missing.
    """
    document = _json(bill)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise Unreadable(f"{bill} 不是账单文件", f"{bill} is no bill file")
    if document.get("version") not in VERSIONS or isinstance(document["version"], bool):
        raise Unreadable(
            f"账单文件版本 {document.get('version')} 未知，本程序识别版本 1 至 3",
            f"bill file version {document.get('version')} is unknown; this program reads versions 1 to 3",
        )
    strange = set(document) - {"schema", "version", *PARTS}
    if strange:
        raise Unreadable(f"未知的部分：{'、'.join(sorted(strange))}", f"unknown parts: {', '.join(sorted(strange))}")
    if readings is not None:
        apart = _readings(readings)
        document["readings"] = apart.get("readings")
        document["curves"] = apart.get("curves") or []
        if apart.get("estimates") is not None:
            document["estimates"] = apart["estimates"]
    if tariff is not None:
        document["tariff"] = _tariff(tariff)
    for part in ("bill", "readings", "tariff"):
        if document.get(part) is None:
            raise Unreadable(f"缺少 {part}", f"{part} is missing")
    return document


def _readings(path: Path) -> dict[str, Any]:
    """Registers, and curves where the file has them; a bare list is one of registers."""
    read = _json(path)
    body: dict[str, Any] = read if isinstance(read, dict) else {"readings": read}
    if "schema" in body and (body["schema"], body.get("version")) != (READINGS_SCHEMA, READINGS_VERSION):
        raise Unreadable(f"{path} 不是本程序识别的示数文件", f"{path} is no readings file that this program reads")
    return body


def _tariff(path: Path) -> dict[str, Any]:
    read = _yaml(path) if path.suffix in (".yaml", ".yml") else _json(path)
    body = read.get("tariff", read) if isinstance(read, dict) else None
    if not isinstance(body, dict):
        raise Unreadable(f"{path} 不是电价文件", f"{path} is no tariff file")
    return {name: value for name, value in body.items() if name not in LATER}


def _json(path: Path) -> Any:
    try:
        return json.loads(
            path.read_text("utf-8"), object_pairs_hook=_once, parse_float=_no_fraction, parse_constant=_no_fraction
        )
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"无法读取 {path}：{error}", f"{path} cannot be read: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_fraction(text: str) -> Any:
    raise ValueError(f"{text} stands outside text")


def _yaml(path: Path) -> Any:
    try:
        import yaml
    except ImportError:
        raise Unreadable("读取 YAML 需要 PyYAML；也可用 JSON", "YAML needs PyYAML; give JSON instead") from None

    class Plain(yaml.SafeLoader):
        """Figures and days stay text."""

    Plain.yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(path.read_text("utf-8"), Plain)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Unreadable(f"无法读取 {path}：{error}", f"{path} cannot be read: {error}") from None
