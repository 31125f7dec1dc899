"""What analysis makes of curves as they are stored: features of each step and of the whole test, and bad contacts."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cellwright.analysis.curves.contacts import Contacts, Fault, Limits, find_faults
from cellwright.analysis.curves.features import columns_of, features_of
from cellwright.analysis.curves.page import Curves
from cellwright.analysis.curves.shape import Way, plateau_columns
from cellwright.analysis.quantiles import Floats
from cellwright.model.plant import Plant
from cellwright.model.samples import CurvePage
from cellwright.telemetry.features import StepFeatures

METHOD: Final = "cellwright.curves 1"
WHOLE_TEST: Final = 0
"""The step under which the features of a whole test are kept; steps of tests begin at 1."""
CUTOFF: Final = "discharge_end_v"
"""Parameter of a recipe without which nobody can say that a discharge ended early."""
FAULT: Final = "contact_fault_"
"""What the name of a found fault begins with."""
_SIGNS: Final = (
    "jumps_count",
    "greatest_jump_v",
    "step_ohm",
    "onset_ohm",
    "onset_off_sigma",
    "end_v",
    "discharge_ratio",
)


def results_of(page: CurvePage, plant: Plant) -> list[StepFeatures]:
    """Return the features of every test of a page as a whole, then those of every step."""
    points = page.points
    cells = np.repeat(np.arange(len(page.heads)), np.diff(page.ends, prepend=0))
    known = np.flatnonzero(np.isfinite(points.currents_a) & np.isfinite(points.voltages_v))
    cells, steps = cells[known], np.asarray(points.steps)[known].astype(np.int64)
    tests = _curves(page, known, np.searchsorted(cells, np.arange(len(page.heads) + 1)))
    edges = np.flatnonzero((np.diff(cells) != 0) | (np.diff(steps) != 0)) + 1
    begins = np.concatenate([[0], edges]).astype(np.int64)[: len(known)]
    parts = _curves(page, known, np.append(begins, len(known)))
    whole = _whole_columns(tests) | _contact_columns(page, tests, plant)
    found = [_row(page, test, WHOLE_TEST, column_values(whole, test)) for test in range(len(page.heads))]
    columns = columns_of(features_of(parts))
    for place, first in enumerate(begins.tolist()):
        found.append(_row(page, int(cells[first]), int(steps[first]), column_values(columns, place)))
    return list({(each.unit, each.operation, each.attempt, each.step): each for each in found}.values())


def column_values(columns: Mapping[str, Floats], place: int) -> dict[str, float | None]:
    """Return what columns hold at a place; NaN = not known."""
    values = {name: float(column[place]) for name, column in columns.items()}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def fault_of(values: Mapping[str, float | None]) -> str:
    """Return the fault that was found in a whole test, "" for none."""
    return next((name.removeprefix(FAULT) for name, value in values.items() if name.startswith(FAULT) and value), "")


def _curves(page: CurvePage, known: NDArray[np.int64], starts: NDArray[np.int64]) -> Curves:
    points = page.points
    return Curves(
        starts=starts.astype(np.int64),
        time_us=np.asarray(points.times_us)[known].astype(np.int64),
        current_a=points.currents_a[known],
        voltage_v=points.voltages_v[known],
        temperature_c=points.temperatures_c[known],
    )


def _whole_columns(tests: Curves) -> dict[str, Floats]:
    columns = columns_of(features_of(tests))
    for way in Way:
        columns |= plateau_columns(tests, way=way)
    return columns


def _contact_columns(page: CurvePage, tests: Curves, plant: Plant) -> dict[str, Floats]:
    """Look for bad contacts within each operation of the page: its tests are the batch that they are compared with."""
    columns = {name: np.full(tests.count, np.nan) for name in _SIGNS}
    columns |= {FAULT + each: np.full(tests.count, np.nan) for each in Fault if each}
    operations = np.array([head.operation for head in page.heads])
    for operation in sorted(set(operations.tolist())):
        cutoff_v = plant.recipes[operation].parameters.get(CUTOFF) if operation in plant.recipes else None
        if cutoff_v is not None:
            chosen = np.flatnonzero(operations == operation)
            _fill(columns, chosen, find_faults(_chosen(tests, chosen), Limits(cutoff_v=cutoff_v)))
    return columns


def _chosen(tests: Curves, chosen: NDArray[np.int64]) -> Curves:
    """Return some of the tests as a page of their own."""
    rows = np.flatnonzero(np.isin(tests.cells, chosen))
    counts = np.diff(tests.starts)[chosen]
    return Curves(
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        time_us=tests.time_us[rows],
        current_a=tests.current_a[rows],
        voltage_v=tests.voltage_v[rows],
        temperature_c=tests.temperature_c[rows],
    )


def _fill(columns: dict[str, Floats], chosen: NDArray[np.int64], contacts: Contacts) -> None:
    for name in _SIGNS:
        columns[name][chosen] = getattr(contacts, name)
    for fault in Fault:
        if fault:
            columns[FAULT + fault][chosen] = [float(each is fault) for each in contacts.faults]


def _row(page: CurvePage, test: int, step: int, values: dict[str, float | None]) -> StepFeatures:
    head = page.heads[test]
    return StepFeatures(head.unit, head.operation, head.attempt, step, METHOD, values)
