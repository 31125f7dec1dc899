"""A stock of cells from a file, CSV or Parquet: every column looked at before anything is matched."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray
from pyarrow import csv, parquet

from cellwright.analysis.matching import Stock
from cellwright.errors import ConfigurationError


class Quantity(Struct, frozen=True):
    """A column of numbers: which are possible, what is expected, and how a wrong unit shows."""

    lower: float
    upper: float
    expected: str
    unit: str
    wrong_unit: str = ""


QUANTITIES: Final[Mapping[str, Quantity]] = {
    "capacity_ah": Quantity(0.05, 500.0, "ampere-hours such as 6.02", "Ah", "mAh"),
    "ocv_v": Quantity(0.5, 6.0, "volts such as 3.291", "V", "mV"),
    "dcir_ohm": Quantity(1e-5, 0.1, "ohms such as 0.0061", "ohm", "mOhm"),
    "k_mv_per_d": Quantity(-1000.0, 1000.0, "millivolts a day such as 0.021", "mV a day"),
    "age_d": Quantity(0.0, 36_500.0, "days such as 12.5, not negative", "days"),
}
CODES: Final = ("cell", "batch")
COLUMNS: Final = ("cell", "capacity_ah", "ocv_v", "dcir_ohm", "k_mv_per_d", "batch", "age_d")
HELD: Final = "held"
"""A column that may be absent: then no cell is held."""

_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


def read_stock(path: Path) -> Stock:
    """Return the cells of a file in the order of their codes; raises ConfigurationError with every problem, OSError."""
    table = _table(path)
    problems = [f"{path.name}: {each}" for each in _problems_of_columns(table)]
    if problems:
        raise ConfigurationError(problems)
    found: list[str] = []
    columns: dict[str, Any] = {name: _numbers(table[name], name, found) for name in QUANTITIES}
    columns["batch"] = _codes(table["batch"], "batch", found)
    columns["cells"] = _codes(table["cell"], "cell", found)
    columns["held"] = _held(table, found)
    if not found:
        found += _problems_of_cells(columns["cells"])
    if found:
        raise ConfigurationError([f"{path.name}: {each}" for each in found])
    return Stock(**columns).sorted()


# --- tables -----------------------------------------------------------------------------------------


def _table(path: Path) -> pa.Table:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigurationError(
            [f"{path.name}: the file's name ends in {path.suffix!r}; save it as one of {', '.join(_READERS)}"]
        )
    try:
        return reader(path)
    except pa.ArrowException as error:
        text = " ".join(str(error).split())[:200]
        kind = path.suffix[1:].upper()
        raise ConfigurationError([f"{path.name}: no {kind}: {text}; export the file again"]) from error


def _read_csv(path: Path) -> pa.Table:
    # Codes keep their zeros; numbers are read as text only where they are none.
    options = csv.ConvertOptions(column_types=dict.fromkeys(CODES, pa.string()), strings_can_be_null=True)
    table = csv.read_csv(path, convert_options=options)
    return table.rename_columns([name.strip().removeprefix("\ufeff") for name in table.column_names])


def _read_parquet(path: Path) -> pa.Table:
    names = parquet.read_schema(path).names
    return parquet.read_table(path, columns=[name for name in names if name in (*COLUMNS, HELD)])


_READERS: Final[dict[str, Callable[[Path], pa.Table]]] = {".csv": _read_csv, ".parquet": _read_parquet}


def _problems_of_columns(table: pa.Table) -> Iterator[str]:
    names = table.column_names
    for name in COLUMNS:
        if name not in names:
            yield f"{name}: this column is missing; add it: a stock has the columns {', '.join(COLUMNS)}"
        elif names.count(name) > 1:
            yield f"{name}: this column stands there twice; keep one of them"
    if not table.num_rows:
        yield "the file holds no cells; export it again, with a line for each cell"


# --- columns ----------------------------------------------------------------------------------------


def _numbers(column: pa.ChunkedArray, name: str, problems: list[str]) -> NDArray[np.float64]:
    """Return a column as numbers; what is wrong with it is added to the problems."""
    quantity = QUANTITIES[name]
    if not _is_number(column.type):
        problems.append(_text_problem(column, name, quantity))
        return np.empty(0)
    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64, copy=False)
    unknown = ~np.isfinite(values)
    wrong = ~unknown & ((values < quantity.lower) | (values > quantity.upper))
    if unknown.any():
        problems.append(
            f"{name}: {_count(unknown)} without a value, the first at {_row(unknown)}; "
            "measure these cells or leave them out"
        )
    elif wrong.any():
        problems.append(_range_problem(values, wrong, name))
    return values


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    )


def _text_problem(column: pa.ChunkedArray, name: str, quantity: Quantity) -> str:
    for row, value in enumerate(column.to_pylist(), 1):
        if not _reads_as_number(value):
            shown = repr(str(value)[:40])
            return (
                f"{name}: {shown} at row {row} is no number; expected {quantity.expected}: correct it or leave it out"
            )
    return f"{name}: the numbers are stored as text; export the column as numbers, {quantity.expected}"


def _reads_as_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _range_problem(values: NDArray[np.float64], wrong: NDArray[np.bool_], name: str) -> str:
    quantity = QUANTITIES[name]
    middle = float(np.median(values))
    row = int(np.flatnonzero(wrong)[0])
    if quantity.wrong_unit and quantity.lower <= middle / 1000 <= quantity.upper:
        return (
            f"{name}: {values[row]:g} at row {row + 1} and {middle:g} in the middle look like {quantity.wrong_unit}; "
            f"expected {quantity.expected}: divide the column by 1000"
        )
    return (
        f"{name}: {_count(wrong)} outside {quantity.lower:g} to {quantity.upper:g} {quantity.unit}, the first {values[row]:g} "
        f"at row {row + 1}; expected {quantity.expected}: convert the unit, or leave these cells out"
    )


def _codes(column: pa.ChunkedArray, name: str, problems: list[str]) -> NDArray[Any]:
    """Return codes as integers where all of them are, else as texts."""
    if column.null_count:
        missing = column.is_null().to_numpy()
        problems.append(
            f"{name}: {_count(missing)} without a code, the first at {_row(missing)}; give each cell its {name}"
        )
        return np.empty(0)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    texts = column.cast(pa.string())
    try:
        whole = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return np.asarray(texts.to_numpy())
    # Zeros before a number belong to the code.
    is_same = bool(pc.all(pc.equal(whole.cast(pa.string()), texts)).as_py())
    return np.asarray((whole if is_same else texts).to_numpy())


def _held(table: pa.Table, problems: list[str]) -> NDArray[np.bool_]:
    if HELD not in table.column_names:
        return np.zeros(table.num_rows, np.bool_)
    column = table[HELD]
    if pa.types.is_boolean(column.type) and not column.null_count:
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    words = ["" if each is None else str(each).strip().lower() for each in column.to_pylist()]
    for row, word in enumerate(words):
        if word not in _TRUTH:
            problems.append(
                f"{HELD}: {word[:40]!r} at row {row + 1} is neither true nor false; write true for a cell on hold"
            )
            break
    return np.array([_TRUTH.get(word, True) for word in words], dtype=np.bool_)


def _problems_of_cells(cells: NDArray[Any]) -> Iterator[str]:
    counted = pc.value_counts(pa.array(cells))
    twice = counted.filter(pc.greater(counted.field("counts"), 1))
    if len(twice):
        first = twice[0].as_py()
        codes = f"{len(twice):,} codes stand" if len(twice) > 1 else "1 code stands"
        yield (
            f"cell: {codes} there more than once, the first is {first['values']} ({first['counts']} times); "
            "keep one line for each cell, that of its last measurement"
        )


def _count(found: NDArray[np.bool_]) -> str:
    count = int(found.sum())
    return f"{count:,} cell" if count == 1 else f"{count:,} cells"


def _row(found: NDArray[np.bool_]) -> str:
    return f"row {int(np.flatnonzero(found)[0]) + 1}"
