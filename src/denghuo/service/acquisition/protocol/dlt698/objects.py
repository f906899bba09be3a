"""Objects of DL/T 698.45 by their identifier: names, and what a number of theirs counts (data/objects.csv, attributes.csv)."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from denghuo.kernel.problem import Text
from denghuo.service.acquisition.protocol.words import named, rows

UNKNOWN: Text = {"zh": "未知对象", "en": "unknown object"}
DARS: Mapping[int, Text] = {
    0: {"zh": "成功", "en": "success"},
    1: {"zh": "硬件失效", "en": "hardware fault"},
    2: {"zh": "暂时失效", "en": "temporary fault"},
    3: {"zh": "拒绝读写", "en": "access denied"},
    4: {"zh": "对象未定义", "en": "object undefined"},
    5: {"zh": "对象接口类不符合", "en": "another class"},
    6: {"zh": "对象不存在", "en": "object does not exist"},
    7: {"zh": "类型不匹配", "en": "type does not match"},
    8: {"zh": "越界", "en": "out of bounds"},
    9: {"zh": "数据块不可用", "en": "block unavailable"},
    10: {"zh": "分帧传输已取消", "en": "transfer by fragments cancelled"},
    11: {"zh": "不处于分帧传输状态", "en": "no transfer by fragments"},
    12: {"zh": "块写取消", "en": "writing by blocks cancelled"},
    13: {"zh": "不存在块写状态", "en": "no writing by blocks"},
    14: {"zh": "数据块序号无效", "en": "number of the block not valid"},
    15: {"zh": "密码错/未授权", "en": "wrong password or not authorised"},
    16: {"zh": "通信速率不能更改", "en": "the speed cannot be changed"},
    17: {"zh": "年时区数超", "en": "too many year zones"},
    18: {"zh": "日时段数超", "en": "too many day periods"},
    19: {"zh": "费率数超", "en": "too many tariffs"},
    20: {"zh": "安全认证不匹配", "en": "security does not match"},
    21: {"zh": "重复充值", "en": "top-up repeated"},
    22: {"zh": "ESAM验证失败", "en": "ESAM verification failed"},
    23: {"zh": "安全认证失败", "en": "authentication failed"},
    24: {"zh": "客户编号不匹配", "en": "customer number does not match"},
    25: {"zh": "充值次数错误", "en": "wrong count of top-ups"},
    26: {"zh": "购电超囤积", "en": "beyond the prepaid limit"},
    27: {"zh": "地址异常", "en": "address out of order"},
    28: {"zh": "对称解密错误", "en": "symmetric decryption failed"},
    29: {"zh": "非对称解密错误", "en": "asymmetric decryption failed"},
    30: {"zh": "签名错误", "en": "wrong signature"},
    31: {"zh": "电能表挂起", "en": "meter suspended"},
    32: {"zh": "时间标签无效", "en": "time tag not valid"},
    33: {"zh": "请求超时", "en": "request timed out"},
    34: {"zh": "ESAM的P1P2不正确", "en": "P1P2 of the ESAM wrong"},
    35: {"zh": "ESAM的LC错误", "en": "LC of the ESAM wrong"},
    36: {"zh": "比对失败", "en": "comparison failed"},
    255: {"zh": "其它", "en": "other"},
}


class Scale(NamedTuple):
    """A count of this attribute is in 10**-decimals `unit`."""

    decimals: int
    unit: str


class Kind(NamedTuple):
    """An object: its class, its name, the scales of its attributes by number."""

    interface: int
    name: Text
    scales: Mapping[int, Scale]


@cache
def objects() -> Mapping[str, Kind]:
    """All objects of the table by OI, four lower-case digits."""
    found = {}
    for row in rows(__package__, "objects.csv"):
        scales = {}
        for attribute, said in zip((2, 4), row["scales"].split(";"), strict=False):
            if said:
                decimals, _, unit = said.partition(" ")
                scales[attribute] = Scale(-int(decimals), unit)
        found[row["oi"].lower()] = Kind(int(row["class"]), named(row["zh"]), scales)
    return found


@cache
def _attributes() -> Mapping[tuple[int, int], Text]:
    return {(int(row["class"]), int(row["attribute"])): named(row["zh"]) for row in rows(__package__, "attributes.csv")}


def name_of(oad: str) -> Text:
    """What an OAD (8 digits) or OI (4 digits) is: object, attribute, element; `UNKNOWN` where the table has no such object."""
    kind = objects().get(oad[:4].lower())
    if kind is None:
        return UNKNOWN
    if len(oad) < 8:
        return kind.name
    attribute, index = int(oad[4:6], 16) & 0x1F, int(oad[6:8], 16)
    said = _attributes().get((kind.interface, attribute))
    zh, en = kind.name["zh"], kind.name["en"]
    if said:
        zh, en = f"{zh} {said['zh']}", f"{en}, {said['en']}"
    elif attribute:
        zh, en = f"{zh} 属性{attribute}", f"{en}, attribute {attribute}"
    return {"zh": f"{zh} [{index}]" if index else zh, "en": f"{en} [{index}]" if index else en}


def method_of(omd: str) -> Text:
    """What an OMD (8 digits) is: object and method."""
    kind = objects().get(omd[:4].lower())
    name = kind.name if kind else UNKNOWN
    method = int(omd[4:6], 16)
    return {"zh": f"{name['zh']} 方法{method}", "en": f"{name['en']}, method {method}"}


def scale_of(oad: str) -> Scale | None:
    """What the numbers of an OAD count; None where the table does not fix it."""
    kind = objects().get(oad[:4].lower())
    return kind.scales.get(int(oad[4:6], 16) & 0x1F) if kind else None
