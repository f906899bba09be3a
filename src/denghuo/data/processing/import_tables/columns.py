"""What the columns of several tables are made of, and how a column is stated."""

from decimal import Decimal

from denghuo.data.processing.import_columns import Code, Kind, Number, Words
from denghuo.data.processing.importing import Column
from denghuo.kernel.problem import text

IDENTIFIER = Words(longest=32, pattern=r"[0-9A-Za-z][0-9A-Za-z._-]*", example="5810100000019")
NAME = Words(longest=120)
ADDRESS = Words(longest=240)
MULTIPLIER = Number(least=Decimal(1), most=Decimal(1_000_000))
KILOWATT = Number(places=3, most=Decimal(10_000_000), unit="kW", summed=True)
KILOVOLT_AMPERE = Number(places=3, most=Decimal(10_000_000), unit="kVA", summed=True)
REGISTER = Number(places=4, most=Decimal(99_999_999), unit="kWh", summed=True)
METRE = Number(least=Decimal(-10_000_000), most=Decimal(10_000_000), unit="m")
VOLTAGE_LEVEL = Code(
    {
        level: text(f"{level}千伏", f"{level} kV")
        for level in ("0.22", "0.38", "6", "10", "20", "35", "66", "110", "220", "330", "500")
    }
)
TARIFF_CLASS = Code(
    {
        "resident": text("居民生活", "residential"),
        "agricultural": text("农业生产", "agricultural"),
        "general_single_part": text("一般工商业单一制", "business, single part"),
        "two_part_capacity": text("两部制(按容量)", "two-part by capacity"),
        "two_part_demand": text("两部制(按需量)", "two-part by demand"),
        "generation": text("发电上网", "generation"),
    }
)
ORG_CODE = Words(longest=32, pattern=r"[0-9A-Z]+(\.[0-9A-Z]+)*", example="1405810.01")


def column(name: str, kind: Kind, zh: str, en: str, required: bool = True) -> Column:
    return Column(name, kind, text(zh, en), required)


def optional(name: str, kind: Kind, zh: str, en: str) -> Column:
    return column(name, kind, zh, en, required=False)


ORG = column("org_code", ORG_CODE, "单位编码", "organisation")
SOURCE = optional("source_id", Words(longest=120), "来源标识", "identifier in the system it came from")
