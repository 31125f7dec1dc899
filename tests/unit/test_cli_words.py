"""What the verbs say to people: times with their age, refusals, and the stages of the demo."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.cli.common import refusal_lines
from cellwright.cli.demo_run import Progress
from cellwright.cli.demo_screen import Screen, stage_of
from cellwright.cli.status import status_lines
from cellwright.cli.times import duration, moment, since
from cellwright.model.answers import Reason, Refusal, RefusalCode
from cellwright.views.status import StationStatus, Status
from cellwright.views.yields import Tally

NOW_US = 1_773_165_095_821_385
MINUTE_US = 60_000_000


@pytest.mark.parametrize(
    ("length_s", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3_661, "1 h 1 min"),
        (86_400 * 8 + 11 * 3_600 + 59, "8 d 11 h"),
        (-5, "5 s"),
    ],
)
def test_durations_have_their_two_largest_units(length_s: int, text: str) -> None:
    assert duration(length_s) == text


@pytest.mark.parametrize(
    ("time_us", "text"),
    [
        (0, "never"),
        (NOW_US, "2026-03-10 17:51:35 UTC (0 s ago)"),
        (NOW_US - MINUTE_US, "2026-03-10 17:50:35 UTC (1 min 0 s ago)"),
        (NOW_US + MINUTE_US, "2026-03-10 17:52:35 UTC (1 min 0 s ahead of this clock: give --clock, or set the clock)"),
    ],
)
def test_a_time_has_its_age(time_us: int, text: str) -> None:
    assert since(time_us, NOW_US) == text


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_every_time_can_be_shown(time_us: int, now_us: int) -> None:
    assert moment(time_us)
    assert since(time_us, now_us)


def test_a_refusal_has_one_reason_a_line() -> None:
    reasons = (
        Reason(RefusalCode.STATION_UNKNOWN, "station 'A' is not here"),
        Reason(RefusalCode.UNIT_HELD, "unit B\nis on hold\x1b[31m"),
    )
    assert refusal_lines(Refusal(reasons)) == [
        "refused: station_unknown: station 'A' is not here",
        "         unit_held: unit B?is on hold?[31m",
    ]


def test_status_says_when_and_how_many() -> None:
    station = StationStatus("WIND-01", 2, "winding", 374, 12, 1, "lot_held", NOW_US - MINUTE_US)
    seen = Status(
        facts=3677,
        last_fact_us=NOW_US - MINUTE_US,
        last_fact_age_s=60.0,
        units={"cell": {"finished": 5, "waiting": 2}},
        stations=(station,),
        loaded=(),
        refusals={"lot_held": 1},
        holds_count=3,
        packs_finished_count=0,
    )
    before = since(NOW_US - MINUTE_US, NOW_US)
    tally = Tally(operation="winding", first_count=386, first_good_count=374)
    assert status_lines(seen, [tally], NOW_US) == [
        "plant time: 2026-03-10 17:51:35 UTC",
        "journal: 3677 facts, the last one 2026-03-10 17:50:35 UTC (1 min 0 s ago)",
        "cells: 7 (5 finished, 2 waiting)",
        "first-pass yield, good at the first attempt of n tried:",
        "  winding: 96.9% (n = 386)",
        "stations, units or lots since the journal began:",
        f"  WIND-01 winding: 374 good, 12 not good, 2 in process; last fact {before}; refused 1, last lot_held",
        "material at positions:",
        "refused commands: 1 lot_held",
        "open holds: 3",
    ]


def test_the_stages_of_the_demo_follow_the_work() -> None:
    told = [
        stage_of(Progress(cells_wound=wound, cells_good=good, packs_shipped=shipped), 1).name
        for wound, good, shipped in ((0, 0, 0), (10, 0, 0), (386, 20, 0), (386, 340, 0), (386, 347, 1))
    ]
    assert told == [
        "making electrodes",
        "winding and filling cells",
        "charging and testing cells",
        "building packs from tested cells",
        "all packs are shipped",
    ]


def test_where_no_bar_can_move_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen(1, is_live=False) as screen:
        screen.step("starting")
        for wound in range(3):
            screen.progress(Progress(cells_wound=wound), 0)
    assert capsys.readouterr().err.splitlines() == ["starting", "making electrodes", "winding and filling cells"]
