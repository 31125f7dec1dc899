"""Limits: when a measured value is good; recipes: when a read-back is the released one."""

import math

import pytest

from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Recipe, Route, recipe_digest
from cellwright.testing.plants import small_plant

BOTH = Characteristic(code="voltage_v", unit="V", lower=3.0, upper=3.6)
NONE = Characteristic(code="note_count", unit="1", required=False)


@pytest.mark.parametrize(
    ("value", "is_good"),
    [(3.0, True), (3.6, True), (2.999, False), (3.601, False), (None, False), (math.nan, False), (math.inf, False)],
)
def test_limits_belong_to_the_good_range(value: float | None, is_good: bool) -> None:  # noqa: FBT001 a table's column
    assert BOTH.is_good(value) is is_good


@pytest.mark.parametrize(
    ("value", "is_good"), [(None, True), (math.nan, True), (1e300, True), (math.inf, False), (-math.inf, False)]
)
def test_without_limits_only_infinity_is_bad(value: float | None, is_good: bool) -> None:  # noqa: FBT001 a table's column
    assert NONE.is_good(value) is is_good


def test_recipe_digest_ignores_order_and_notices_the_smallest_change() -> None:
    one = Recipe(code="r", revision=1, operation="o", parameters={"a_v": 1.0, "b_s": 2.0})
    assert one.digest == recipe_digest("r", 1, ["b_s", "a_v"], [2, 1])
    others = [
        recipe_digest("r", 2, ["a_v", "b_s"], [1.0, 2.0]),
        recipe_digest("s", 1, ["a_v", "b_s"], [1.0, 2.0]),
        recipe_digest("r", 1, ["a_v", "b_s"], [1.0, math.nextafter(2.0, 3.0)]),
        recipe_digest("r", 1, ["a_v"], [1.0]),
        recipe_digest("r", 1, ["a_v", "c_s"], [1.0, 2.0]),
    ]
    assert one.digest not in others


def test_step_of_an_operation_that_is_not_on_the_route_is_minus_one() -> None:
    operations = small_plant().routes["cell"].operations
    route = Route(id=1, code="cell", revision=1, product="cell", operations=operations)
    assert [route.step_of(code) for code in ("wind", "grade", "test")] == [0, 4, -1]
