"""Contacts: each fault that is put in is named, a sound cell is not accused, and a repeated test settles it."""

from collections.abc import Callable

import numpy as np
import pytest

from cellwright.analysis.curves.contacts import Contacts, Fault, Limits, Verdict, find_faults, reason_of, settle
from cellwright.analysis.curves.page import Curves, curve_of, page_of
from cellwright.analysis.quantiles import Floats

LIMITS = Limits(cutoff_v=2.5)
CURRENT_A = 3.0
Raw = tuple[Floats, Floats, Floats]
Make = Callable[[np.random.Generator], Raw]


def sound(random: np.random.Generator, charge_ah: float = 6.0) -> Raw:
    """Rest for a minute, then discharge to 2.5 V, 10 s a sample; 1 mV of noise and a knee as steep as LFP's."""
    end_s = 60 + charge_ah / CURRENT_A * 3600
    time_s = np.append(np.arange(0.0, end_s - 1.0, 10.0), end_s)
    share = np.clip((time_s - 60) / (charge_ah / CURRENT_A * 3600), 0, 1)
    current = np.where(time_s > 60, -CURRENT_A, 0.0)
    resistance = 0.012 * (1 + random.normal(scale=0.02))
    voltage = 3.33 - 0.06 * share - 0.74 * np.exp((share - 1) / 0.02) + current * resistance
    return time_s, current, voltage + random.normal(scale=0.001, size=len(time_s))


def batch(*bad: Raw, count: int = 40, seed: int = 5) -> Curves:
    random = np.random.default_rng(seed)
    return page_of(
        [curve_of(*each) for each in (*bad, *(sound(random, random.normal(6.0, 0.02)) for _ in range(count)))]
    )


def loosened(random: np.random.Generator) -> Raw:
    """A contact that gets 20 milliohm worse in the middle, and stays so."""
    time_s, current, voltage = sound(random)
    return time_s, current, voltage + np.where(time_s > 3600, current * 0.02, 0.0)


def chattering(random: np.random.Generator) -> Raw:
    time_s, current, voltage = sound(random)
    voltage[[100, 250, 400]] -= 0.08
    return time_s, current, voltage


def resistive(random: np.random.Generator) -> Raw:
    time_s, current, voltage = sound(random)
    return time_s, current, voltage + current * 0.01


def stopped(random: np.random.Generator) -> Raw:
    time_s, current, voltage = sound(random)
    return time_s[:300], current[:300], voltage[:300]


def resting(random: np.random.Generator) -> Raw:
    time_s, current, voltage = sound(random)
    return time_s, current * 0, voltage


def low(random: np.random.Generator) -> Raw:
    return sound(random, 5.2)


@pytest.mark.parametrize(
    ("make", "fault", "words"),
    [
        (loosened, Fault.STEP, "resistance rose by 0.0"),
        (chattering, Fault.JUMPS, "the voltage jumped"),
        (resistive, Fault.ONSET, "robust sigma above the batch"),
        (stopped, Fault.ENDED_EARLY, "before its cut-off"),
        (resting, Fault.UNKNOWN, "no discharge"),
        (low, Fault.LOW_CHARGE, "of the batch's median, and nothing shows a bad contact"),
    ],
)
def test_each_fault_is_named_and_no_sound_cell_is(make: Make, fault: Fault, words: str) -> None:
    found = find_faults(batch(make(np.random.default_rng(1))), LIMITS)
    assert found.faults == (fault, *[Fault.NONE] * 40)
    assert words in reason_of(found, 0)
    assert reason_of(found, 1) == ""


def test_a_step_is_measured() -> None:
    found = find_faults(batch(loosened(np.random.default_rng(1))), LIMITS)
    assert found.step_ohm[0] == pytest.approx(0.02, rel=0.1)
    assert found.jumps_count[0] == 1
    assert found.onset_ohm[0] == pytest.approx(0.012, rel=0.15)


def test_thousands_of_sound_cells_are_not_accused() -> None:
    found = find_faults(batch(count=1500, seed=9), LIMITS)
    assert sum(each is not Fault.NONE for each in found.faults) <= 2


def test_jumps_of_the_current_are_no_faults() -> None:
    time_s, current, voltage = sound(np.random.default_rng(2))
    pulse = (time_s > 2000) & (time_s < 2400)
    found = find_faults(batch((time_s, np.where(pulse, current * 1.5, current), voltage - pulse * 0.04)), LIMITS)
    assert found.jumps_count[0] == 0


def test_a_repeated_test_settles_it() -> None:
    random = np.random.default_rng(3)
    first = find_faults(batch(resistive(random), low(random), loosened(random), sound(random), low(random)), LIMITS)
    again = page_of(
        [curve_of(*each) for each in (sound(random), low(random), loosened(random), low(random), sound(random))]
    )
    second = find_faults(again, LIMITS, batch=first)
    assert second.faults == (Fault.NONE, Fault.LOW_CHARGE, Fault.STEP, Fault.LOW_CHARGE, Fault.NONE)
    five = part(first, 5)
    expected = (
        Verdict.TAKE_SECOND,
        Verdict.TAKE_SECOND,
        Verdict.TEST_AGAIN,
        Verdict.TAKE_FIRST,
        Verdict.TAKE_SECOND,
    )
    assert settle(five, second, LIMITS) == expected
    assert settle(five, second, LIMITS, attempts=3)[2] is Verdict.GIVE_UP
    # Two tests without a sign of a contact that do not agree: the tester does not repeat.
    other = find_faults(page_of([curve_of(*sound(random, 6.2))]), LIMITS, batch=first)
    assert settle(part(second, 1), other, LIMITS) == (Verdict.TEST_AGAIN,)


def part(contacts: Contacts, count: int) -> Contacts:
    return Contacts(**{name: getattr(contacts, name)[:count] for name in Contacts.__struct_fields__})
