"""Registers, curves and voltages of the demo company: the source's values as decimals, dates moved on, nothing else."""

from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.compute
import pyarrow.parquet

Row = dict[str, str]
ZONE = "Asia/Shanghai"


class Readings:
    """Reads the three Parquet files of the source; see `write` for what becomes of them."""

    def __init__(self, folder: Path, years_on: int) -> None:
        self._years_on = years_on
        registers = pyarrow.parquet.read_table(folder / "reads_midnight.parquet")
        self._registers = pyarrow.table(
            {
                "meter_no": text(registers["meter_no"]),
                "read_at": self._moved(registers["date"]),
                "fwd_kwh": exact(registers["fwd"], 4, 12),
                "rev_kwh": exact(registers["rev"], 4, 12),
            }
        )
        gateways = pyarrow.parquet.read_table(folder / "gateway_15min.parquet")
        self._gateways = pyarrow.table(
            {
                "area_no": text(gateways["tg_no"]),
                "at": self._moved(gateways["ts"]),
                "p_kw": exact(gateways["p_kw"], 2, 9),
                "q_kvar": exact(gateways["q_kvar"], 2, 9),
                "v_pu": exact(gateways["v_pu"], 4, 6),
            }
        )
        voltages = pyarrow.parquet.read_table(folder / "voltage_15min_2days.parquet")
        self._voltages = pyarrow.table(
            {
                "meter_no": text(voltages["meter_no"]),
                "at": self._moved(voltages["ts"]),
                "voltage_v": exact(voltages["v"], 1, 6),
            }
        )
        self.decimal_digits = self._digits()

    def _digits(self) -> dict[str, int]:
        """How many decimals a meter's registers show: the source rounds at 2, or at 4 behind current transformers."""
        digits: dict[str, int] = {}
        for meter_no, fwd, rev in zip(
            *(self._registers[name].to_pylist() for name in ("meter_no", "fwd_kwh", "rev_kwh")), strict=True
        ):
            shown = 2 if fwd == round(fwd, 2) and rev == round(rev, 2) else 4
            digits[meter_no] = max(digits.get(meter_no, 2), shown)
        return digits

    def _moved(self, column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
        """Same clock time, same calendar day, other year. The source states no zone: taken as Shanghai's clock."""
        moved = [
            instant.replace(year=instant.year + self._years_on) for instant in column.cast("timestamp[ms]").to_pylist()
        ]
        return pyarrow.compute.assume_timezone(pyarrow.chunked_array([pyarrow.array(moved, "timestamp[ms]")]), ZONE)

    def write(self, folder: Path) -> list[Row]:
        """Writes the three files, sorted by meter and time, and gives the control totals of their columns."""
        totals: list[Row] = []
        for name, table, key in (
            ("register_reads", self._registers, ["meter_no", "read_at"]),
            ("gateway_15min", self._gateways, ["area_no", "at"]),
            ("voltages", self._voltages, ["meter_no", "at"]),
        ):
            numeric = [field.name for field in table.schema if pyarrow.types.is_decimal(field.type)]
            pyarrow.parquet.write_table(
                table.sort_by([(column, "ascending") for column in key]),
                folder / f"{name}.parquet",
                compression="zstd",
                compression_level=19,
                use_dictionary=[key[0]],
                column_encoding={key[1]: "DELTA_BINARY_PACKED"} | dict.fromkeys(numeric, "DELTA_BINARY_PACKED"),
                store_decimal_as_integer=True,
                row_group_size=64 * 1024,
            )
            for column in numeric:
                total = pyarrow.compute.sum(
                    table[column].cast(pyarrow.decimal128(38, table.schema.field(column).type.scale))
                )
                totals.append(
                    {"file": f"{name}.parquet", "rows": str(len(table)), "column": column, "total": str(total)}
                )
        return totals


def text(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    return column.cast("string")


def exact(column: pyarrow.ChunkedArray, places: int, digits: int) -> pyarrow.ChunkedArray:
    """Binary fractions back to the decimals that they stand for.

    Raises ValueError where a value is farther from its decimal than the width of the source's own type explains, so
    nothing is rounded away unseen: float64 keeps 4 places of a register to 1e-9, float32 those of a voltage to 1e-6.
    """
    allowed = 1e-8 if column.type == pyarrow.float64() else 1e-6
    decimals = []
    for value in column.to_pylist():
        decimal = Decimal(value).quantize(Decimal(1).scaleb(-places))
        if abs(float(decimal) - value) > allowed * max(1.0, abs(value)):
            raise ValueError(f"{value!r} is no decimal of {places} places")
        decimals.append(decimal)
    return pyarrow.chunked_array([pyarrow.array(decimals, pyarrow.decimal128(digits, places))])
