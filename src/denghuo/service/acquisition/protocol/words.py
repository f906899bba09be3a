"""English for the Chinese names of the protocol tables, from one vocabulary of the trade (data/terms.csv)."""

import csv
import importlib.resources
import io
import re
from collections.abc import Mapping
from functools import cache, lru_cache

from denghuo.kernel.problem import Text


def rows(package: str, name: str) -> list[dict[str, str]]:
    """The rows of a table in `package`'s data folder; lines that begin with # are notes on its source."""
    file = importlib.resources.files(package).joinpath("data", name)
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(io.StringIO("\n".join(lines))))


_BEGINS, _TURNS, _ENDS = "\ufdd0", "\ufdd1", "\ufdd2"  # No text of a frame has them: they are no characters.
_PHRASE = re.compile(f"{_BEGINS}(.*?){_TURNS}(.*?){_ENDS}", re.DOTALL)


def spoken(zh: str, en: str) -> str:
    """A phrase in both tongues within the value of a field; `tongues` parts them."""
    return f"{_BEGINS}{zh}{_TURNS}{en}{_ENDS}"


COMMA_EN = ", "
COMMA = spoken("，", COMMA_EN)


def both(words: Text) -> str:
    return spoken(words["zh"], words["en"])


def tongues(value: str) -> Text:
    """A value as a reader of each tongue has it."""
    return {"zh": _PHRASE.sub(r"\1", value), "en": _PHRASE.sub(r"\2", value)}


def together(value: str) -> str:
    """A value with both tongues side by side, as a command line has it."""
    return _PHRASE.sub(lambda one: f"{one[1]} {one[2].removeprefix(COMMA_EN)}".rstrip(), value)


@cache
def _terms() -> tuple[re.Pattern[str], Mapping[str, str]]:
    words = {row["zh"]: row["en"] for row in rows(__package__, "terms.csv")}
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), words


@lru_cache(65536)
def english(zh: str) -> str:
    """`zh` term by term, longest terms first; a term that the vocabulary lacks stays as it is."""
    pattern, words = _terms()
    said = pattern.sub(lambda match: f" {words[match[0]]} ", zh)
    said = said.translate(str.maketrans("（），：；、～", "(),:;,-"))
    said = re.sub(r"\s+", " ", said)
    return re.sub(r"\s+([,:;)])", r"\1", said).replace("( ", "(").strip()


def named(zh: str) -> Text:
    """A Chinese name with its English one."""
    return {"zh": zh, "en": english(zh)}
