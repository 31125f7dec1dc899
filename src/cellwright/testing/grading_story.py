"""A story of graded trays: two chambers that are off, a release of their effects, and values that were not measured."""

import numpy as np

from cellwright.model.commands import ReplaceTool, UnloadCarrier
from cellwright.testing.flow import results
from cellwright.testing.replay import RecordingDriver
from cellwright.testing.stories_corrections import RELEASE, correcting_plant

TRAYS = 12
CELLS = 8 * TRAYS


def graded_story() -> RecordingDriver:
    """Make twelve trays of eight cells each in chambers 0 and 1 by turns; the last cell's resistance is unknown."""
    driver, random = RecordingDriver(correcting_plant()), np.random.default_rng(11)
    driver.supply(cells=CELLS)
    driver.must(RELEASE, actor="QA-7")
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
