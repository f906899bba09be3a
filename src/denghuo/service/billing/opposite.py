"""The opposite of a rated bill (红字账单): the same lines with every energy, quantity and amount negated. Pure."""

from denghuo.kernel.fields import TextPair
from denghuo.service.billing.lines import BillLine, Rated


def opposite(rated: Rated) -> Rated:
    """What takes a rated bill back; prices, documents and remarks stay."""
    return rated.model_copy(
        update={
            "energy_wh": -rated.energy_wh,
            "tiers_wh": [-energy for energy in rated.tiers_wh],
            "lines": [opposite_line(line) for line in rated.lines],
            "total": -rated.total,
        }
    )


def opposite_line(line: BillLine) -> BillLine:
    """A line taken back. Its steps are those of the line that it takes back; its sentence says so."""
    return line.model_copy(
        update={
            "quantity_milli": None if line.quantity_milli is None else -line.quantity_milli,
            "amount": -line.amount,
            "sentence": TextPair(zh=f"冲销：{line.sentence.zh}", en=f"Taken back: {line.sentence.en}"),
            "arithmetic": f"-({line.arithmetic})",
        }
    )
