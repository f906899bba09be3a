"""Keys of direct meters at the command line (电表密钥): sealed, made, listed, sealed anew. None is ever shown."""

import csv
import pathlib
from collections.abc import Callable, Iterable

from denghuo.kernel.problem import text
from denghuo.main.composition import key_file
from denghuo.service.acquisition.front.keys import KeyFile, Keys, KeysRefused
from denghuo.settings import Loaded

COLUMNS = ("terminal_no", "encryption", "authentication", "master")
Say = Callable[[str], None]


def opened(loaded: Loaded) -> KeyFile:
    """The file of the settings. Raises KeysRefused without a master key."""
    master = loaded.settings.master_key.get_secret_value()
    if not master:
        raise KeysRefused(
            text(
                "未设置 master_key（64 位十六进制），无法封存密钥。请以环境变量 DENGHUO_MASTER_KEY 给出。",
                "There is no master_key (64 hexadecimal digits) to seal keys under. Give it as DENGHUO_MASTER_KEY.",
            ),
            field="master_key",
            value="",
        )
    return KeyFile(key_file(loaded), bytes.fromhex(master))


def seal(file: KeyFile, path: pathlib.Path, say: Say) -> None:
    """Seals the keys of a CSV with these columns, in hexadecimal digits."""
    with path.open(newline="", encoding="utf-8-sig") as source:
        rows = csv.DictReader(source)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise _wrong(path, "columns", ", ".join(rows.fieldnames or ()))
        for line, row in enumerate(rows, 2):
            try:
                keys = Keys(*(bytes.fromhex(row[name]) for name in COLUMNS[1:]))
            except (ValueError, TypeError):
                # What stands there may be a key, and is not said.
                raise _wrong(path, f"line {line}", "no hexadecimal digits") from None
            _said(say, row["terminal_no"], *file.keep(row["terminal_no"], keys))


def make(file: KeyFile, terminals: Iterable[str], say: Say) -> None:
    for terminal_no in terminals:
        _said(say, terminal_no, *file.make(terminal_no))


def listed(file: KeyFile, say: Say) -> None:
    for (terminal_no, version), check in file.checks().items():
        _said(say, terminal_no, version, check)


def reseal(file: KeyFile, path: pathlib.Path, say: Say) -> None:
    """`path` holds the new master key."""
    try:
        master = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        master = b""
    if len(master) != 32:
        raise _wrong(path, "new master key", "not 64 hexadecimal digits")
    say(
        f"{file.reseal(master)} 版密钥已用新主密钥封存，请更换设置 master_key  versions sealed anew; change master_key now"
    )


def _said(say: Say, terminal_no: str, version: int, check: str) -> None:
    say(f"{terminal_no}  第 {version} 版 version  校验值 check value {check}")


def _wrong(path: pathlib.Path, field: str, value: str) -> KeysRefused:
    return KeysRefused(
        text(
            f"{path} 的 {field} 有误：{value}。列应为 {', '.join(COLUMNS)}，密钥为 32 位十六进制，主密钥为 64 位。",
            f"{path}: {field} is wrong: {value}. Columns are {', '.join(COLUMNS)}; a key has 32 hexadecimal digits, a master key of"
            " the deployment 64.",
        ),
        field=field,
        value=value,
    )
