"""Rules of notices: putting parameters into a text. No format language, so a parameter can only ever be text."""

import re
from collections.abc import Iterable, Mapping

_PLACE = re.compile(r"\{([a-z_]+)\}")


def places(*texts: str) -> list[str]:
    """The parameters that texts ask for, in the order of their first place."""
    return list(dict.fromkeys(name for each in texts for name in _PLACE.findall(each)))


def filled(template: str, parameters: Mapping[str, str]) -> str:
    """The text with its parameters; they are not looked into for places of their own."""
    return _PLACE.sub(lambda match: parameters.get(match[1], ""), template)


def missing(wanted: Iterable[str], given: Mapping[str, str]) -> list[str]:
    return [name for name in wanted if name not in given]
