"""Grades by versioned rules: what grade each unit of a page gets, and why not a better one.

Grades are asked in order, and a unit gets the first whose limits it meets. A required characteristic that was not
measured leaves open whether a grade is met, so the unit has no grade until it is measured: it is neither rejected nor
passed on to a grade that asks for less. Where another limit of that grade is failed anyway, the open one does not
matter. This is the logic of three values of S. C. Kleene, Introduction to Metamathematics (1952), section 64.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Column = Sequence[float | None] | Floats


class Reject(Struct, frozen=True, kw_only=True):
    """A reason to reject a unit whatever its grade: it fails these limits. What is not measured rejects nothing."""

    code: str
    limits: tuple[Characteristic, ...]


class GradeRules(Struct, frozen=True, kw_only=True):
    """A version of the rules by which a product is graded: reasons to reject, then grades from the best on."""

    name: str
    version: int
    grades: tuple[Grade, ...]
    rejects: tuple[Reject, ...] = ()


class Outcome(StrEnum):
    """What became of a unit: it has a grade, is rejected, met no grade, or a measurement is missing."""

    GRADED = "graded"
    REJECTED = "rejected"
    NO_GRADE = "no_grade"
    UNKNOWN = "unknown"


class Failure(Struct, frozen=True):
    """The first limit that a unit failed: of which grade or reject, which characteristic, what was measured, the limit.

    `value` None = not measured. `bound` is "lower", "upper", or "" where nothing was measured or it was infinite.
    """

    of: str
    characteristic: str
    unit: str
    value: float | None
    bound: str
    limit: float | None


class Graded(Struct, frozen=True, kw_only=True):
    """Columns of a graded page: outcome, grade ("" = none), reject reason ("" = none), and why not a better grade.

    `failures` holds what decided: the limit that rejected, the measurement that is missing, or else the first limit of
    the first grade that was failed; None for a unit of the best grade.
    """

    rules: str
    version: int
    outcomes: tuple[Outcome, ...]
    grades: tuple[str, ...]
    rejects: tuple[str, ...]
    failures: tuple[Failure | None, ...]


class _Page(Struct):
    """Columns by characteristic, and what has been decided so far; -1 = nothing."""

    columns: dict[str, Floats]
    count: int
    grades: NDArray[np.int64]
    rejects: NDArray[np.int64]
    missing: NDArray[np.int64]
    failures: list[Failure | None]


def grade(rules: GradeRules, count: int, *, columns: Mapping[str, Column]) -> Graded:
    """Grade `count` units by their measurements, a column per characteristic; None and NaN = not measured.

    Raises ValueError for a column of another length, and for rules in which `problems` finds anything.
    """
    found = problems(rules)
    if found:
        raise ValueError("; ".join(found))
    page = _page(columns, count)
    for index, reject in enumerate(rules.rejects):
        _reject(page, reject, index)
    for index, each in enumerate(rules.grades):
        _ask(page, each, index)
    return _told(rules, page)


def problems(rules: GradeRules) -> tuple[str, ...]:
    """Return a sentence for everything that is wrong in a set of rules."""
    return tuple(_problems(rules))


def why(graded: Graded, index: int) -> str:
    """Return the sentence that says why a unit has its grade."""
    grade_code, failure = graded.grades[index], graded.failures[index]
    by = f"by {graded.rules} version {graded.version}"
    outcome = graded.outcomes[index]
    if failure is None:
        return f"grade {grade_code} {by}: every limit is met"
    if outcome is Outcome.UNKNOWN:
        text = f"no grade {by}: {failure.characteristic} was not measured, and {failure.of} asks for it; measure it"
    elif outcome is Outcome.REJECTED:
        text = f"rejected {by} as {graded.rejects[index]}: {_compared(failure)}"
    elif outcome is Outcome.NO_GRADE:
        text = f"no grade {by} is met; first failed was {failure.of}: {_compared(failure)}"
    else:
        text = f"grade {grade_code} {by}; not {failure.of}: {_compared(failure)}"
    return text


def _compared(failure: Failure) -> str:
    if failure.limit is None:
        return f"{failure.characteristic} of {failure.value} is no finite measurement"
    side = "under" if failure.bound == "lower" else "over"
    return f"{failure.characteristic} of {failure.value:g} {failure.unit} is {side} the limit of {failure.limit:g}"


def _page(columns: Mapping[str, Column], count: int) -> _Page:
    """Return a page on which nothing is decided."""
    arrays = {code: np.array(column, dtype=np.float64) for code, column in columns.items() if len(column)}
    for code, column in arrays.items():
        if column.shape != (count,):
            raise ValueError(f"the column {code} has {len(column)} values for {count} units; give one per unit")
    undecided = np.full(count, -1, dtype=np.int64)
    return _Page(arrays, count, undecided, undecided.copy(), undecided.copy(), [None] * count)


def _reject(page: _Page, reject: Reject, index: int) -> None:
    for limit in reject.limits:
        values = _column(page, limit)
        hit = _fails(values, limit) & (page.rejects < 0)
        page.rejects[hit] = index
        _note(page, hit, limit, reject.code)


def _ask(page: _Page, asked: Grade, index: int) -> None:
    """Give a grade to the undecided that meet it, and stop at those of which it cannot be said."""
    is_open = (page.rejects < 0) & (page.grades < 0) & (page.missing < 0)
    failed = np.zeros(page.count, dtype=np.bool_)
    unknown = np.zeros(page.count, dtype=np.bool_)
    for limit in asked.limits:
        values = _column(page, limit)
        misses = _fails(values, limit)
        _note(page, is_open & misses, limit, asked.code)
        failed |= misses
        unknown |= np.isnan(values) & limit.required
    page.grades[is_open & ~failed & ~unknown] = index
    stopped = is_open & ~failed & unknown
    page.missing[stopped] = index
    for limit in reversed(asked.limits):
        absent = stopped & np.isnan(_column(page, limit)) & limit.required
        for row in np.flatnonzero(absent).tolist():
            page.failures[row] = Failure(asked.code, limit.code, limit.unit, None, "", None)


def _column(page: _Page, limit: Characteristic) -> Floats:
    column = page.columns.get(limit.code)
    return np.full(page.count, np.nan) if column is None else column


def _fails(values: Floats, limit: Characteristic) -> Flags:
    """Tell which measured values are not within the limits; infinite ones never are, as in `Characteristic.is_good`."""
    low = -np.inf if limit.lower is None else limit.lower
    high = np.inf if limit.upper is None else limit.upper
    return np.asarray((values < low) | (values > high) | np.isinf(values))


def _note(page: _Page, rows: Flags, limit: Characteristic, of: str) -> None:
    """Keep the first failure of each row."""
    values = _column(page, limit)
    for row in np.flatnonzero(rows).tolist():
        if page.failures[row] is not None:
            continue
        value = float(values[row])
        if np.isinf(value):
            bound, edge = "", None
        elif limit.lower is not None and value < limit.lower:
            bound, edge = "lower", limit.lower
        else:
            bound, edge = "upper", limit.upper
        page.failures[row] = Failure(of, limit.code, limit.unit, value, bound, edge)


def _told(rules: GradeRules, page: _Page) -> Graded:
    codes = [each.code for each in rules.grades]
    reasons = [each.code for each in rules.rejects]
    return Graded(
        rules=rules.name,
        version=rules.version,
        outcomes=tuple(
            map(_outcome, page.rejects.tolist(), page.grades.tolist(), page.missing.tolist()),
        ),
        grades=tuple(codes[index] if index >= 0 else "" for index in page.grades.tolist()),
        rejects=tuple(reasons[index] if index >= 0 else "" for index in page.rejects.tolist()),
        failures=tuple(page.failures),
    )


def _outcome(reject: int, given: int, missing: int) -> Outcome:
    if reject >= 0:
        return Outcome.REJECTED
    if given >= 0:
        return Outcome.GRADED
    return Outcome.UNKNOWN if missing >= 0 else Outcome.NO_GRADE


def _problems(rules: GradeRules) -> Iterator[str]:
    name = rules.name or "(no name)"
    if not rules.name or rules.version < 1:
        yield f"the rules {name} need a name and a version from 1 on"
    if not rules.grades:
        yield f"the rules {name} have no grade; give at least one"
    codes = [*(each.code for each in rules.grades), *(each.code for each in rules.rejects)]
    for code in sorted({code for code in codes if not code or codes.count(code) > 1}):
        yield f"{code or '(no code)'} is given {codes.count(code)} times in the rules {name}; grades and rejects need codes of their own"
    for each in rules.grades[:-1]:
        if not each.limits:
            yield f"grade {each.code} of the rules {name} has no limits and takes every unit; put it last"
    for reject in rules.rejects:
        if not reject.limits:
            yield f"the reject {reject.code} of the rules {name} has no limits; say what rejects, or leave it out"
    yield from _limit_problems(rules)


def _limit_problems(rules: GradeRules) -> Iterator[str]:
    asked: list[Grade | Reject] = [*rules.grades, *rules.rejects]
    for of in asked:
        for limit in of.limits:
            edges = [edge for edge in (limit.lower, limit.upper) if edge is not None]
            if not edges or not np.isfinite(edges).all() or edges[0] > edges[-1]:
                yield f"{limit.code} of {of.code} goes from {limit.lower} to {limit.upper}; give finite limits, lower first"
