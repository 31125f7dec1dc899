"""A file of a cycler: the samples of any number of tests as Parquet, a row each, and all that is wrong with it."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.links.contract import LinkError
from cellwright.model.samples import TIME_US_LIMIT, CurvePoints

COLUMNS: Final = pa.schema(
    [
        ("unit", pa.string()),
        ("operation", pa.string()),
        ("attempt", pa.int64()),
        ("channel", pa.string()),
        ("program", pa.string()),
        ("version", pa.string()),
        ("start_us", pa.int64()),
        ("step", pa.int64()),
        ("t_s", pa.float64()),
        ("i_a", pa.float64()),
        ("u_v", pa.float64()),
        ("temp_c", pa.float64()),
    ]
)
"""Of a file; others are passed over. The first seven are the same in all rows of a test."""
_HEAD: Final = ("unit", "operation", "attempt", "channel", "program", "version", "start_us")
_WHOLE: Final = frozenset({"attempt", "start_us"})
_NEEDED: Final = frozenset({"unit", "operation"})
_ROWS_MAX: Final = 4_000_000
_STEP_MAX: Final = 32_767
_TEXT_MAX: Final = 128
_US_PER_S: Final = 1_000_000
_LONGEST_S: Final = 1e9
_PROBLEMS_MAX: Final = 20


class FileRefusedError(LinkError):
    """A file of a cycler is not what is expected; `problems` says each time where, what was expected, what to do."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the sentences."""
        super().__init__("; ".join(problems))
        self.problems = problems


class UnreadableError(FileRefusedError):
    """A file is no whole Parquet file: it is damaged, or not written to its end yet."""


class CyclerTest(Struct, frozen=True):
    """One test of one unit; `unit` is the printed code, `attempt` counts the tests of the unit in the operation from 1."""

    unit: str
    operation: str
    attempt: int
    channel: str
    program: str
    version: str
    start_us: int


class CyclerFile(Struct, frozen=True, eq=False):
    """The tests of a file: the samples of test k are at [ends[k - 1], ends[k]). `digest` is SHA-256 of the file, hex."""

    digest: str
    tests: tuple[CyclerTest, ...]
    ends: NDArray[np.int64]
    points: CurvePoints


def read_file(path: Path) -> CyclerFile:
    """Read a file. Raises FileRefusedError with what is wrong in it, OSError when it cannot be read at all."""
    data = path.read_bytes()
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        text = f"{path.name} is no whole Parquet file ({error}); write it under another name, and rename it when it is done"
        raise UnreadableError([text]) from error
    _refuse(_shape_problems(table))
    columns = {name: _column(table, name) for name in COLUMNS.names}
    starts = _test_starts(columns)
    tests = tuple(_test(columns, int(row)) for row in starts)
    ends = np.append(starts[1:], table.num_rows).astype(np.int64)
    _refuse([*_row_problems(columns, starts), *_test_problems(tests, starts)])
    return CyclerFile(hashlib.sha256(data).hexdigest(), tests, ends, _points(columns))


def _refuse(problems: list[str]) -> None:
    if problems:
        more = len(problems) - _PROBLEMS_MAX
        raise FileRefusedError(problems[:_PROBLEMS_MAX] + ([f"and {more} more"] if more > 0 else []))


def _shape_problems(table: Any) -> list[str]:
    if missing := [name for name in COLUMNS.names if table.column_names.count(name) != 1]:
        expected = ", ".join(f"{each.name} ({each.type})" for each in COLUMNS)
        return [f"column {name}: is not there exactly once; expected {expected}" for name in missing]
    if not 0 < table.num_rows <= _ROWS_MAX:
        return [f"{table.num_rows} rows; expected 1 to {_ROWS_MAX}: write a file for each tray"]
    return [problem for name in COLUMNS.names for problem in _type_problems(table, name)]


def _type_problems(table: Any, name: str) -> Iterator[str]:
    wanted = COLUMNS.field(name).type
    try:
        column = table.column(name).cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        yield f"column {name}: is of type {table.column(name).type} ({error}); expected {wanted}"
        return
    if column.null_count and wanted != pa.float64():
        row = int(np.argmax(column.is_null().to_numpy()))
        yield f"row {row}, column {name}: is empty; expected a value in every row"


def _column(table: Any, name: str) -> NDArray[Any]:
    """Return a column, of which an empty measurement is NaN."""
    column = table.column(name).combine_chunks().cast(COLUMNS.field(name).type)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _test_starts(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    changed = np.zeros(len(columns["unit"]) - 1, dtype=np.bool_)
    for name in _HEAD:
        changed |= np.asarray(columns[name][1:] != columns[name][:-1], dtype=np.bool_)
    return np.concatenate([[0], np.flatnonzero(changed) + 1]).astype(np.int64)


def _test(columns: Mapping[str, NDArray[Any]], row: int) -> CyclerTest:
    return CyclerTest(*(columns[name][row].item() if name in _WHOLE else columns[name][row] for name in _HEAD))


def _row_problems(columns: Mapping[str, NDArray[Any]], starts: NDArray[np.int64]) -> Iterator[str]:
    steps, times_s = columns["step"], columns["t_s"]
    tests: dict[str, tuple[NDArray[np.bool_], str]] = {
        "step": ((steps < 1) | (steps > _STEP_MAX), f"a number from 1 to {_STEP_MAX}"),
        "t_s": (~((times_s >= 0) & (times_s < _LONGEST_S)), "seconds from the start of the test, 0 or more"),
    }
    for name in ("i_a", "u_v", "temp_c"):
        tests[name] = (np.isinf(columns[name]), "a finite number, or nothing where it was not measured")
    for name, (wrong, expected) in tests.items():
        if wrong.any():
            row = int(np.argmax(wrong))
            yield f"row {row}, column {name}: {columns[name][row]}; expected {expected} ({int(wrong.sum())} rows are wrong)"
    moments_us = np.nan_to_num(np.rint(times_s * _US_PER_S))
    stands = np.flatnonzero(np.diff(moments_us) <= 0) + 1
    stands = np.setdiff1d(stands, starts)
    if len(stands):
        row = int(stands[0])
        yield f"row {row}, column t_s: {times_s[row]} after {times_s[row - 1]}; expected times that rise within a test"


def _test_problems(tests: tuple[CyclerTest, ...], starts: NDArray[np.int64]) -> Iterator[str]:
    seen: set[tuple[str, str, int]] = set()
    for test, row in zip(tests, starts.tolist(), strict=True):
        for name in ("unit", "operation", "channel", "program", "version"):
            text = getattr(test, name)
            if (not text and name in _NEEDED) or len(text) > _TEXT_MAX or "\0" in text:
                yield f"row {row}, column {name}: {text[:40]!r}; expected 1 to {_TEXT_MAX} characters"
        if not 0 < test.attempt <= _STEP_MAX:
            yield f"row {row}, column attempt: {test.attempt}; expected which test of the unit in the operation it is, from 1"
        if not 0 <= test.start_us < TIME_US_LIMIT - int(_LONGEST_S) * _US_PER_S:
            yield f"row {row}, column start_us: {test.start_us}; expected UTC microseconds"
        key = (test.unit, test.operation, test.attempt)
        if key in seen:
            yield f"row {row}: test {test.attempt} of {test.unit} in {test.operation} begins again; expected its rows together"
        seen.add(key)


def _points(columns: Mapping[str, NDArray[Any]]) -> CurvePoints:
    times_us = columns["start_us"] + np.rint(columns["t_s"] * _US_PER_S).astype(np.int64)
    return CurvePoints(
        times_us=times_us,
        steps=columns["step"],
        voltages_v=columns["u_v"],
        currents_a=columns["i_a"],
        temperatures_c=columns["temp_c"],
        states=np.zeros(len(times_us), dtype=np.uint8),
    )
