"""Printed documents (单据排版): a PDF page with the Chinese font of this machine, for bills and receipts.

No font is shipped: a CJK font weighs more than the product. The usual packages are looked for; DENGHUO_FONT names another file.
"""

import os
import pathlib
from dataclasses import dataclass
from datetime import datetime

from fpdf import FPDF

from denghuo.kernel.problem import Unavailable, text

FONT = "denghuo"
FONT_VARIABLE = "DENGHUO_FONT"


@dataclass(frozen=True)
class Face:
    """A font file; `number` is the place of the simplified Chinese face in a collection."""

    path: str
    number: int = 0


REGULAR = (
    Face("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    Face("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    Face("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    Face("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Face("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    Face("/usr/share/fonts/truetype/arphic/uming.ttc"),
    Face("/System/Library/Fonts/STHeiti Medium.ttc"),
)
BOLD = tuple(Face(face.path.replace("Regular", "Bold"), face.number) for face in REGULAR if "Noto" in face.path)


def font() -> Face:
    """The font for Chinese text.

    Raises:
        Unavailable: none of the known files is here; the text says what to install.
    """
    named = os.environ.get(FONT_VARIABLE)
    for face in (Face(named),) if named else REGULAR:
        if pathlib.Path(face.path).is_file():
            return face
    raise Unavailable(
        text(
            f"服务器上没有中文字体，无法生成 PDF。请安装 fonts-noto-cjk，或用环境变量 {FONT_VARIABLE} 指定字体文件。",
            f"This server has no Chinese font, so no PDF can be made. Install fonts-noto-cjk or name a font file in "
            f"{FONT_VARIABLE}.",
        ),
        part="font",
        retry_after_s=600,
    )


class Sheet(FPDF):
    """A document whose only font family, FONT, can show Chinese and Latin text, regular and bold."""

    def __init__(self, title: str, made_at: datetime, size_mm: tuple[float, float] = (210, 297), margin_mm: float = 14):
        super().__init__(unit="mm", format=size_mm)
        face = font()
        bold = next((other for other in BOLD if pathlib.Path(other.path).is_file()), face)
        self.add_font(FONT, "", face.path, collection_font_number=face.number)
        self.add_font(FONT, "B", bold.path, collection_font_number=bold.number)
        self.set_title(title)
        self.set_creator("Denghuo 灯火")
        self.set_creation_date(made_at)
        self.set_margin(margin_mm)
        self.set_auto_page_break(True, margin_mm)
        self.add_page()
        self.set_font(FONT, size=9)

    def file(self) -> bytes:
        return bytes(self.output())
