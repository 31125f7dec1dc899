import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from cellwright.sim.catalogue import ROUTES
from cellwright.sim.lots import Part
from cellwright.sim.score import Score, score
from cellwright.sim.truth import LotTruth, Summary, Truth, write_truth
from cellwright.sim.units import Interval, Place, Unit, Work
from cellwright.views.recorded import (
    Record,
    RecordedDisposition,
    RecordedInterval,
    RecordedMember,
    RecordedPart,
    RecordedWork,
)

CELL, MODULE = "001CB01CW32700G320000001", "001MB02CW4S20PG320000001"


def done(kind: str, count: int) -> list[Work]:
    return [Work(operation, "ST-01", 1, is_good=True) for operation in ROUTES[kind][:count]]


@pytest.fixture
def truth() -> Truth:
    cell = Unit(
        "cell",
        1,
        code=CELL,
        intervals=[Interval("cathode", "REEL-1", 1200.4, 2101.7), Interval("can", "CAN-1", 0.0, 1.0)],
        works=done("cell", len(ROUTES["cell"])),
        place=Place.MEMBER,
        parent=MODULE,
        slot=3,
    )
    module = Unit("module", 1, code=MODULE, works=done("module", 1), members=[CELL])
    reel = LotTruth(
        "REEL-1", "cathode_reel", "mm", 148_000.0, 0.0, {}, [Part("ROLL-1", "roll", 1e3, 149e3, 0.0, 148e3, 2, True)]
    )
    return Truth(
        summary=Summary(7, 1, 0, is_finished=True, reason="", counts={}, defective_shipped=0),
        units={CELL: cell, MODULE: module},
        lots={"REEL-1": reel},
        refused=[],
        quarantined=[],
    )


@pytest.fixture
def record() -> Record:
    return Record(
        intervals=[
            RecordedInterval(CELL, "cathode", "REEL-1", 1230, 2090, 50),
            RecordedInterval(CELL, "can", "CAN-1", 0, 1, 0),
        ],
        parts=[RecordedPart("ROLL-1", "REEL-1", 1010, 149_020, 0, 148_030, 2, reversed=True, tolerance=50)],
        members=[RecordedMember(CELL, MODULE, 3)],
        works=[RecordedWork(CELL, ROUTES["cell"]), RecordedWork(MODULE, ROUTES["module"][:1])],
        dispositions=[RecordedDisposition(CELL, "member"), RecordedDisposition(MODULE, "line")],
    )


def counts(result: Score) -> tuple[int, int, int, int]:
    return (
        result.wrong_intervals,
        result.missing_intervals,
        result.wrong_dispositions,
        result.skipped_operations,
    )


def test_a_true_record_scores_zero(truth: Truth, record: Record) -> None:
    result = score(truth, record)
    assert counts(result) == (0, 0, 0, 0)
    assert result.compared_intervals == 4
    assert result.details == {}


def test_the_score_is_a_process_too(truth: Truth, record: Record, tmp_path: Path) -> None:
    write_truth(truth, tmp_path)
    path = tmp_path / "record.json"
    path.write_bytes(msgspec.json.encode(record))
    command = [sys.executable, "-m", "cellwright.sim.scoring", f"--truth={tmp_path}", f"--record={path}"]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert msgspec.json.decode(done.stdout, type=Score) == score(truth, record)


def cathode(record: Record, **changes: object) -> Record:
    first, *rest = record.intervals
    return structs.replace(record, intervals=[structs.replace(first, **changes), *rest])


@pytest.mark.parametrize(
    "changes",
    [{"lot": "REEL-2"}, {"start": 1251}, {"end": 2050}, {"tolerance": 10}, {"kind": "cathode", "lot": ""}],
)
def test_a_wrong_interval_counts_once(truth: Truth, record: Record, changes: dict[str, object]) -> None:
    result = score(truth, cathode(record, **changes))
    assert counts(result) == (1, 0, 0, 0)
    assert CELL in result.details["wrong_intervals"][0]


def test_a_missing_interval_is_found(truth: Truth, record: Record) -> None:
    result = score(truth, structs.replace(record, intervals=list(record.intervals)[1:]))
    assert counts(result) == (0, 1, 0, 0)
    assert "cathode from lot REEL-1 [1200.4, 2101.7) is not recorded" in result.details["missing_intervals"][0]


def test_an_interval_booked_twice_or_for_nobody_is_wrong(truth: Truth, record: Record) -> None:
    twice = [*record.intervals, record.intervals[0]]
    assert counts(score(truth, structs.replace(record, intervals=twice))) == (1, 0, 0, 0)
    nobody = structs.replace(record.intervals[0], unit="ghost")
    assert counts(score(truth, structs.replace(record, intervals=[*record.intervals, nobody]))) == (1, 0, 0, 0)


def part(record: Record, **changes: object) -> Record:
    return structs.replace(record, parts=[structs.replace(record.parts[0], **changes)])


@pytest.mark.parametrize(
    "changes",
    [{"lane": 1}, {"reversed": False}, {"parent_start": 1100}, {"child_end": 147_000}, {"tolerance": 5}],
)
def test_a_wrong_part_of_a_lot_is_found(truth: Truth, record: Record, changes: dict[str, object]) -> None:
    assert counts(score(truth, part(record, **changes))) == (1, 0, 0, 0)


def test_missing_and_invented_parts_are_found(truth: Truth, record: Record) -> None:
    assert counts(score(truth, part(record, parent="ROLL-2"))) == (1, 1, 0, 0)
    assert counts(score(truth, structs.replace(record, parts=[]))) == (0, 1, 0, 0)
    invented = structs.replace(record.parts[0], child="REEL-9")
    assert counts(score(truth, structs.replace(record, parts=[*record.parts, invented]))) == (1, 0, 0, 0)


def test_swapped_and_missing_slots_are_found(truth: Truth, record: Record) -> None:
    swapped = [RecordedMember(CELL, MODULE, 4)]
    assert counts(score(truth, structs.replace(record, members=swapped))) == (1, 0, 0, 0)
    assert counts(score(truth, structs.replace(record, members=[]))) == (0, 1, 0, 0)


@pytest.mark.parametrize(
    ("place", "said", "wrong"),
    [
        (Place.SCRAP, "scrap", 0),
        (Place.SCRAP, "line", 1),
        (Place.HOLD, "hold", 0),
        (Place.MEMBER, "scrap", 1),
        (Place.LINE, "line", 0),
        (Place.LINE, "done", 0),
        (Place.PARKED, "line", 0),
        (Place.DONE, "done", 0),
        (Place.SHIPPED, "line", 1),
    ],
)
def test_dispositions_are_compared_with_where_units_are(
    truth: Truth, record: Record, place: Place, said: str, wrong: int
) -> None:
    truth.units[CELL].place = place
    others = list(record.dispositions)[1:]
    changed = structs.replace(record, dispositions=[RecordedDisposition(CELL, said), *others])
    assert score(truth, changed).wrong_dispositions == wrong


def test_a_unit_without_a_disposition_is_wrong(truth: Truth, record: Record) -> None:
    assert counts(score(truth, structs.replace(record, dispositions=record.dispositions[:1]))) == (0, 0, 1, 0)


def test_a_failed_cell_that_was_built_in_is_found(truth: Truth, record: Record) -> None:
    works = truth.units[CELL].works
    works[-1] = structs.replace(works[-1], is_good=False)
    result = score(truth, record)
    assert counts(result) == (0, 0, 1, 0)
    assert "failed its last test" in result.details["wrong_dispositions"][0]


def test_a_re_test_that_passed_is_right(truth: Truth, record: Record) -> None:
    works = truth.units[CELL].works
    works.insert(4, Work("formation", "FORM-01", 1, is_good=False))
    operations = tuple(work.operation for work in works)
    others = list(record.works)[1:]
    assert counts(score(truth, structs.replace(record, works=[RecordedWork(CELL, operations), *others]))) == (
        0,
        0,
        0,
        0,
    )


def test_a_physically_skipped_operation_is_found(truth: Truth, record: Record) -> None:
    del truth.units[CELL].works[3]
    result = score(truth, record)
    assert result.skipped_operations == 1
    assert "physically skipped sealing" in result.details["skipped_operations"][0]


@pytest.mark.parametrize("operations", [ROUTES["cell"][:7], (), (*ROUTES["cell"], "sorting")])
def test_a_record_of_other_operations_than_happened_is_found(
    truth: Truth, record: Record, operations: tuple[str, ...]
) -> None:
    others = list(record.works)[1:]
    changed = structs.replace(record, works=[RecordedWork(CELL, operations), *others])
    assert counts(score(truth, changed)) == (0, 0, 0, 1)


def test_only_the_first_few_of_each_error_are_told(truth: Truth, record: Record) -> None:
    ghosts = [structs.replace(record.intervals[0], unit=f"ghost {number}") for number in range(25)]
    result = score(truth, structs.replace(record, intervals=[*record.intervals, *ghosts]))
    assert result.wrong_intervals == 25
    assert len(result.details["wrong_intervals"]) == 10


def test_a_tolerance_that_says_nothing_is_wrong(truth: Truth, record: Record) -> None:
    vague = tuple(structs.replace(each, start=0, end=1, tolerance=10**9) for each in record.intervals)
    assert score(truth, structs.replace(record, intervals=vague)).wrong_intervals == len(vague)


def test_every_part_booked_twice_is_wrong(truth: Truth, record: Record) -> None:
    twice = structs.replace(record, parts=(*record.parts, *record.parts))
    assert score(truth, twice).wrong_intervals == len(record.parts)


def test_units_that_never_were_are_wrong(truth: Truth, record: Record) -> None:
    ghosts = tuple(RecordedDisposition(f"ghost {number}", "line") for number in range(50))
    assert score(truth, structs.replace(record, dispositions=(*record.dispositions, *ghosts))).wrong_dispositions == 40
    works = (*record.works, RecordedWork("ghost", ("winding",)))
    assert score(truth, structs.replace(record, works=works)).wrong_dispositions == 1


def test_an_operation_booked_twice_is_wrong(truth: Truth, record: Record) -> None:
    works = tuple(RecordedWork(each.unit, each.operations + each.operations[-1:]) for each in record.works)
    assert score(truth, structs.replace(record, works=works)).skipped_operations == len(works)
