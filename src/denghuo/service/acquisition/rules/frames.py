"""What is shown of a frame."""

from collections.abc import Sequence

from denghuo.kernel.fields import TextPair
from denghuo.service.acquisition.api import Decoded, DecodedFrame, FrameField
from denghuo.service.acquisition.protocol.catalogue import Explained
from denghuo.service.acquisition.protocol.words import tongues


def shown(raw: bytes, pieces: Sequence[Explained], limit: int) -> Decoded:
    """The pieces of `raw` with at most `limit` fields in all, the first ones."""
    frames: list[DecodedFrame] = []
    told = left_off = 0
    for piece in pieces:
        fields = [
            FrameField(
                start=part.start,
                end=part.end,
                depth=depth,
                name=TextPair(**part.name),
                value=TextPair(**tongues(part.value)),
                unit=part.unit,
            )
            for outer in piece.parts
            for depth, part in outer.walk()
        ]
        kept = fields[: limit - told]
        told += len(kept)
        left_off += len(fields) - len(kept)
        frames.append(
            DecodedFrame.model_validate(
                {
                    "protocol": piece.protocol.code if piece.protocol else None,
                    "start": piece.start,
                    "end": piece.end,
                    "fields": kept,
                }
            )
        )
    return Decoded(bytes=raw.hex().upper(), size=len(raw), frames=frames, left_off=left_off)
