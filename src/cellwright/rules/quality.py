"""Judging a page: verdicts against limits, grades, and what happens to a unit that is not good."""

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from cellwright.model.commands import Result
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, NotGoodAction, Operation, OperationKind, Route


class Judgement(Struct, frozen=True):
    """Columns of a judged page: good or not, the defect found, and the grade given ("" = none)."""

    verdicts: tuple[bool, ...]
    defects: tuple[str, ...]
    grades: tuple[str, ...]


class Fate(Struct, frozen=True):
    """Where a unit goes after an operation: the action ("" = on), and the step it is at then."""

    action: str
    step: int


def judge(
    operation: Operation,
    count: int,
    *,
    verdicts: Sequence[bool],
    defects: Sequence[str],
    results: Sequence[Result],
) -> Judgement:
    """Judge `count` units by the machine's verdicts and by the operation's limits and grades.

    A required characteristic that was not measured makes a unit not good: unknown is not good.
    """
    columns = {result.characteristic: result.values for result in results if result.values}
    found = list(defects) if defects else [""] * count
    good = list(verdicts) if verdicts else [True] * count
    for characteristic in operation.characteristics:
        _judge_column(characteristic, columns.get(characteristic.code, ()), good=good, found=found)
    grades = _grade_page(operation.grades, graded_columns(operation, columns), good=good, found=found)
    return Judgement(tuple(good), tuple(found), grades)


def graded_columns(
    operation: Operation, columns: Mapping[str, Sequence[float | None]]
) -> dict[str, Sequence[float | None]]:
    """Return the values that grades ask for: corrected ones where the operation says so and they are known.

    Self-discharge that is unknown stays unknown: the reported K of such a unit says nothing of its leak.
    """
    graded = dict(columns)
    for each in operation.corrections:
        fair = columns.get(each.corrected)
        if each.graded and fair and each.characteristic in columns:
            pairs = zip(columns[each.characteristic], fair, strict=True)
            graded[each.characteristic] = [value if known is None else known for value, known in pairs]
    rule = operation.self_discharge
    if rule is not None and rule.graded and rule.corrected in columns:
        graded[rule.characteristic] = columns[rule.corrected]
    return graded


def _judge_column(
    characteristic: Characteristic,
    column: Sequence[float | None],
    *,
    good: list[bool],
    found: list[str],
) -> None:
    for index in range(len(good)):
        value = column[index] if column else None
        if characteristic.is_good(value):
            continue
        if good[index] or not found[index]:
            found[index] = found[index] or _defect(characteristic, value)
        good[index] = False


def _defect(characteristic: Characteristic, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return f"{characteristic.code}:not_measured"
    low = characteristic.lower is not None and value < characteristic.lower
    return f"{characteristic.code}:{'low' if low else 'high'}"


def _grade_page(
    grades: Sequence[Grade],
    columns: Mapping[str, Sequence[float | None]],
    *,
    good: list[bool],
    found: list[str],
) -> tuple[str, ...]:
    if not grades:
        return ()
    given = []
    for index in range(len(good)):
        grade = _grade_unit(grades, columns, index) if good[index] else ""
        if good[index] and not grade:
            good[index] = False
            found[index] = found[index] or "grade:none"
        given.append(grade)
    return tuple(given)


def _grade_unit(grades: Sequence[Grade], columns: Mapping[str, Sequence[float | None]], index: int) -> str:
    for grade in grades:
        values = ((limit, columns[limit.code][index] if limit.code in columns else None) for limit in grade.limits)
        if all(limit.is_good(value) for limit, value in values):
            return grade.code
    return ""


def fate(route: Route, step: int, *, good: bool, attempts: int) -> Fate:
    """Tell where a unit goes after `step`; `attempts` counts those completed, this one included."""
    if good:
        return Fate("", step + 1)
    rule = route.operations[step].not_good
    if rule.action is NotGoodAction.HOLD:
        return Fate("hold", step)
    target = route.step_of(rule.operation)
    allowed = rule.action is NotGoodAction.REWORK and attempts <= rule.limit
    if allowed and may_return(route, step, target):
        return Fate("rework", target)
    is_kept = rule.action is NotGoodAction.REWORK and rule.holds_at_limit
    return Fate("hold" if is_kept else "scrap", step)


def may_return(route: Route, step: int, target: int) -> bool:
    """Tell whether a unit at `step` may go back to `target`: not ahead, and a unit is not born twice."""
    return 0 <= target <= step and route.operations[target].kind is OperationKind.UNIT
