"""Columns of a file of lots: what each holds, and how a cell is read."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from cellwright.model.quantities import Measure

_WHOLE = re.compile(r"[+-]?\d{1,19}(?:\.0*)?")
_TEXT_MAX: Final = 128
_EXACT_MAX: Final = 2.0**53
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YES: Final = frozenset({"true", "yes", "y", "1"})
_NO: Final = frozenset({"false", "no", "n", "0"})

Read = Callable[[Any], Any]
"""Returns the value of a cell that is not empty; raises ValueError with what was expected instead."""


class Problem(Struct, frozen=True, order=True):
    """What is wrong with a file, what was expected, and what to do; line 0 and column "" = the file as a whole."""

    line: int
    column: str
    text: str


class Column(Struct, frozen=True):
    """A column: what an empty cell means, how another is read, and what it says; `required` = never empty."""

    read: Read
    default: Any
    meaning: str
    required: bool = False


def read_text(cell: Any) -> str:
    """Return a code or name; a spreadsheet may hold it as a whole number."""
    text = str(_whole_number(cell)) if isinstance(cell, int | float) else cell
    if not isinstance(text, str) or len(text) > _TEXT_MAX or any(each < " " or each == "\x7f" for each in text):
        raise ValueError(f"a text of at most {_TEXT_MAX} characters without control characters; shorten or clean it")
    return text


def read_whole(cell: Any) -> int:
    """Return a whole number."""
    return _whole_number(cell)


def _whole_number(cell: Any) -> int:
    if isinstance(cell, str) and _WHOLE.fullmatch(cell):
        return int(cell.partition(".")[0])
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= _EXACT_MAX:
        return int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    raise ValueError("a whole number such as 1500, in the lot's measure, without separators; convert the unit")


def read_measure(cell: Any) -> Measure:
    """Return in what a lot is counted."""
    try:
        return Measure(cell.lower() if isinstance(cell, str) else cell)
    except ValueError:
        raise ValueError(f"one of {', '.join(Measure)}; convert the quantities and stretches to it") from None


def read_truth(cell: Any) -> bool:
    """Return yes or no."""
    word = str(cell).lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("true or false")


def read_moment(cell: Any) -> int:
    """Return a time with its zone as UTC microseconds."""
    expected = "a time with its zone such as 2027-01-31T08:00:00+08:00 or 2027-01-31T00:00:00Z; add the zone"
    try:
        moment = datetime.fromisoformat(cell) if isinstance(cell, str) else cell
    except ValueError:
        raise ValueError(expected) from None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError(expected)
    return (moment - _EPOCH) // timedelta(microseconds=1)


COLUMNS: Final[Mapping[str, Column]] = {
    "lot": Column(read_text, "", "Code of the lot; a lot with several parents takes as many lines", required=True),
    "material": Column(read_text, "", "What it is: a code of `materials.toml`, or any other word", required=True),
    "measure": Column(read_measure, Measure.COUNT, "In what it is counted: `mm`, `mg` or `count`", required=True),
    "quantity": Column(read_whole, 0, "How much it was when it was whole, in its measure; empty = nobody knows"),
    "remaining": Column(read_whole, 0, "What of it is in stock here: its end; empty = nothing"),
    "supplier": Column(read_text, "", "Code of the supplier; empty = none"),
    "made_at": Column(read_moment, 0, "When it was made, with time zone; empty = nobody knows"),
    "parent": Column(read_text, "", "Code of a lot that it was made of; empty = none is known"),
    "parent_start": Column(read_whole, None, "Where the stretch begins on the parent; empty = nobody recorded it"),
    "parent_end": Column(read_whole, None, "Where it ends on the parent (not included)"),
    "lot_start": Column(read_whole, None, "Where that stretch begins on the lot; empty = nobody recorded it"),
    "lot_end": Column(read_whole, None, "Where it ends on the lot (not included)"),
    "lane": Column(read_whole, 0, "Lane of the parent, counted from 1; empty = the whole width"),
    "reversed": Column(read_truth, False, "`true` when the lot runs against its parent; empty = it does not"),
    "tolerance": Column(read_whole, 0, "How far the ends may be off, in the parent's measure; empty = not at all"),
}
"""The columns of a file in their order; those up to `made_at` speak of the lot, the others of one of its parents."""

OF_LOT: Final = tuple(COLUMNS)[: tuple(COLUMNS).index("parent")]
OF_PARENT: Final = tuple(COLUMNS)[len(OF_LOT) :]


def is_empty(cell: Any) -> bool:
    """Tell whether a cell says nothing."""
    return cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell))


def shown(cell: Any) -> str:
    """Return a cell as a message shows it."""
    text = repr(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."
