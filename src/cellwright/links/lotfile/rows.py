"""Rows of a file of lots, whatever its format: CSV, JSON lines or Parquet."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from cellwright.links.lotfile.columns import COLUMNS, Problem, is_empty, shown

SIZE_MAX: Final = 1 << 29
"""Bytes of a file that are read: some millions of lines."""

_REQUIRED: Final = tuple(name for name, column in COLUMNS.items() if column.required)
_BATCH: Final = 10_000


class Row(Struct, frozen=True):
    """A line (of a Parquet file: a row, counted from 1) with its cells that are not empty."""

    line: int
    cells: Mapping[str, Any]


class Rows(Struct, frozen=True):
    """What a file holds, what is wrong with it, and the SHA-256 of its bytes: its identity."""

    sha256: bytes
    rows: list[Row]
    problems: list[Problem]


class _NoTableError(Exception):
    """The file cannot be read any further, for the reason of `problem`."""

    def __init__(self, line: int, text: str) -> None:
        """Remember where and why."""
        super().__init__(text)
        self.problem = Problem(line, "", text)


def read_rows(path: Path) -> Rows:
    """Return the rows of a file; what cannot be read is among the problems. Raises OSError."""
    size = path.stat().st_size
    if size > SIZE_MAX:
        text = f"the file has {size:,} bytes, at most {SIZE_MAX:,} are read; cut it where no lot's lines are parted"
        return Rows(b"", [], [Problem(0, "", text)])
    content = path.read_bytes()
    rows: list[Row] = []
    problems: list[Problem] = []
    try:
        rows.extend(_reader_of(path.suffix)(content, problems))
    except _NoTableError as error:
        problems.append(error.problem)
    if not rows and not problems:
        problems.append(Problem(0, "", "the file holds no lots; export it again, with a line for each lot"))
    return Rows(hashlib.sha256(content).digest(), rows, problems)


def _reader_of(suffix: str) -> "_Reader":
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise _NoTableError(0, f"the file's name ends in {suffix!r}; save it as one of {', '.join(_READERS)}")
    return reader


def _check_names(names: Sequence[str], line: int) -> Iterator[Problem]:
    """Yield what is wrong with the columns of a table."""
    for name in dict.fromkeys(names):
        if name not in COLUMNS:
            yield Problem(line, name, f"no such column; rename or remove it: the columns are {', '.join(COLUMNS)}")
        elif names.count(name) > 1:
            yield Problem(line, name, "this column stands there twice; keep one of them")
    for name in _REQUIRED:
        if name not in names:
            yield Problem(line, name, f"this column is missing; every file has {', '.join(_REQUIRED)}")


def _named(line: int, names: Iterable[str], cells: Iterable[Any]) -> Row:
    stripped = (
        (name, cell.strip() if isinstance(cell, str) else cell) for name, cell in zip(names, cells, strict=False)
    )
    return Row(line, {name: cell for name, cell in stripped if name in COLUMNS and not is_empty(cell)})


# --- CSV --------------------------------------------------------------------------------------------


def _read_csv(content: bytes, problems: list[Problem]) -> Iterator[Row]:
    text = _decoded(content)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    for line, cells in _numbered(reader):
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = [cell.strip() for cell in cells]
            problems.extend(_check_names(names, line))
            continue
        if len(cells) != len(names):
            text = f"{len(cells)} cells under {len(names)} columns; give each line as many, empty ones included"
            problems.append(Problem(line, "", text))
        else:
            yield _named(line, names, cells)


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the line on which each begins."""
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _NoTableError(line, f"no CSV: {error}; close every quotation mark, and double those inside") from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _NoTableError(line, f"byte {error.start} is not UTF-8; save the file as UTF-8 text") from error


# --- JSON lines -------------------------------------------------------------------------------------


def _read_json(content: bytes, problems: list[Problem]) -> Iterator[Row]:
    for line, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            cells = msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problems.append(
                Problem(line, "", f"no JSON object: {error}; write one object a line, with no line break in it")
            )
            continue
        problems.extend(each for each in _check_names(list(cells), line) if each.column in cells)
        yield _named(line, cells.keys(), cells.values())


# --- Parquet ----------------------------------------------------------------------------------------


def _read_parquet(content: bytes, problems: list[Problem]) -> Iterator[Row]:
    try:
        table = parquet.ParquetFile(pa.BufferReader(content))
        problems.extend(_check_names(table.schema_arrow.names, 0))
        names = [name for name in table.schema_arrow.names if name in COLUMNS]
        line = 0
        for batch in table.iter_batches(_BATCH, columns=names):
            for cells in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                line += 1
                yield _named(line, names, cells)
    except (pa.ArrowException, OSError) as error:
        raise _NoTableError(0, f"no Parquet: {shown(str(error))}; export the file again") from error


_Reader = Callable[[bytes, list[Problem]], Iterator[Row]]

_READERS: Final[dict[str, _Reader]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json,
    ".ndjson": _read_json,
    ".parquet": _read_parquet,
}
