"""What is compiled says the same as its source: the loops are run by the interpreter too."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
from numba.core import config

from cellwright.analysis import matching
from cellwright.analysis.matching import grouping
from cellwright.analysis.matching.compiled import compiled
from cellwright.testing.cell_stock import POLICY, cell_stock

PACKAGE = matching.__name__


@pytest.fixture(scope="module")
def interpreted() -> Iterator[ModuleType]:
    """The package, imported anew without a compiler."""
    before = {name: module for name, module in sys.modules.items() if name.startswith(PACKAGE)}
    for name in before:
        del sys.modules[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "DISABLE_JIT", 1)
        package = importlib.import_module(PACKAGE)
    yield package
    for name in [each for each in sys.modules if each.startswith(PACKAGE)]:
        del sys.modules[name]
    sys.modules.update(before)
    sys.modules["cellwright.analysis"].matching = matching  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("count", "form", "window_capacity_ratio"),
    [(300, "6S1P", 0.01), (300, "4S3P", None), (60, "5S1P", 0.002), (1200, "4S1P", None)],
)
def test_compiled_and_interpreted_plans_are_equal(
    interpreted: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    form: str,
    window_capacity_ratio: float | None,
) -> None:
    # A few of the ways: the interpreter needs seconds for all of them.
    for each in (grouping, interpreted.grouping):
        monkeypatch.setattr(each, "_WAYS", (each._WAYS[0], each._WAYS[3], each._WAYS[-2]))
    stock = cell_stock(count, seed=count)
    policy = msgspec.structs.replace(POLICY, window_capacity_ratio=window_capacity_ratio)
    quick = matching.match_cells(stock, matching.read_form(form), policy)
    slow = interpreted.match_cells(stock, interpreted.read_form(form), policy)
    assert quick.codes() == slow.codes()
    assert np.array_equal(quick.reasons, slow.reasons)
    assert quick.bound_count == slow.bound_count


def test_a_function_that_cannot_be_kept_is_compiled_all_the_same() -> None:
    made: dict[str, Any] = {}
    exec("def twice(value):\n    return 2 * value\n", made)  # noqa: S102 - a function without a file has no place for a cache
    assert compiled(made["twice"])(21) == 42
