"""What the address of the grading page asks: which cells, and which limits instead of those in force."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from litestar.exceptions import ClientException
from msgspec import Struct, structs

from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Operation
from cellwright.views.graded import CELLS_MAX
from cellwright.web.question import Question, asked_us

CELLS_DEFAULT: Final = 2_000
_EXPECTED: Final = "write GRADE:characteristic:lower..upper, as in A:capacity_ah:5.9..6.4, with commas between them"


class AskedCells(Struct, frozen=True, kw_only=True):
    """Which cells are asked for; "" and 0 = any. `gauge` is a characteristic that names one, and its number, with a colon."""

    last: int
    from_us: int
    to_us: int
    order: str
    lot: str
    carrier: str
    gauge: str


def asked_cells(question: Question) -> AskedCells:
    """Return which cells an address asks for; raises ClientException (400) for what cannot be read."""
    query = question.query
    text = query.get("last", "").strip()
    last = question.whole("last") if text else CELLS_DEFAULT
    if not last or last > CELLS_MAX:
        raise ClientException(
            f"last={text[:40]}: give how many cells, 1 to {CELLS_MAX}, or leave it out for {CELLS_DEFAULT}"
        )
    return AskedCells(
        last=last,
        from_us=asked_us("from", query),
        to_us=asked_us("to", query),
        **{name: query.get(name, "").strip() for name in ("order", "lot", "carrier", "gauge")},
    )


def gauge_of(text: str, operation: Operation) -> tuple[str, int] | None:
    """Return the gauge that is named, None = any; raises ClientException (400) for one that the operation does not tell."""
    if not text:
        return None
    name, _, level = text.partition(":")
    known = gauges_of(operation)
    if name not in known or not (level.isascii() and level.isdigit() and len(level) < 10):
        names = " or ".join(f"{each}:3" for each in known) or "nothing, as this operation tells of no gauges"
        raise ClientException(f"gauge={text[:40]}: write {names}")
    return name, int(level)


def gauges_of(operation: Operation) -> tuple[str, ...]:
    """Return the characteristics of an operation that name a gauge."""
    named = [name for correction in operation.corrections for name in correction.by]
    return tuple(dict.fromkeys([*named, *([operation.slot] if operation.slot else [])]))


def asked_grades(text: str, operation: Operation) -> tuple[Grade, ...]:
    """Return the grades of an operation with other limits; raises ClientException (400) for what is none."""
    grades = {grade.code: grade for grade in operation.grades}
    units = {limit.code: limit for grade in operation.grades for limit in grade.limits}
    for part in filter(None, (each.strip() for each in text.split(","))):
        place, _, ends = part.rpartition(":")
        code, _, characteristic = place.rpartition(":")
        if code not in grades or characteristic not in units or ".." not in ends:
            known = f"grades {', '.join(grades)}; characteristics {', '.join(units)}"
            raise ClientException(f"limits={part[:60]}: {_EXPECTED}. There are {known}")
        low, _, high = ends.partition("..")
        lower, upper = _end(low, part), _end(high, part)
        if lower is not None and upper is not None and lower > upper:
            raise ClientException(f"limits={part[:60]}: the lower limit is above the upper one; exchange them")
        grades[code] = _changed(grades[code], units[characteristic], lower=lower, upper=upper)
    return tuple(grades.values())


def _end(text: str, part: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ClientException(f"limits={part[:60]}: {text[:20]} is no number; {_EXPECTED}")
    return value


def _changed(grade: Grade, like: Characteristic, *, lower: float | None, upper: float | None) -> Grade:
    """Return a grade with another limit; one without ends is no limit, and goes."""
    own = next((each for each in grade.limits if each.code == like.code), None)
    limit = structs.replace(own or like, lower=lower, upper=upper)
    is_none = lower is None and upper is None
    if own is None:
        return structs.replace(grade, limits=grade.limits if is_none else (*grade.limits, limit))
    kept = (limit if each is own else each for each in grade.limits if each is not own or not is_none)
    return structs.replace(grade, limits=tuple(kept))


def snippet_of(operation: str, grades: Sequence[Grade]) -> str:
    """Return grades as they are written in the plant's characteristics.toml."""
    return "\n".join(line for grade in grades for line in _lines(operation, grade))


def _lines(operation: str, grade: Grade) -> Iterator[str]:
    yield from (
        "[[grades]]",
        f"operation = {json.dumps(operation)}",
        f"code = {json.dumps(grade.code, ensure_ascii=False)}",
    )
    if not grade.limits:
        yield from ("limits = []", "")
        return
    yield "limits = ["
    for limit in grade.limits:
        ends: Mapping[str, float | None] = {"lower": limit.lower, "upper": limit.upper}
        parts = [f"characteristic = {json.dumps(limit.code)}"]
        parts += [f"{name} = {end!r}" for name, end in ends.items() if end is not None]
        parts += [] if limit.required else ["required = false"]
        yield f"    {{ {', '.join(parts)} }},"
    yield from ("]", "")
