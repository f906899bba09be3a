"""Pieces of the month in their other forms: as rating takes them, and as they are stored with a bill."""

from denghuo.kernel.values import Energy, Multiplier, Register
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.lines import MeteredPiece


def metered(piece: Piece) -> MeteredPiece:
    return MeteredPiece(
        point_no=piece.point_no,
        meter_no=piece.meter_no,
        piece=piece.piece,
        quantity=piece.quantity,  # type: ignore[arg-type]  # text of the dataset, validated here
        band=piece.band,  # type: ignore[arg-type]
        start=None if piece.start_e4 is None else Register(piece.start_e4),
        end=None if piece.end_e4 is None else Register(piece.end_e4),
        multiplier=Multiplier(piece.multiplier),
        value_milli=piece.energy_wh,
        status=piece.status,  # type: ignore[arg-type]
        method=piece.method,
        estimated_days=piece.days_estimated,
    )


def piece_json(piece: Piece) -> dict[str, object]:
    """A piece as it is stored with a bill or with what is held."""
    return {
        "point_no": piece.point_no,
        "meter_no": piece.meter_no,
        "piece": piece.piece,
        "quantity": piece.quantity,
        "band": piece.band,
        "from_at": piece.from_at.isoformat(),
        "to_at": piece.to_at.isoformat(),
        "start": None if piece.start_e4 is None else str(Register(piece.start_e4)),
        "end": None if piece.end_e4 is None else str(Register(piece.end_e4)),
        "multiplier": str(piece.multiplier),
        "energy": None if piece.energy_wh is None else str(Energy(piece.energy_wh)),
        "status": piece.status,
        "method": piece.method,
        "days_estimated": piece.days_estimated,
        "rule": piece.rule,
    }
