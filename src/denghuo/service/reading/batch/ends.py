"""Start and end of every channel: as entered by hand, noted at an exchange, read, reported by its customer, or estimated."""

from collections.abc import Mapping, Sequence

import numpy as np

from denghuo.service.reading.batch.plan import DAY_US, NONE, Flags, Ints, PlanPiece, Window, us
from denghuo.service.reading.batch.run import share_of
from denghuo.service.reading.rules import Rule, estimated_boundary, modulus_e4


class Ends:
    """Start and end of every channel. own: what customers reported, sent: what other systems estimated and how they say so, both by
    key and instant; they take part in nothing but the ends, and only where nothing else was read."""

    def __init__(
        self,
        window: Window,
        pieces: Sequence[PlanPiece],
        channels: Sequence[tuple[int, str, str]],
        channel_key: Ints,
        raw: Ints,
        manual: Flags,
        elsewhere: Mapping[tuple[int, int], tuple[int, bool]],
        own: Mapping[tuple[int, int], int],
        sent: Mapping[tuple[int, int], tuple[int, str | None]],
        rules: Mapping[str, Rule],
    ) -> None:
        count = len(channels)
        self.from_us = np.array([us(pieces[place].from_at) for place, _, _ in channels], dtype=np.int64)
        self.to_us = np.array([us(pieces[place].to_at) for place, _, _ in channels], dtype=np.int64)
        columns = np.arange(window.count)
        low = (self.from_us - window.first_us) // DAY_US + 1
        high = (self.to_us - window.first_us - 1) // DAY_US
        self.inside: Flags = (columns >= low[:, None]) & (columns <= high[:, None])
        self.value = np.full((count, 2), NONE, dtype=np.int64)
        self.method = [["none", "none"] for _ in range(count)]
        noted_at: set[tuple[int, int]] = set()
        self.days = np.zeros(count, dtype=np.int64)
        self.self_read: Flags = np.zeros(count, dtype=np.bool_)
        self.mark: list[list[str | None]] = [[None, None] for _ in range(count)]
        for side, at_us in enumerate((self.from_us, self.to_us)):
            for row, (place, quantity, band) in enumerate(channels):
                at = int(at_us[row])
                found = self._found(window, raw[row], manual[row], elsewhere.get((int(channel_key[row]), at)), at)
                noted = noted_register(pieces[place], quantity, band, side)
                if found is not None and (noted is None or found[1] == "manual"):
                    self.value[row, side], self.method[row][side] = found
                elif noted is not None:
                    self.value[row, side], self.method[row][side] = noted, "actual"
                    noted_at.add((row, side))
                elif (int(channel_key[row]), at) in own:
                    self.value[row, side], self.method[row][side] = own[int(channel_key[row]), at], "self_read"
                    self.self_read[row] = True
        reported = _by_column(window, channel_key, own)
        if "sender" in rules:
            self._as_sent(window, channel_key, reported, sent, rules)
        if "missing" in rules:
            self._estimate(window, pieces, channels, raw, reported, rules)
        self.source = [
            ["noted" if (row, side) in noted_at else method for side, method in enumerate(methods)]
            for row, methods in enumerate(self.method)
        ]

    @staticmethod
    def _found(
        window: Window, raw: Ints, manual: Flags, elsewhere: tuple[int, bool] | None, at: int
    ) -> tuple[int, str] | None:
        if elsewhere is not None:
            return elsewhere[0], "manual" if elsewhere[1] else "actual"
        column, beside = divmod(at - window.first_us, DAY_US)
        if beside or not 0 <= column < window.count or raw[column] < 0:
            return None
        return int(raw[column]), "manual" if manual[column] else "actual"

    def _as_sent(
        self,
        window: Window,
        channel_key: Ints,
        own: Mapping[int, Mapping[int, int]],
        sent: Mapping[tuple[int, int], tuple[int, str | None]],
        rules: Mapping[str, Rule],
    ) -> None:
        """At the ends of months, where the customer reported nothing about them either."""
        for side, (at_us, borders) in enumerate(((self.from_us, window.starts_us), (self.to_us, (window.end_us,)))):
            for row in np.flatnonzero((self.value[:, side] < 0) & np.isin(at_us, borders)).tolist():
                border = int(at_us[row])
                found = sent.get((int(channel_key[row]), border))
                if found is not None and not _near(own.get(row, {}), (border - window.first_us) // DAY_US, rules):
                    self.value[row, side], self.mark[row][side] = found
                    self.method[row][side] = "sender"

    def _estimate(
        self,
        window: Window,
        pieces: Sequence[PlanPiece],
        channels: Sequence[tuple[int, str, str]],
        raw: Ints,
        own: Mapping[int, Mapping[int, int]],
        rules: Mapping[str, Rule],
    ) -> None:
        """Only at the ends of months: at an exchange inside them there is no line to lie on."""
        share, missing = share_of(rules), rules["missing"].parameters
        for side, (at_us, borders) in enumerate(((self.from_us, window.starts_us), (self.to_us, (window.end_us,)))):
            for row in np.flatnonzero((self.value[:, side] < 0) & np.isin(at_us, borders)).tolist():
                piece, border = pieces[channels[row][0]], int(at_us[row])
                other = int((self.to_us if side == 0 else self.from_us)[row])
                shown, parameters, at = raw[row].copy(), missing, (border - window.first_us) // DAY_US
                reported = _near(own.get(row, {}), at, rules)
                if reported and side == 1:
                    # Whoever reports has a meter that sends nothing: the line begins wherever a register is known.
                    parameters = {**missing, "gap_days_max": window.count}
                    begin, beside = divmod(int(self.from_us[row]) - window.first_us, DAY_US)
                    if self.value[row, 0] >= 0 and not beside:
                        shown[begin] = self.value[row, 0]
                for column, value in reported.items():
                    shown[column] = value if shown[column] < 0 else shown[column]
                # Beyond the other end another meter may hang there, or this one elsewhere.
                limit = (other - window.first_us) // DAY_US
                if side == 0 and other != window.end_us:
                    shown[limit + 1 :] = NONE
                elif side == 1 and other not in window.starts_us:
                    shown[: limit + (1 if (other - window.first_us) % DAY_US else 0)] = NONE
                found = estimated_boundary(
                    [int(value) if value >= 0 else None for value in shown],
                    at,
                    parameters,
                    modulus_e4(piece.integer_digits),
                    int(10 ** (4 - piece.decimal_digits)),
                    share,
                )
                if found is not None:
                    self.value[row, side], self.method[row][side] = found.value_e4, found.method
                    self.days[row] += found.days
                    self.self_read[row] |= bool(reported)


def _by_column(window: Window, channel_key: Ints, own: Mapping[tuple[int, int], int]) -> dict[int, dict[int, int]]:
    """What customers reported at midnights, by row and column."""
    found: dict[int, dict[int, int]] = {}
    for (key, at), value in own.items():
        column, beside = divmod(at - window.first_us, DAY_US)
        if not beside and 0 <= column < window.count:
            for row in np.flatnonzero(channel_key == key).tolist():
                found.setdefault(row, {})[column] = value
    return found


def _near(reported: Mapping[int, int], at: int, rules: Mapping[str, Rule]) -> Mapping[int, int]:
    """What was reported about a reading day. When that may be is its unit's to say; here it is as far as any may."""
    if "self_read" not in rules:
        return {}
    most = rules["self_read"].parameters["days_most"]
    return {column: value for column, value in reported.items() if abs(column - at) <= most}


def noted_register(piece: PlanPiece, quantity: str, band: str, side: int) -> int | None:
    """The register that an exchange record states for the beginning (0) or the end (1) of a piece."""
    if band != "total" or quantity not in ("active_fwd", "active_rev"):
        return None
    if quantity == "active_fwd":
        return piece.final_e4 if side else piece.start_e4
    return piece.final_rev_e4 if side else piece.start_rev_e4
