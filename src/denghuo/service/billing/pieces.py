"""Pieces of the month in their other forms: as rating takes them, and as they are stored with a bill."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from denghuo.kernel.values import Energy, Multiplier, Register
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.lines import MeteredPiece


def metered(piece: Piece) -> MeteredPiece:
    """A piece of the month's energy as bills keep it."""
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
        began_at=piece.from_at if (piece.quantity, piece.method) == ("demand", "curve") else None,
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


def piece_of(row: Mapping[str, Any], piece: Mapping[str, Any]) -> Piece:
    """A register of a bill as it was metered: the inverse of `piece_json`."""
    return Piece(
        point_no=piece["point_no"],
        account_no=row["account_no"],
        area_no=row["area_no"],
        role="sale" if row["kind"] == "supply" else "export",
        meter_no=piece["meter_no"],
        piece=piece["piece"],
        quantity=piece["quantity"],
        band=piece["band"],
        from_at=datetime.fromisoformat(piece["from_at"]),
        to_at=datetime.fromisoformat(piece["to_at"]),
        start_e4=None if piece["start"] is None else Register.of(piece["start"]).e4,
        end_e4=None if piece["end"] is None else Register.of(piece["end"]).e4,
        multiplier=int(piece["multiplier"]),
        energy_wh=None if piece["energy"] is None else Energy.of(piece["energy"]).wh,
        status=piece["status"],
        rule=piece["rule"],
        method=piece["method"],
        days_estimated=piece["days_estimated"],
    )
