"""Tables for other programs: any list of records as JSON, CSV, Excel workbook or Parquet."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa
import pyarrow.parquet
import xlsxwriter
from msgspec import Struct

_TIME = "_us"
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How texts begin that a spreadsheet would work out."""
_ROWS_MAX = 1_048_575
"""Rows of an Excel sheet below its header."""

MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


class Column(Struct, frozen=True):
    """A column: its key with the unit as suffix, and `number`, `whole`, `truth`, `time` or `text`."""

    key: str
    kind: str


class Table(Struct, frozen=True):
    """A named table; a cell is text, a number, a time in UTC us, or None for unknown."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]


class About(Struct, frozen=True):
    """Where an export comes from: address, plant, person and time (UTC us), for its first sheet."""

    address: str
    plant: str
    person: str
    made_us: int


def table_of(name: str, kind: type[Struct], records: Iterable[Struct]) -> Table:
    """Return records of one type as a table; what is itself a structure becomes JSON text."""
    columns = columns_of(kind)
    rows = [[_cell(getattr(record, column.key)) for column in columns] for record in records]
    return Table(name, columns, rows)


def columns_of(kind: type[Struct]) -> tuple[Column, ...]:
    """Return the columns of a record type."""
    return tuple(Column(key, _kind(key, hint)) for key, hint in get_type_hints(kind).items())


def facts_of(name: str, content: Any) -> Table:
    """Return an object as a table of its paths and values."""
    rows = list(_walk("", msgspec.to_builtins(content, builtin_types=())))
    return Table(name, (Column("path", "text"), Column("value", "text")), rows)


def _walk(path: str, content: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in pairs:
            yield from _walk(f"{path}.{key}" if path else str(key), value)
    else:
        yield path, None if content is None else str(content)


def _kind(key: str, hint: Any) -> str:
    if key.endswith(_TIME):
        return "time"
    hints = [each for each in _choices(hint) if each is not NoneType]
    kinds: dict[Any, str] = {bool: "truth", int: "whole", float: "number"}
    return kinds.get(hints[0], "text") if len(hints) == 1 else "text"


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _moment(value: int | None) -> datetime | None:
    """Return a time in UTC; 0 = never, and what no calendar holds is unknown."""
    if not value:
        return None
    try:
        return datetime.fromtimestamp(value / 1_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


# --- CSV ------------------------------------------------------------------------------------


def to_csv(table: Table, *, for_people: bool) -> bytes:
    """Return CSV (RFC 4180); for people with a byte-order mark, without which Excel garbles Chinese."""
    return csv_head(table, for_people=for_people) + csv_rows(table, for_people=for_people)


def csv_head(table: Table, *, for_people: bool) -> bytes:
    """Return the beginning of a CSV file: the mark for people, and the names of the columns."""
    text = io.StringIO()
    csv.writer(text).writerow(_header(table))
    return text.getvalue().encode("utf-8-sig" if for_people else "utf-8")


def csv_rows(table: Table, *, for_people: bool) -> bytes:
    """Return rows of a CSV file."""
    text = io.StringIO()
    columns = zip(table.columns, zip(*table.rows, strict=True), strict=True) if table.rows else ()
    written = [_written(column.kind, values, for_people=for_people) for column, values in columns]
    csv.writer(text).writerows(zip(*written, strict=True))
    return text.getvalue().encode()


def _written(kind: str, values: Sequence[Any], *, for_people: bool) -> Sequence[Any]:
    if kind == "time":
        return [moment.isoformat() if (moment := _moment(value)) else "" for value in values]
    if for_people and kind == "text":
        # A spreadsheet would take it for a formula.
        return ["'" + value if isinstance(value, str) and value.startswith(_FORMULAS) else value for value in values]
    return values


# --- Excel ----------------------------------------------------------------------------------


def to_xlsx(tables: Sequence[Table], about: About) -> bytes:
    """Return a workbook: what it is about, then a sheet per table with real dates, filter and frozen header."""
    file = io.BytesIO()
    options = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        _write_about(book.add_worksheet("About"), about, tables)
        for table in tables:
            _write_sheet(book, table)
    return file.getvalue()


def _write_sheet(book: Any, table: Table) -> None:
    head, date = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet(_sheet_name(table.name))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, min(len(table.rows), _ROWS_MAX)), max(0, len(table.columns) - 1))
    for index, name in enumerate(_header(table)):
        sheet.write_string(0, index, name, head)
    for number, row in enumerate(table.rows[:_ROWS_MAX], start=1):
        for index, column in enumerate(table.columns):
            _write_cell(sheet, (number, index), column.kind, row[index], date=date)


def _header(table: Table) -> list[str]:
    return [each.key.removesuffix(_TIME) + "_utc" if each.kind == "time" else each.key for each in table.columns]


def _sheet_name(name: str) -> str:
    return "".join(" " if each in "[]:*?/\\" else each for each in name)[:31]


def _write_about(sheet: Any, about: About, tables: Sequence[Table]) -> None:
    made = _moment(about.made_us)
    lines = [("address", about.address), ("plant", about.plant), ("person", about.person)]
    lines.append(("made (UTC)", made.isoformat() if made else "unknown"))
    for table in tables:
        cut = f"; cut to {_ROWS_MAX}, ask for Parquet instead" if len(table.rows) > _ROWS_MAX else ""
        lines.append((f"rows of {table.name}", f"{len(table.rows)}{cut}"))
    for number, (key, value) in enumerate(lines):
        sheet.write_string(number, 0, key)
        sheet.write_string(number, 1, value)


def _write_cell(sheet: Any, place: tuple[int, int], kind: str, value: Any, *, date: Any) -> None:
    if kind == "time":
        moment = _moment(value)
        if moment is not None and moment.year >= 1900:
            sheet.write_datetime(*place, moment.replace(tzinfo=None), date)
    elif isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, str) or (isinstance(value, int) and abs(value) > 2**53):
        sheet.write_string(*place, str(value)[:32_767])
    elif value is not None:
        sheet.write_number(*place, value)


# --- Parquet --------------------------------------------------------------------------------

_ARROW = {
    "number": pa.float64(),
    "whole": pa.int64(),
    "truth": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "text": pa.string(),
}


def to_parquet(table: Table) -> bytes:
    """Return a Parquet file with typed columns; times are timestamps in UTC."""
    file = io.BytesIO()
    pyarrow.parquet.write_table(arrow_of(table), file, compression="zstd")
    return file.getvalue()


def arrow_of(table: Table) -> pa.Table:
    """Return a table by column, typed; times are timestamps in UTC."""
    arrays, fields = [], []
    for index, column in enumerate(table.columns):
        values = [row[index] for row in table.rows]
        if column.kind == "time":
            values = [value or None for value in values]
        arrays.append(pa.array(values, type=_ARROW[column.kind]))
        fields.append(
            pa.field(column.key.removesuffix(_TIME) if column.kind == "time" else column.key, arrays[-1].type)
        )
    return pa.table(arrays, schema=pa.schema(fields))
