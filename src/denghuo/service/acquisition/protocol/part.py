"""A frame field by field: every part with its place in the bytes, its name in both languages and its value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from denghuo.kernel.problem import Text


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes [start, end) of a frame. `parts` are its own fields, in order, inside the same bytes; what `value` says in words it
    says in both tongues (`words.spoken`)."""

    start: int
    end: int
    name: Text
    value: str = ""
    unit: str = ""
    parts: "Sequence[Part]" = ()

    def walk(self, depth: int = 0) -> "Iterator[tuple[int, Part]]":
        yield depth, self
        for part in self.parts:
            yield from part.walk(depth + 1)

    def moved(self, by: int) -> "Part":
        """The same part where its frame lies `by` bytes further on inside another."""
        inner = tuple(part.moved(by) for part in self.parts)
        return Part(self.start + by, self.end + by, self.name, self.value, self.unit, inner)
