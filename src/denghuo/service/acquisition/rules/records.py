"""What of a batch of terminals or meters the records take, judged against what is known."""

from collections.abc import Mapping, Sequence
from typing import Literal

from denghuo.kernel.batch import RefusedItem, refused
from denghuo.kernel.contract import label_of
from denghuo.service.acquisition.api import NewTerminal, NewTerminalMeter
from denghuo.service.acquisition.rules.registers import wrong_registers

Verdict = Literal["new", "unchanged"] | RefusedItem
DIGITS = {"gdw3761": 9, "dlt698": 12, "dlms": 12, "hdlc": 12, "iec104": 12, "dlt645": 12, "mqtt": 12, "modbus": 12}
DIALLED = frozenset(("dlms", "hdlc", "iec104", "dlt645", "modbus"))
"""Protocols of those that are dialled, so that their records say where."""
UNITS = range(1, 248)
"""Addresses that a Modbus meter may have."""
ADDRESS_MAX = 65_534
"""The highest terminal address of Q/GDW 376.1; 65535 calls all."""


def judge_terminals(
    items: Sequence[NewTerminal], known: Mapping[str, NewTerminal], endpoints: Mapping[str, str]
) -> list[Verdict]:
    """For each terminal: new, unchanged, or why it is refused. A repeat within the batch counts as known. `endpoints`: network
    addresses in small letters, with the terminal in use at each."""
    seen, taken = dict(known), dict(endpoints)
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        before = seen.get(item.terminal_no)
        if before == item:
            verdicts.append("unchanged")
        elif before is not None:
            field = next(name for name in NewTerminal.model_fields if getattr(before, name) != getattr(item, name))
            label = label_of(NewTerminal, field)
            verdicts.append(
                refused(
                    place,
                    item.terminal_no,
                    field,
                    getattr(item, field),
                    (
                        f"终端地址重复：已登记，{label.zh}不同",
                        f"duplicate terminal: it is registered with another {label.en.lower()}",
                    ),
                    ("请核对地址；更正档案请办理终端变更", "check the address; correct the record by a change"),
                )
            )
        elif len(item.terminal_no) != DIGITS[item.protocol] or (
            item.protocol == "gdw3761" and not 0 < int(item.terminal_no[4:]) <= ADDRESS_MAX
        ):
            verdicts.append(
                refused(
                    place,
                    item.terminal_no,
                    "terminal_no",
                    item.terminal_no,
                    ("地址不合该规约", "the address does not fit the protocol"),
                    (
                        "376.1 为区划码4位加地址5位（00001至65534），其他规约为12位",
                        "376.1 has a region of 4 digits and an address 00001..65534, the others have 12 digits",
                    ),
                )
            )
        elif (item.protocol in DIALLED) != (item.endpoint is not None):
            verdicts.append(
                refused(
                    place,
                    item.terminal_no,
                    "endpoint",
                    item.endpoint or "",
                    (
                        "直连表、厂站和串口服务器须有网络地址，终端则没有",
                        "a direct meter, station or gateway is dialled at a network address, a terminal dials us",
                    ),
                    ("请填写主机:端口，或去掉网络地址", "give host:port, or leave it out"),
                )
            )
        elif (item.protocol == "iec104") != (item.count_wh is not None):
            verdicts.append(
                refused(
                    place,
                    item.terminal_no,
                    "count_wh",
                    item.count_wh or "",
                    (
                        "104 厂站须说明每计数电量，其他规约自带单位",
                        "a 104 station tells no units, the other protocols do",
                    ),
                    ("请按厂站点表填写，或去掉", "take it from the station's list of points, or leave it out"),
                )
            )
        elif (wrong := wrong_registers(item.protocol, item.registers)) is not None:
            verdicts.append(refused(place, item.terminal_no, "registers", wrong.value, wrong.what, wrong.remedy))
        elif item.endpoint is not None and item.endpoint.lower() in taken:
            verdicts.append(endpoint_refused(place, item, taken[item.endpoint.lower()]))
        else:
            seen[item.terminal_no] = item
            if item.endpoint is not None:
                taken[item.endpoint.lower()] = item.terminal_no
            verdicts.append("new")
    return verdicts


def endpoint_refused(place: int, item: NewTerminal, by: str | None) -> RefusedItem:
    """Two at one network address would talk into each other. `by`: who has it; None: a terminal that the caller does not see."""
    zh, en = (by, by) if by is not None else ("其他单位的终端", "a terminal of another unit")
    return refused(
        place,
        item.terminal_no,
        "endpoint",
        item.endpoint,
        (f"网络地址已由 {zh} 使用", f"the network address is that of {en}"),
        (
            "请核对网络地址；同一地址后的电能表登记在同一终端下，换下的终端先停运",
            "check the address; meters behind one address belong to one terminal, and one that was replaced is stopped first",
        ),
    )


def judge_meters(
    items: Sequence[NewTerminalMeter],
    terminals: Mapping[str, NewTerminal],
    by_meter: Mapping[str, NewTerminalMeter],
    by_place: Mapping[tuple[str, int], NewTerminalMeter],
) -> list[Verdict]:
    """For each meter: new, unchanged, or why it is refused. `terminals`: the known ones the caller sees."""
    meters, places = dict(by_meter), dict(by_place)
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        held, there = meters.get(item.meter_no), places.get((item.terminal_no, item.number))
        if held == item:
            verdicts.append("unchanged")
        elif item.terminal_no not in terminals:
            what = ("终端未建档", "the terminal is not in the records")
            remedy = ("请先登记终端", "register it first")
            verdicts.append(refused(place, item.meter_no, "terminal_no", item.terminal_no, what, remedy))
        elif held is not None:
            where = f"{held.terminal_no}/{held.number}"
            what = (f"该表已在 {where}", f"the meter is at {where} already")
            remedy = ("请核对表号", "check the meter")
            verdicts.append(refused(place, item.meter_no, "meter_no", item.meter_no, what, remedy))
        elif there is not None:
            what = (f"该测量点已有表 {there.meter_no}", f"the measuring point has meter {there.meter_no} already")
            remedy = ("请核对测量点号", "check the measuring point")
            verdicts.append(refused(place, item.meter_no, "number", item.number, what, remedy))
        elif terminals[item.terminal_no].protocol == "modbus" and int(item.address) not in UNITS:
            what = ("Modbus 单元号为 1 至 247", "a Modbus unit is 1 to 247")
            remedy = ("请按表计设置填写，前面补零", "give that of the meter, with zeros before it")
            verdicts.append(refused(place, item.meter_no, "address", item.address, what, remedy))
        else:
            meters[item.meter_no] = places[item.terminal_no, item.number] = item
            verdicts.append("new")
    return verdicts
