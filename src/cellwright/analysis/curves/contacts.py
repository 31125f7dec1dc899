"""Faults of contact: a bad needle looks like a bad cell, so a cell is tested again before it is called bad.

What is looked for, by this module's own definitions, with limits that a plant sets:

- **Jumps**: under a steady current a voltage changes with its curve. A step that differs from the median of the four
  around it by more than the limit is a jump; a cell's own chemistry cannot do that from one sample to the next, also not
  at the steep ends, where the neighbours are as steep. A jump that stays is a step of resistance, jump / current.
- **High resistance at the onset**: voltage step / current step when the current begins, far above the batch's (robust z
  of the logarithm).
- **Ended early**: the discharge stopped before its cut-off voltage.
- **Low charge**: far less than the batch gave. A cell may be so; a contact may make it look so. It is measured once more.

After the second test: two that agree are the cell; two that differ by more than the tester's repeatability were a contact.
"""

from enum import StrEnum

import numpy as np
from msgspec import Struct

from cellwright.analysis.curves.page import Curves, Flags, Steps, Whole, ratio, steps_of, summed
from cellwright.analysis.curves.robust import middle, spread_of
from cellwright.analysis.quantiles import Floats

MV_PER_V = 1000.0


class Limits(Struct, frozen=True, kw_only=True):
    """What counts as a fault; starting values to be set on a plant's own re-tests."""

    cutoff_v: float
    """Where a discharge ends."""
    cutoff_tolerance_v: float = 0.02
    jump_v: float = 0.02
    onset_sigma: float = 6.0
    least_ratio: float = 0.95
    """Least discharge as a share of the batch's median."""
    repeat_ratio: float = 0.005
    """By how much two discharges of one cell may differ."""
    attempts_max: int = 3


class Fault(StrEnum):
    """What was found, the plainest sign of a contact first; "" = nothing, `unknown` = there is too little to say."""

    NONE = ""
    UNKNOWN = "unknown"
    STEP = "resistance_step"
    JUMPS = "voltage_jumps"
    ONSET = "high_resistance"
    ENDED_EARLY = "ended_early"
    LOW_CHARGE = "low_charge"


class Contacts(Struct, frozen=True, kw_only=True):
    """Signs by cell, and the fault; a cell with any fault is to be tested again. NaN = unknown."""

    faults: tuple[Fault, ...]
    jumps_count: Whole
    greatest_jump_v: Floats
    step_ohm: Floats
    """The greatest step of resistance that stayed; 0 = none."""
    onset_ohm: Floats
    onset_off_sigma: Floats
    end_v: Floats
    discharge_ah: Floats
    discharge_ratio: Floats
    """Discharge as a share of the batch's median."""


class Verdict(StrEnum):
    """What to do after a repeated test."""

    TAKE_FIRST = "take_first"
    TAKE_SECOND = "take_second"
    TEST_AGAIN = "test_again"
    GIVE_UP = "give_up"


class _Jumps(Struct):
    """Jumps of a page: the step of each, its size (V), and whether the voltage stayed there."""

    steps: Whole
    size_v: Floats
    stayed: Flags


def find_faults(curves: Curves, limits: Limits, *, batch: Contacts | None = None) -> Contacts:
    """Look for faults of contact in the curves of one batch, each with a discharge.

    Cells that are tested again are compared with the `batch` that they came from, for they are no batch by themselves.
    """
    steps, count = steps_of(curves), curves.count
    jumps = _jumps(curves, steps, limits.jump_v)
    cells = steps.cells[jumps.steps]
    current_a = np.abs(curves.current_a[steps.firsts[jumps.steps]])
    step_ohm, greatest_v = np.zeros(count), np.zeros(count)
    np.maximum.at(greatest_v, cells, np.abs(jumps.size_v))
    np.maximum.at(step_ohm, cells, np.where(jumps.stayed, np.abs(jumps.size_v) / current_a, 0.0))
    onset_ohm = _onset(curves, steps)
    discharge_ah = summed(steps.discharge_ah, steps.cells, count)
    discharge_ah = np.where(discharge_ah > 0, discharge_ah, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, spread = spread_of(np.log(onset_ohm if batch is None else batch.onset_ohm))
        onset_off = (np.log(onset_ohm) - centre) / spread
    usual_ah = middle(discharge_ah if batch is None else batch.discharge_ah)
    found = Contacts(
        faults=(),
        jumps_count=np.bincount(cells, minlength=count),
        greatest_jump_v=greatest_v,
        step_ohm=step_ohm,
        onset_ohm=onset_ohm,
        onset_off_sigma=onset_off,
        end_v=_end_voltage(curves, steps),
        discharge_ah=discharge_ah,
        discharge_ratio=ratio(discharge_ah, usual_ah),
    )
    return _judged(found, limits)


def reason_of(contacts: Contacts, index: int) -> str:
    """Say in a sentence why a cell is to be tested again; "" for one without a fault."""
    ratio_text = f"its discharge is {contacts.discharge_ratio[index]:.1%} of the batch's median"
    return {
        Fault.NONE: "",
        Fault.UNKNOWN: "the curve holds no discharge to judge; test the cell again",
        Fault.STEP: f"resistance rose by {contacts.step_ohm[index]:.4g} ohm under a steady current and stayed; clean or "
        "replace the contact, then test again",
        Fault.JUMPS: f"the voltage jumped {contacts.jumps_count[index]} times under a steady current, by up to "
        f"{contacts.greatest_jump_v[index] * MV_PER_V:.0f} mV; check the contact, then test again",
        Fault.ONSET: f"resistance at the onset is {contacts.onset_ohm[index]:.4g} ohm, {contacts.onset_off_sigma[index]:.1f} "
        "robust sigma above the batch; check the contact, then test again",
        Fault.ENDED_EARLY: f"the discharge ended at {contacts.end_v[index]:.3f} V, before its cut-off, and {ratio_text}; "
        "look for what stopped it, then test again",
        Fault.LOW_CHARGE: f"{ratio_text}, and nothing shows a bad contact; test once more before it is called low",
    }[contacts.faults[index]]


def settle(first: Contacts, second: Contacts, limits: Limits, *, attempts: int = 2) -> tuple[Verdict, ...]:
    """Decide by cell after a repeated test, of which it was the `attempts`-th.

    A second test without a sign of a contact is taken. Low charge that repeats is the cell's own. With a fault again, or
    where two tests without a fault disagree, the cell is tested again, on another channel, until `attempts_max`; then a
    person looks.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        agree = np.abs(second.discharge_ah / first.discharge_ah - 1) <= limits.repeat_ratio
    again = Verdict.TEST_AGAIN if attempts < limits.attempts_max else Verdict.GIVE_UP
    faults = zip(first.faults, second.faults, agree.tolist(), strict=True)
    return tuple(_verdict(one, two, is_alike=is_alike) or again for one, two, is_alike in faults)


def _verdict(one: Fault, two: Fault, *, is_alike: bool) -> Verdict | None:
    """Return which of two tests is taken; None = neither."""
    if one is Fault.NONE:
        return Verdict.TAKE_FIRST if is_alike or two is not Fault.NONE else None
    repeats = one is two is Fault.LOW_CHARGE and is_alike
    return Verdict.TAKE_SECOND if two is Fault.NONE or repeats else None


def _judged(found: Contacts, limits: Limits) -> Contacts:
    """Name the first fault that holds by cell; a comparison with NaN is false, so what is unknown accuses nobody."""
    tests = {
        Fault.UNKNOWN: ~np.isfinite(found.discharge_ah),
        Fault.STEP: found.step_ohm > 0,
        Fault.JUMPS: found.jumps_count > 0,
        Fault.ONSET: found.onset_off_sigma > limits.onset_sigma,
        Fault.ENDED_EARLY: found.end_v > limits.cutoff_v + limits.cutoff_tolerance_v,
        Fault.LOW_CHARGE: found.discharge_ratio < limits.least_ratio,
    }
    table = np.vstack([*tests.values(), np.ones(len(found.end_v), dtype=np.bool_)])
    names = [*tests, Fault.NONE]
    return Contacts(
        faults=tuple(names[place] for place in np.argmax(table, axis=0).tolist()),
        jumps_count=found.jumps_count,
        greatest_jump_v=found.greatest_jump_v,
        step_ohm=found.step_ohm,
        onset_ohm=found.onset_ohm,
        onset_off_sigma=found.onset_off_sigma,
        end_v=found.end_v,
        discharge_ah=found.discharge_ah,
        discharge_ratio=found.discharge_ratio,
    )


def _jumps(curves: Curves, steps: Steps, limit_v: float) -> _Jumps:
    """Find steps of voltage that differ from those around them, where the current is steady over all five."""
    one, two = steps.firsts, steps.firsts + 1
    rise_v = curves.voltage_v[two] - curves.voltage_v[one]
    current_a = (curves.current_a[one] + curves.current_a[two]) / 2
    steady = (np.abs(curves.current_a[two] - curves.current_a[one]) <= 0.02 * np.abs(current_a)) & (current_a != 0)
    middles = np.arange(2, max(len(rise_v) - 2, 2))
    around = middles[:, None] + np.array([-2, -1, 1, 2])
    if not len(middles):
        return _Jumps(middles, np.zeros(0), np.zeros(0, dtype=np.bool_))
    # Rates, so that a cycler which logs by change of voltage is no fault.
    rate = rise_v / steps.hours
    expected_v = np.median(rate[around], axis=1) * steps.hours[middles]
    alike = (steps.cells[around] == steps.cells[middles][:, None]).all(axis=1)
    calm = alike & steady[around].all(axis=1) & steady[middles]
    off_v = rise_v[middles] - expected_v
    hit = np.flatnonzero(calm & (np.abs(off_v) > limit_v))
    after_v = rise_v[middles[hit] + 1] + rise_v[middles[hit] + 2] - 2 * expected_v[hit]
    before_v = rise_v[middles[hit] - 1] + rise_v[middles[hit] - 2] - 2 * expected_v[hit]
    # A spike comes back within two samples, and its way back is a jump that came from one.
    size_v = off_v[hit]
    stayed = (np.abs(after_v + size_v) > limit_v / 2) & (np.abs(before_v + size_v) > limit_v / 2)
    return _Jumps(middles[hit], size_v, stayed)


def _onset(curves: Curves, steps: Steps) -> Floats:
    """Return voltage step / current step where each cell's current first begins from rest; NaN if it never does."""
    one, two = steps.firsts, steps.firsts + 1
    top_a = np.zeros(curves.count)
    np.maximum.at(top_a, curves.cells, np.abs(curves.current_a))
    limit_a = top_a[steps.cells]
    begins = (np.abs(curves.current_a[one]) <= 0.02 * limit_a) & (np.abs(curves.current_a[two]) >= 0.2 * limit_a)
    begins &= limit_a > 0
    hits = np.flatnonzero(begins)
    found = np.full(curves.count, np.nan)
    change_a = curves.current_a[two[hits]] - curves.current_a[one[hits]]
    values = (curves.voltage_v[two[hits]] - curves.voltage_v[one[hits]]) / change_a
    found[steps.cells[hits][::-1]] = values[::-1]
    return np.where(found > 0, found, np.nan)


def _end_voltage(curves: Curves, steps: Steps) -> Floats:
    """Return the voltage at the end of each cell's last discharge, as long as current flowed."""
    falling = np.flatnonzero((curves.current_a[steps.firsts] < 0) & (steps.discharge_ah > 0))
    found = np.full(curves.count, np.nan)
    last = steps.firsts[falling]
    flows = curves.current_a[last + 1] < 0.5 * curves.current_a[last]
    found[steps.cells[falling]] = np.where(flows, curves.voltage_v[last + 1], curves.voltage_v[last])
    return found
