"""A batch judged together, and channels judged over many batches: who stands out, and who cannot be judged."""

import numpy as np
import pytest

from cellwright.analysis.curves.batch import JUDGED, find_unlike, limit_for, sentence_of, sigma_of
from cellwright.analysis.curves.channels import ChannelTests, Sign, channel_health
from cellwright.analysis.curves.features import columns_of, features_of
from cellwright.analysis.curves.page import Curves, curve_of, page_of
from cellwright.analysis.quantiles import Floats

SAMPLES = 200


def cell(capacity_ah: float, bump_v: float = 0.0, noise: Floats | None = None) -> Curves:
    """A discharge of one hour, 3.4 to 2.6 V, with a bump of 5 % of its length in the middle."""
    share = np.linspace(0, 1, SAMPLES)
    voltage_v = 3.4 - 0.8 * share**4 + bump_v * (np.abs(share - 0.5) < 0.025)
    voltage_v += 0 if noise is None else noise
    return curve_of(share * 3600, np.full(SAMPLES, -capacity_ah), voltage_v)


def batch(count: int, odd: Curves | None = None) -> Curves:
    random = np.random.default_rng(5)
    cells = [cell(6 + 0.01 * float(random.normal()), noise=0.0005 * random.normal(size=SAMPLES)) for _ in range(count)]
    return page_of(cells if odd is None else [*cells, odd])


def test_a_cell_with_less_charge_is_told_by_value_median_and_sigma() -> None:
    page = batch(30, cell(5.7))
    unlike = find_unlike(columns_of(features_of(page)), page)
    first = next(each for each in unlike.outliers if each.feature == "discharge_ah")
    assert first.cell == 30
    assert first.value == pytest.approx(5.7)
    assert first.family_value == pytest.approx(6.0, abs=0.01)
    sigma = sigma_of(first)
    assert sigma == pytest.approx(0.01, rel=0.5)
    assert sentence_of(first).startswith("discharge_ah is 5.7, -")
    assert unlike.is_known.all()
    assert {each.cell for each in unlike.outliers} == {30}


def test_a_bump_that_no_feature_shows_is_found_in_the_shape() -> None:
    page = batch(30, cell(6.0, bump_v=0.03))
    unlike = find_unlike(columns_of(features_of(page)), page)
    found = next(each for each in unlike.outliers if each.feature == "discharge_place")
    assert (found.cell, found.value, sigma_of(found)) == (30, None, None)
    assert found.place == pytest.approx(0.5, abs=0.03)
    assert "a part of the discharge lies" in sentence_of(found)


@pytest.mark.parametrize(("count", "limit"), [(256, 5.0), (100, 5.2), (16, 10.3), (8, 28.4)])
def test_the_limit_knows_how_well_sigma_is_known(count: int, limit: float) -> None:
    assert limit_for(count) == pytest.approx(limit, rel=0.03)


def test_normal_batches_raise_one_alarm_in_a_hundred() -> None:
    random = np.random.default_rng(3)
    alarms = 0
    for _ in range(300):
        features = {name: random.normal(size=20) for name in JUDGED}
        alarms += bool(find_unlike(features, page_of([cell(6.0)] * 20)).outliers)
    assert alarms <= 9


def test_too_few_cells_judge_nobody() -> None:
    page = batch(6, cell(3.0))
    unlike = find_unlike(columns_of(features_of(page)), page)
    assert unlike.outliers == ()
    assert not unlike.is_known.any()


# --- channels -----------------------------------------------------------------------------------------


def made_tests(batches: int = 40, channels: int = 16) -> dict[str, np.ndarray]:
    random = np.random.default_rng(11)
    rows = batches * channels
    return {
        "channels": np.tile(np.arange(channels), batches),
        "batches": np.repeat(np.arange(batches), channels),
        "discharge_ratios": 1 + 0.002 * random.normal(size=rows),
        "onset_ratios": np.exp(0.02 * random.normal(size=rows)),
        "is_fault": random.random(rows) < 0.01,
        "is_judged": np.ones(rows, np.bool_),
    }


def test_channels_alike_do_not_stand_out() -> None:
    found = channel_health(ChannelTests(**made_tests()))
    assert [each.channel for each in found] == list(range(16))
    assert not any(each.signs for each in found)
    assert all(each.tests_count == each.judged_count == 40 for each in found)
    for each in found:
        lower, value, upper = each.discharge_off.lower, each.discharge_off.value, each.discharge_off.upper
        assert lower is not None
        assert value is not None
        assert upper is not None
        assert lower < value < upper
    covered = sum(each.discharge_off.lower < 0 < each.discharge_off.upper for each in found)  # type: ignore[operator]
    assert covered >= 14


def test_each_kind_of_bad_channel_stands_out_by_its_own_sign() -> None:
    columns = made_tests()
    columns["discharge_ratios"][columns["channels"] == 3] -= 0.004
    columns["is_fault"][columns["channels"] == 7] = columns["batches"][columns["channels"] == 7] % 5 == 0
    worn = columns["channels"] == 12
    columns["onset_ratios"][worn] *= np.exp(0.01 * columns["batches"][worn])
    found = channel_health(ChannelTests(**columns))
    assert {each.channel: each.signs for each in found if each.signs} == {
        3: (Sign.LOW,),
        7: (Sign.FAULTS,),
        12: (Sign.RISING,),
    }
    assert {each.channel for each in found[:3]} == {3, 7, 12}, "what stands out comes first"
    by_channel = {each.channel: each for each in found}
    assert by_channel[3].discharge_off.value == pytest.approx(-0.004, abs=0.001)
    assert by_channel[12].onset_trend.value == pytest.approx(np.expm1(0.1), abs=0.02)
    assert by_channel[7].faults_ratio.lower is not None
    assert by_channel[7].faults_ratio.lower < 0.2 < (by_channel[7].faults_ratio.upper or 0)


def test_what_is_not_known_is_none_and_accuses_nobody() -> None:
    columns = made_tests(batches=5)
    columns["discharge_ratios"][columns["channels"] == 1] = np.nan
    columns["onset_ratios"][:] = np.nan
    columns["is_judged"][:] = False
    columns["is_fault"][:] = False
    found = {each.channel: each for each in channel_health(ChannelTests(**columns))}
    assert found[1].discharge_off.value is None
    assert found[1].discharge_count == 0
    assert found[0].discharge_off.lower is None, "five tests bound no median"
    assert found[0].faults_ratio.value is None
    assert found[0].onset_trend.value is None
    assert not any(each.signs for each in found.values())


def test_one_fault_is_no_sign_and_a_standing_channel_has_no_trend() -> None:
    columns = made_tests(batches=10, channels=2)
    columns["is_fault"][:] = False
    columns["is_fault"][0] = True
    columns["batches"][:] = 4
    found = channel_health(ChannelTests(**columns))
    assert not any(each.signs for each in found)
    assert all(each.onset_trend.value is None for each in found)
    assert channel_health(ChannelTests(**{name: each[:0] for name, each in columns.items()})) == ()
