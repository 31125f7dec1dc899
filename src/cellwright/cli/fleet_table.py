"""Frames of GB/T 32960 as a table in a Parquet file."""

import datetime as dt
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from cellwright.links.gb32960.described import Described, Said
from cellwright.links.gb32960.fields import Number
from cellwright.links.gb32960.frames import Decoded
from cellwright.links.gb32960.tables import UNITS, Edition

_PLAIN: Final = ("vehicle", "position", "alarms", "extremes")
"""Units whose numbers have columns of their own, `unit_field`."""
_TEXTS: Final = ("vehicle_state", "charge_state", "running_mode", "dcdc_state", "datum")


def _plain_columns() -> dict[str, pa.DataType]:
    """Return the columns of the plain units: those of either edition."""
    columns: dict[str, pa.DataType] = {}
    for table in (table for edition in Edition for table in UNITS[edition].values() if table.name in _PLAIN):
        names = [each.name for each in table.fields if isinstance(each, Number) and not each.name.endswith("_count")]
        columns |= {f"{table.name}_{name}": pa.string() if name in _TEXTS else pa.float64() for name in names}
    return columns


_NUMBERS: Final = _plain_columns()
SCHEMA: Final = pa.schema(
    {
        "edition": pa.int16(),
        "command": pa.string(),
        "answer": pa.string(),
        "vin": pa.string(),
        "encryption": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
        "bcc_ok": pa.bool_(),
        "status": pa.string(),
        "problems": pa.list_(pa.string()),
        **_NUMBERS,
        "alarms": pa.list_(pa.string()),
        "cells_mv": pa.list_(pa.int32()),
        "probes_c": pa.list_(pa.int32()),
        "units_json": pa.string(),
        "raw": pa.binary(),
    }
)


class FrameTable:
    """Writes frames to a file, a row each, cells and probes of all sub-systems in one list each; no path = nowhere."""

    def __init__(self, path: Path | None) -> None:
        """Open the file; an older one of that name is replaced."""
        self._writer = None if path is None else pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, frames: list[Decoded], described: list[Described]) -> None:
        """Write frames and what they say."""
        if self._writer is not None:
            rows = [_row(frame, each) for frame, each in zip(frames, described, strict=True)]
            self._writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def _row(frame: Decoded, described: Described) -> dict[str, object]:
    row: dict[str, object] = {
        name: getattr(described, name)
        for name in ("edition", "command", "answer", "vin", "encryption", "bcc_ok", "status", "problems")
    }
    row["status"] = str(described.status)
    row["time"] = None if described.time is None else dt.datetime.fromisoformat(described.time)
    for unit in _PLAIN:
        said = described.units.get(unit, {})
        row |= {f"{unit}_{name}": _fitting(value, f"{unit}_{name}") for name, value in said.items()}
    row["alarms"] = described.units.get("alarms", {}).get("alarms")
    row["cells_mv"] = _joined(described.units, "voltages", "cells_mv")
    row["probes_c"] = _joined(described.units, "temperatures", "probes_c")
    row["units_json"] = msgspec.json.encode(described.units).decode()
    row["raw"] = frame.raw
    return row


def _fitting(value: object, column: str) -> object:
    """Return a value for its column; a name beside numbers has no place there, and a number beside names is told as text."""
    kind = _NUMBERS.get(column)
    if kind == pa.string():
        return None if value is None else str(value)
    return value if isinstance(value, int | float) else None


def _joined(units: dict[str, Said], unit: str, name: str) -> list[object] | None:
    subsystems = units.get(unit, {}).get("subsystems")
    if not isinstance(subsystems, list):
        return None
    return [value for each in subsystems for value in each[name]]
