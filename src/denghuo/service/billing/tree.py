"""Hash trees over issued bills: canonical JSON (RFC 8785), SHA-256 with the prefixes of RFC 6962, paths as in RFC 9162.

The nodes of a tree are kept level by level from the leaves, 32 bytes each. A last node without a sibling goes up as it is, which
gives the same root as the RFC's split at the largest power of two.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

SIZE = 32
_LEAF, _NODE = b"\x00", b"\x01"


def canonical(value: Any) -> bytes:
    """JSON with its keys in order and no blanks. Figures are text, so the numbers in it are plain integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def leaf(value: Mapping[str, Any]) -> bytes:
    """The hash of a bill's leaf, 32 bytes."""
    return hashlib.sha256(_LEAF + canonical(value)).digest()


def salt(secret: bytes, bill_no: str) -> str:
    """128 bits that only the holder of the bill is told, so that nobody guesses a neighbour's bill from the hash in a path."""
    return hmac.digest(secret, bill_no.encode(), "sha256")[:16].hex()


def nodes(leaves: bytes) -> bytes:
    """All levels of the tree over leaf hashes that stand one behind the other; at least one leaf."""
    if not leaves or len(leaves) % SIZE:
        raise ValueError(f"{len(leaves)} bytes are no leaves of {SIZE} bytes")
    levels, level = [leaves], leaves
    while len(level) > SIZE:
        pairs = [level[at : at + 2 * SIZE] for at in range(0, len(level), 2 * SIZE)]
        level = b"".join(hashlib.sha256(_NODE + two).digest() if len(two) == 2 * SIZE else two for two in pairs)
        levels.append(level)
    return b"".join(levels)


def root(tree: bytes) -> bytes:
    """The root of a stored tree, 32 bytes."""
    return tree[-SIZE:]


def path_places(size: int, place: int) -> list[int]:
    """Which nodes, counted through all levels, lead from the leaf at `place` of `size` leaves to the root."""
    if not 0 <= place < size:
        raise ValueError(f"there is no leaf {place} among {size}")
    found, begin = [], 0
    while size > 1:
        sibling = place ^ 1
        if sibling < size:
            found.append(begin + sibling)
        begin, size, place = begin + size, (size + 1) // 2, place // 2
    return found


def path(tree: bytes, size: int, place: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root, for a tree of so many leaves."""
    return [tree[at * SIZE : (at + 1) * SIZE] for at in path_places(size, place)]
