"""XML of other systems, part by part, without letting a file hold more than a part of it in memory or reach outside."""

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from denghuo.kernel.problem import Text, text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Malformed
from denghuo.service.reading.foreign.limits import DEPTH_MAX, ELEMENTS_MAX, TOO_MUCH, Rationed


def parts(stream: BinaryIO, name: str) -> Iterator[Element]:
    """The elements of a name, whatever its namespace, in their order; what was read is let go.

    Raises:
        Malformed: it is no whole XML, names entities, or is too deep or too large in one part.
    """
    opened: list[Any] = []
    rationed = Rationed(stream)
    held = number = 0
    try:
        for event, element in iterparse(rationed, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                opened.append(element)
                held += 1
                if len(opened) > DEPTH_MAX or held > ELEMENTS_MAX:
                    raise _fault(number, local(element.tag), TOO_MUCH)
                continue
            opened.pop()
            if local(element.tag) == name:
                number += 1
                yield element
                held = 0
                rationed.renew()
                if opened:
                    del opened[-1][:]
    except DefusedXmlException as error:
        raise _fault(number, str(getattr(error, "name", None) or "DOCTYPE")[:80], _DECLARES) from error
    except (ParseError, ValueError) as error:
        raise _fault(number, str(error)[:80], _BROKEN) from error


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _fault(number: int, value: str, what: Text) -> Malformed:
    return Malformed(number, "XML", value, what, ASK_SENDER)


_BROKEN = text("不是完整的 XML", "it is no whole XML")
_DECLARES = text("含 DTD 或实体声明，不安全", "it declares a DTD or entities, which is not safe")
