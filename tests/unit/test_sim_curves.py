"""Curves of the virtual cyclers say what the virtual cabinets report, and bad contacts show in them."""

from random import Random

import numpy as np
import pytest
from numpy.random import default_rng

from cellwright.analysis.curves.contacts import Fault, Limits, find_faults
from cellwright.analysis.curves.features import features_of
from cellwright.analysis.curves.page import Curves, curve_of, page_of
from cellwright.sim.curves import PROGRAMS, Specimen, open_voltage, record_curve


def curve(program: str, cell: Specimen, seed: int) -> Curves:
    rows = record_curve(PROGRAMS[program], cell, default_rng(seed))
    return curve_of(rows.times_s, rows.currents_a, rows.voltages_v, temperature_c=rows.temperatures_c)


def good(random: Random, share: float) -> Specimen:
    capacity_ah = random.uniform(6.0, 6.2)
    return Specimen(capacity_ah, random.uniform(0.0118, 0.0126), capacity_ah / share, capacity_ah, 0.0)


def test_a_full_cell_lies_on_the_plateaus_of_lfp() -> None:
    volts = open_voltage(np.array([0.0, 0.5, 1.0]))
    assert volts[0] < 2.0
    assert 3.25 < volts[1] < 3.32
    assert 3.6 < volts[2] < 3.65


@pytest.mark.parametrize(("program", "share"), [("formation", 0.892), ("grading", 0.995)])
def test_what_flowed_is_what_was_reported(program: str, share: float) -> None:
    cell = good(Random(3), share)
    found = features_of(curve(program, cell, 3))
    assert found.charge_ah[0] == pytest.approx(cell.charge_ah, rel=0.003)
    assert found.discharge_ah[0] == pytest.approx(cell.discharge_ah, rel=0.003)
    assert found.warming_c[0] > 0


def test_bad_contacts_are_found_and_good_cells_are_not_accused() -> None:
    random = Random(5)
    cells = [good(random, 0.892) for _ in range(40)]
    for place, ratio in ((7, 0.35), (21, 0.6), (33, 0.79)):
        charge_ah, discharge_ah = (ratio * each for each in (cells[place].charge_ah, cells[place].discharge_ah))
        cells[place] = Specimen(cells[place].capacity_ah, 0.0122, charge_ah, discharge_ah, 0.0)
    page = page_of([curve("formation", cell, seed) for seed, cell in enumerate(cells)])
    faults = find_faults(page, Limits(cutoff_v=2.0)).faults
    assert {place for place, fault in enumerate(faults) if fault} == {7, 21, 33}
    assert all(faults[place] in (Fault.STEP, Fault.JUMPS) for place in (7, 21, 33))
