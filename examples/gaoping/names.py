"""Invented names, addresses and numbers for the demo company.

Every choice is a function of (seed, identifier, purpose) through SHA-256: the same source gives the same company on any
machine, and a new customer does not rename the others. The people and firms do not exist; villages and townships do.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

SEED = "gaoping-1"
Item = TypeVar("Item")

SURNAMES = tuple("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎")
GIVEN_FIRST = tuple("明文志建国春秀玉海晓红永德家金小丽俊立长云福瑞庆雪梅桂兰青松林宏光新天佳思子雨梓浩欣宇晨")
GIVEN_LAST = tuple("华英平军芳强霞伟敏杰燕勇静涛丽峰斌娟波兰鹏慧亮萍辉琴龙洁飞凤刚玲成芬宁莲宝香良娥旺")
BRANDS_FIRST = tuple("晨星云禾瑞泽恒远嘉善润丰锦程弘泰和谷明盛")
BRANDS_LAST = tuple("灯禾川源达兴诚安茂逸通汇昌悦")

# What a load profile of the source stands for (SimBench: G0 business in general, G1 working days, G2 evenings, G3 round
# the clock, G4 shops and hairdressers, G5 bakeries, G6 weekends, L farms), and the class of GB/T 4754-2017 of an
# invented business of that kind.
LINES_OF_BUSINESS: dict[str, tuple[tuple[str, str], ...]] = {
    "G0": (("综合商店", "5211"), ("便利店", "5213")),
    "G1": (("口腔门诊部", "8425"), ("汽车修理部", "8111"), ("药房", "5251")),
    "G2": (("饭店", "6210"), ("快餐店", "6220"), ("歌厅", "9011")),
    "G3": (("冷库", "5930"), ("通信基站", "6312"), ("供水站", "4610")),
    "G4": (("超市", "5212"), ("理发店", "8040")),
    "G5": (("面包坊", "1411"), ("糕点铺", "1411")),
    "G6": (("民宿", "6130"), ("影院", "8760")),
    "L1": (("玉米种植合作社", "0113"),),
    "L2": (("生猪养殖场", "0313"), ("蛋鸡养殖场", "0321")),
}
INDUSTRIES: tuple[tuple[str, str], ...] = (
    ("铸造有限公司", "3391"),
    ("矿山机械有限公司", "3511"),
    ("缫丝有限公司", "1741"),
    ("水泥制品有限公司", "3021"),
    ("建筑砌块有限公司", "3031"),
    ("煤炭洗选有限公司", "0610"),
)
GENERATION: dict[str, tuple[str, str]] = {
    "PV": ("光伏发电有限公司", "4416"),
    "WP": ("风力发电有限公司", "4415"),
    "BM": ("生物质发电有限公司", "4417"),
    "Hy": ("水电站", "4413"),
}


def number(identifier: str, purpose: str, below: int) -> int:
    digest = hashlib.sha256(f"{SEED}/{purpose}/{identifier}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def pick(identifier: str, purpose: str, items: Sequence[Item]) -> Item:
    return items[number(identifier, purpose, len(items))]


def person(identifier: str) -> str:
    first = "" if number(identifier, "short name", 4) == 0 else pick(identifier, "given first", GIVEN_FIRST)
    return pick(identifier, "surname", SURNAMES) + first + pick(identifier, "given last", GIVEN_LAST)


def brand(identifier: str) -> str:
    return pick(identifier, "brand first", BRANDS_FIRST) + pick(identifier, "brand last", BRANDS_LAST)


def business(identifier: str, profile: str, place: str) -> tuple[str, str]:
    """Name and industry code of a low-voltage business or farm that stands at `place` (a village's short name)."""
    line, code = pick(identifier, "line of business", LINES_OF_BUSINESS[profile[:2]])
    return f"{place}{brand(identifier)}{line}", code


def industry(identifier: str) -> tuple[str, str]:
    line, code = pick(identifier, "industry", INDUSTRIES)
    return f"高平市{brand(identifier)}{line}", code


def generator(identifier: str, profile: str) -> tuple[str, str]:
    line, code = GENERATION[profile[:2]]
    return f"高平市{brand(identifier)}{line}", code


def phone(identifier: str) -> str:
    """Eleven digits that begin with 100: no mobile number in China does, so none of these can reach anybody."""
    return f"100{number(identifier, 'phone', 10**8):08d}"


def check_digit(digits: str) -> str:
    """ISO 7064 MOD 11,10 (GB/T 17710): one digit that detects every single error and nearly all swaps of neighbours."""
    product = 10
    for digit in digits:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def account_number(station: int, serial: int) -> str:
    """13 digits: 581 (the county's last three), station (2), serial (7), check digit (1)."""
    body = f"581{station:02d}{serial:07d}"
    return body + check_digit(body)
