"""A story of graded trays: two chambers that are off, a release of their effects, and values that were not measured."""

import numpy as np
from msgspec import structs

from cellwright.model.commands import ReplaceTool, UnloadCarrier
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver
from cellwright.testing.stories_corrections import RELEASE, correcting_plant, signers

TRAYS = 12
CELLS = 8 * TRAYS


DCIR = Characteristic(code="dcir_ohm", unit="ohm", lower=0.0117, upper=0.0132, required=False)
"""What grade A asks for besides capacity, of cells of which it is known."""


def grading_plant() -> Plant:
    """Return the tiny plant that corrects capacity, whose grade A also asks for resistance."""
    plant = correcting_plant()
    routes = {
        code: structs.replace(draft, operations=tuple(map(_asking, draft.operations)))
        for code, draft in plant.routes.items()
    }
    return structs.replace(plant, routes=routes)


def _asking(operation: Operation) -> Operation:
    if operation.code != "grade":
        return operation
    best, *others = operation.grades
    return structs.replace(operation, grades=(structs.replace(best, limits=(*best.limits, DCIR)), *others))


def graded_story() -> RecordingDriver:
    """Make twelve trays of eight cells each in chambers 0 and 1 by turns; the last cell's resistance is unknown."""
    driver, random = RecordingDriver(grading_plant()), np.random.default_rng(11)
    driver.supply(cells=CELLS)
    signers(driver)
    driver.must(RELEASE, actor="QA1")
    for tray in range(TRAYS):
        driver.must(ReplaceTool(station="WIND-01", tool="cutter"))
        chamber = tray % 2
        shown = random.normal(6.15, 0.12, 8) * (1 + (0.01, -0.01)[chamber])
        driver.graded(
            8,
            f"TRAY-{tray + 1}",
            results=results(
                capacity_ah=shown.tolist(),
                dcir_ohm=[*random.normal(0.0125, 0.0004, 7).tolist(), None],
                chamber_c=[25.0 + 0.25 * chamber] * 8,
                chamber_no=[float(chamber)] * 8,
                channel_no=[*map(float, range(8))],
            ),
        )
        driver.must(UnloadCarrier(station="TRAY-01", carrier=f"TRAY-{tray + 1}"))
    return driver
