"""Makes the demo company in `data/` from the SimBench-derived county and a list of administrative divisions.

    python examples/gaoping/make.py SOURCE SIMBENCH_WHEEL

SOURCE holds `line_loss/`, `simbench/` and `divisions/`; SIMBENCH_WHEEL is simbench-1.6.3-py3-none-any.whl, from
which only the coordinates of the medium-voltage nodes are taken. NOTICE.md says what this program changes. It draws no
reading and changes none: registers and curves are copied, as decimals, with their dates moved ten years on.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import names
import readings
from network import Network, Row, read_network, rows_of

COMPANY = "1405810"
COUNTY = "140581"
YEARS_ON = 10

# Station, the township (by code and name) that it is named after, and the feeders that it looks after.
STATIONS: tuple[tuple[int, str, str, str, tuple[str, ...]], ...] = (
    (1, "140581101", "米山镇", "Mishan", ("F1",)),
    (2, "140581102", "三甲镇", "Sanjia", ("F2", "F3")),
    (3, "140581109", "寺庄镇", "Sizhuang", ("F4", "F5")),
    (4, "140581107", "马村镇", "Macun", ("F6",)),
    (5, "140581106", "河西镇", "Hexi", ("F7",)),
    (6, "140581104", "陈区镇", "Chenqu", ("F8",)),
)
STANDARD_KVA = (
    50,
    80,
    100,
    125,
    160,
    200,
    250,
    315,
    400,
    500,
    630,
    800,
    1000,
    1250,
    1600,
    2000,
    2500,
    3150,
    4000,
    5000,
)
TARIFF_CLASS = {
    "resident": "resident",
    "agriculture": "agricultural",
    "general_commercial": "general_single_part",
    "large_industry_mv": "two_part_capacity",
    "generator": "generation",
}
CUSTOMER_KIND = {
    "resident": "resident",
    "agriculture": "farm",
    "general_commercial": "business",
    "large_industry_mv": "industry",
    "generator": "generator",
}
HOUSEHOLD_PV_BELOW_KW = Decimal(30)
HIGH_VOLTAGE = ("mv_customer", "mv_generator")


class Company:
    """The county in the terms of the public import: one method a file, rows in the order of the source."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        loss = folder / "line_loss"
        self.areas, self.feeders, self.users, self.events = (
            rows_of(loss / f"{name}.csv") for name in ("areas", "feeders", "customers", "events")
        )
        self.network: Network = read_network(folder / "simbench", wheel, self.areas, self.users)
        self.readings = readings.Readings(loss, YEARS_ON)
        self.station_of_feeder = {feeder: station for station in STATIONS for feeder in station[4]}
        self.village_of_area = self._villages(folder)
        self.ratio = {user["meter_no"]: user["ct_ratio"] for user in self.users}
        self.ratio |= {area["gateway_meter"]: area["gateway_ct_ratio"] for area in self.areas}
        self.ratio |= {feeder["head_meter"]: feeder["ct_pt_ratio"] for feeder in self.feeders}
        # The source states no ratio for a meter put in during the month: an exchange leaves the transformers in place.
        self.ratio |= {event["new_meter"]: self.ratio[event["old_meter"]] for event in self.events}

    def _villages(self, folder: Path) -> dict[str, str]:
        """A village for every area, each once, from the township of its station, in the order of their codes."""
        waiting: dict[str, Iterator[str]] = {}
        of_township: dict[str, list[str]] = {}
        for row in rows_of(folder / "divisions" / "villages_shanxi.csv.gz"):
            if row["areaCode"] == COUNTY:
                short = row["name"].removesuffix("居委会").removesuffix("委会")
                of_township.setdefault(row["streetCode"], []).append(short)
        for station in STATIONS:
            waiting[station[1]] = iter(of_township[station[1]])
        return {area["tg_no"]: next(waiting[self.station_of_feeder[area["feeder_no"]][1]]) for area in self.areas}

    def org(self, feeder_no: str) -> str:
        """The station that looks after a feeder; a user on the substation's own busbar belongs to the company."""
        station = self.station_of_feeder.get(feeder_no)
        return f"{COMPANY}.{station[0]:02d}" if station else COMPANY

    def account_no(self, user: Row) -> str:
        station = self.station_of_feeder.get(user["feeder_no"])
        return names.account_number(station[0] if station else 0, int(user["cons_no"][1:]))

    def feeder_no(self, user: Row) -> str:
        return user["feeder_no"] if user["feeder_no"] in self.station_of_feeder else ""

    def name_and_industry(self, user: Row) -> tuple[str, str]:
        key, category = user["cons_no"], user["category"]
        if category == "resident":
            return names.person(key), ""
        if category == "large_industry_mv":
            return names.industry(key)
        if category == "generator":
            household = user["kind"] == "pv_full_feed" and Decimal(user["pv_kw"]) < HOUSEHOLD_PV_BELOW_KW
            return (names.person(key), "") if household else names.generator(key, user["profile"])
        return names.business(key, user["profile"], self.village_of_area[user["tg_no"]])

    def address(self, user: Row) -> str:
        key, station = user["cons_no"], self.station_of_feeder.get(user["feeder_no"])
        town = f"山西省晋城市高平市{station[2] if station else '东城街道'}"
        if not user["tg_no"]:
            return f"{town}工业路{names.number(key, 'house', 300) + 1}号"
        village = self.village_of_area[user["tg_no"]]
        return f"{town}{village}{names.number(key, 'group', 9) + 1}组{names.number(key, 'house', 120) + 1}号"

    def opened_on(self, user: Row) -> date:
        return date(2012, 1, 1) + timedelta(days=names.number(user["cons_no"], "opened", 13 * 365))

    # --- files ----------------------------------------------------------------------------------------------------

    def organisations(self) -> Iterator[Row]:
        yield {
            "org_code": COMPANY, "name": "高平市供电公司", "name_en": "Gaoping Power Supply Company", "kind": "company",
            "parent_code": "", "address": "山西省晋城市高平市东城街道", "phone": names.phone(COMPANY), "source_id": "",
        }  # fmt: skip
        for serial, _, town, town_en, feeders in STATIONS:
            code = f"{COMPANY}.{serial:02d}"
            yield {
                "org_code": code, "name": f"{town.removesuffix('镇')}供电所", "name_en": f"{town_en} Supply Station",
                "kind": "station", "parent_code": COMPANY, "address": f"山西省晋城市高平市{town}",
                "phone": names.phone(code), "source_id": " ".join(feeders),
            }  # fmt: skip

    def feeder_rows(self) -> Iterator[Row]:
        for feeder in self.feeders:
            number = feeder["feeder_no"]
            station = self.station_of_feeder[number]
            which = "一二三"[station[4].index(number)]
            yield {
                "feeder_no": number, "name": f"20kV{station[2].removesuffix('镇')}{which}线",
                "org_code": self.org(number),
                "voltage_kv": "20", "head_meter_no": feeder["head_meter"], "head_multiplier": feeder["ct_pt_ratio"],
                "source_id": number,
            }  # fmt: skip

    def area_rows(self) -> Iterator[Row]:
        for area in self.areas:
            number = area["tg_no"]
            node = self.network.node_of_area[number]
            yield {
                "area_no": number, "name": f"{self.village_of_area[number]}公变台区",
                "org_code": self.org(area["feeder_no"]),
                "feeder_no": area["feeder_no"], "transformer_kva": area["transformer_kva"],
                "no_load_loss_kw": area["no_load_loss_kw"], "gateway_meter_no": area["gateway_meter"],
                "gateway_multiplier": area["gateway_ct_ratio"], "node_no": node["node_no"],
                "x_m": node["x_m"], "y_m": node["y_m"], "source_id": number,
            }  # fmt: skip

    def customer_rows(self) -> Iterator[Row]:
        for user in self.users:
            name, industry = self.name_and_industry(user)
            yield {
                "account_no": self.account_no(user), "name": name, "kind": CUSTOMER_KIND[user["category"]],
                "tariff_class": TARIFF_CLASS[user["category"]], "industry_code": industry,
                "address": self.address(user),
                "phone": names.phone(user["cons_no"]), "org_code": self.org(user["feeder_no"]), "status": "active",
                "opened_on": self.opened_on(user).isoformat(), "source_id": user["cons_no"],
            }  # fmt: skip

    def voltage_kv(self, user: Row) -> str:
        if user["kind"] in HIGH_VOLTAGE:
            return "20"
        return "0.22" if max(Decimal(user["contract_kw"]), Decimal(user["pv_kw"])) <= 8 else "0.38"

    def contract_rows(self) -> Iterator[Row]:
        """Supply for who takes energy, purchase for who delivers some; a household with solar has both."""
        for user in self.users:
            account_no, generates = self.account_no(user), user["pv_mode"] != ""
            common = {
                "account_no": account_no, "voltage_kv": self.voltage_kv(user),
                "effective_from": self.opened_on(user).isoformat(), "source_id": user["cons_no"],
            }  # fmt: skip
            if user["category"] != "generator":
                capacity = str(capacity_kva(user)) if user["kind"] == "mv_customer" else ""
                yield {
                    "contract_no": f"GY{account_no}", "kind": "supply", "tariff_class": TARIFF_CLASS[user["category"]],
                    "contract_kw": user["contract_kw"], "capacity_kva": capacity, "pv_kw": "",
                    "settlement_mode": "agency",
                } | common  # fmt: skip
            if generates:
                yield {
                    "contract_no": f"GS{account_no}", "kind": "purchase", "tariff_class": "generation",
                    "contract_kw": "",
                    "capacity_kva": "", "pv_kw": user["pv_kw"],
                    "settlement_mode": {"surplus": "surplus_feed_in", "full": "full_feed_in"}[user["pv_mode"]],
                } | common  # fmt: skip

    def meter_rows(self) -> Iterator[Row]:
        put_in = {event["new_meter"]: moved(event["time"]).date() for event in self.events}
        opened = {user["meter_no"]: self.opened_on(user) for user in self.users}
        high_voltage = {user["meter_no"] for user in self.users if user["kind"] in HIGH_VOLTAGE}
        high_voltage |= {feeder["head_meter"] for feeder in self.feeders}
        for meter_no, ratio in sorted(self.ratio.items()):
            since = opened.get(meter_no, date(2015, 1, 1))
            # Between the account's opening and the last day before the first reading.
            days = (date(2026, 3, 31) - since).days
            installed = put_in.get(meter_no, since + timedelta(days=names.number(meter_no, "installed", days)))
            kind = "high_voltage" if meter_no in high_voltage else "direct" if ratio == "1" else "current_transformer"
            yield {
                "meter_no": meter_no, "kind": kind, "multiplier": ratio, "integer_digits": "6",
                "decimal_digits": str(self.readings.decimal_digits[meter_no]), "installed_on": installed.isoformat(),
                "source_id": meter_no,
            }  # fmt: skip

    def point_rows(self) -> Iterator[Row]:
        for user in self.users:
            account_no, node = self.account_no(user), self.network.node_of_user.get(user["cons_no"])
            common = {
                "account_no": account_no, "area_no": user["tg_no"], "feeder_no": self.feeder_no(user),
                "org_code": self.org(user["feeder_no"]), "meter_no": user["meter_no"], "multiplier": user["ct_ratio"],
                "voltage_kv": self.voltage_kv(user), "node_no": node["node_no"] if node else "",
                "source_id": user["cons_no"],
            }  # fmt: skip
            solar = {"pv_kw": user["pv_kw"], "pv_mode": user["pv_mode"]}
            if user["category"] != "generator":
                plain = {"pv_kw": "", "pv_mode": ""}
                yield {"point_no": f"{account_no}01", "role": "sale", "register": "fwd"} | plain | common
            if user["pv_mode"] == "surplus":
                yield {"point_no": f"{account_no}02", "role": "export", "register": "rev"} | solar | common
            if user["pv_mode"] == "full":
                yield {"point_no": f"{account_no}01", "role": "full_feed_in", "register": "rev"} | solar | common
        for area in self.areas:
            yield {
                "point_no": f"{area['tg_no']}-G", "role": "gateway", "register": "net", "account_no": "",
                "area_no": area["tg_no"], "feeder_no": area["feeder_no"], "org_code": self.org(area["feeder_no"]),
                "meter_no": area["gateway_meter"], "multiplier": area["gateway_ct_ratio"], "voltage_kv": "0.38",
                "pv_kw": "", "pv_mode": "", "node_no": self.network.node_of_area[area["tg_no"]]["node_no"],
                "source_id": area["gateway_meter"],
            }  # fmt: skip
        for feeder in self.feeders:
            yield {
                "point_no": f"{feeder['feeder_no']}-H", "role": "feeder_head", "register": "net", "account_no": "",
                "area_no": "", "feeder_no": feeder["feeder_no"], "org_code": self.org(feeder["feeder_no"]),
                "meter_no": feeder["head_meter"], "multiplier": feeder["ct_pt_ratio"], "voltage_kv": "20",
                "pv_kw": "", "pv_mode": "", "node_no": self.network.busbar_no, "source_id": feeder["head_meter"],
            }  # fmt: skip

    def exchange_rows(self) -> Iterator[Row]:
        account_of = {user["cons_no"]: self.account_no(user) for user in self.users}
        for event in self.events:
            yield {
                "point_no": f"{account_of[event['cons_no']]}01", "old_meter_no": event["old_meter"],
                "new_meter_no": event["new_meter"], "exchanged_at": f"{moved(event['time']).isoformat()}+08:00",
                "old_final_fwd_kwh": event["old_final_fwd"], "new_start_fwd_kwh": event["new_start_fwd"],
                "new_multiplier": self.ratio[event["new_meter"]], "source_id": event["cons_no"],
            }  # fmt: skip


def capacity_kva(user: Row) -> int:
    """The standard transformer that carries the contracted power at a power factor of 0.9; the source has kW only."""
    needed = Decimal(user["contract_kw"]) / Decimal("0.9")
    return next(size for size in STANDARD_KVA if size >= needed)


def moved(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(year=instant.year + YEARS_ON)


def write_csv(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("simbench_wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    company = Company(arguments.source, arguments.simbench_wheel)
    files = {
        "organisations": company.organisations(),
        "network_nodes": iter(company.network.nodes),
        "network_lines": iter(company.network.lines),
        "feeders": company.feeder_rows(),
        "areas": company.area_rows(),
        "customers": company.customer_rows(),
        "contracts": company.contract_rows(),
        "meters": company.meter_rows(),
        "points": company.point_rows(),
        "meter_exchanges": company.exchange_rows(),
    }
    totals: list[Row] = []
    for name, iterator in files.items():
        rows = list(iterator)
        columns = [column for column in rows[0] if column != "source_id"] + ["source_id"]
        write_csv(arguments.out / f"{name}.csv", rows, columns)
        totals.append({"file": f"{name}.csv", "rows": str(len(rows)), "column": "", "total": ""})
    totals += company.readings.write(arguments.out)
    write_csv(arguments.out / "control_totals.csv", totals, ("file", "rows", "column", "total"))


if __name__ == "__main__":
    main()
