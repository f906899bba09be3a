"""Hashes and proofs: canonical JSON (RFC 8785), SHA-256, trees with the prefixes of RFC 6962 and 9162.

A bill, its readings, the digest of its tariff and a salt are a leaf of the tree of its issue run; the heads of a day's runs are the
leaves of the day's tree.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

LEAF, NODE = b"\x00", b"\x01"


def canonical(value: Any) -> bytes:
    """RFC 8785: keys in order, no blanks, UTF-8. Bill files hold no fractions outside text, so numbers are plain integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def leaf_hash(value: Any) -> bytes:
    return hashlib.sha256(LEAF + canonical(value)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads from the leaf at `index` of `size` (RFC 9162, 2.1.3.2); None where it cannot fit the tree."""
    if not 0 <= index < size:
        return None
    place, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place % 2 or place == last:
            reached = node_hash(sibling, reached)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            reached = node_hash(reached, sibling)
        place, last = place // 2, last // 2
    return reached if last == 0 else None
