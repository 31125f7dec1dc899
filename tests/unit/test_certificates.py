"""Certificates: what is judged, by which limits, what is missing, and that the hash follows every byte of it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cellwright.errors import ConfigurationError
from cellwright.model.certificates import (
    BoundLot,
    Calibration,
    Certificate,
    CertificateVerdict,
    Incident,
    LackKind,
    UnitRecord,
    WorkRecord,
    canonical_json,
)
from cellwright.model.codes import BATTERY_TYPES
from cellwright.model.ids import UnitKind
from cellwright.model.materials import MaterialUse
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Members, Operation, OperationKind, Route
from cellwright.rules.certificates import Heading, certify
from cellwright.views.certificate import INCIDENT_KINDS
from cellwright.web.certificates import printing
from cellwright.web.certificates.paper import limits_text, number_text, paper_of, texts_in

GOLDEN = Path(__file__).parents[1] / "golden" / "certificates" / "pack.json"
HEADING = Heading(plant="P1", product_name="Small pack", order="WO-1")
VOLTS = Characteristic(code="voltage_v", unit="V", lower=52.0, upper=53.6, source="drawing 7, sheet 2")
CAPACITY = Characteristic(code="capacity_ah", unit="Ah", lower=5.9)
CELL_ROUTE = Route(
    id=1,
    code="cell",
    revision=3,
    product="cell",
    operations=(
        Operation(
            code="grading",
            name="Grade",
            kind=OperationKind.UNIT,
            characteristics=(CAPACITY,),
            grades=(Grade(code="A", limits=(CAPACITY,)), Grade(code="B")),
        ),
    ),
)
PACK_ROUTE = Route(
    id=2,
    code="pack",
    revision=1,
    product="pack",
    operations=(
        Operation(
            code="join",
            name="Join",
            kind=OperationKind.COMMISSION,
            members=Members(product="cell", count=2),
            materials=(
                MaterialUse(position="bms", material="bms", quantity=1),
                MaterialUse(position="tape", material="tape", quantity=1, optional=True),
            ),
        ),
        Operation(
            code="eol",
            name="Test",
            kind=OperationKind.UNIT,
            characteristics=(VOLTS,),
            calibrated=True,
            qualification="hv_work",
        ),
    ),
)
BMS = BoundLot(operation="join", position="bms", material="bms", lot="BMS-7", supplier="S1")


def work(operation: str, ended_us: int = 200, **said: Any) -> WorkRecord:
    return WorkRecord(
        **{"station": "ST-1", "attempt": 1, "is_good": True, **said}, operation=operation, ended_us=ended_us
    )


def cell(serial: int, *works: WorkRecord, **said: Any) -> UnitRecord:
    graded = works or (work("grading", values={"capacity_ah": 6.1}, grade="A"),)
    return UnitRecord(
        code=f"001CB01CW32700G1X{serial:07d}",
        kind=UnitKind.CELL,
        product="cell",
        route=CELL_ROUTE,
        slot=serial,
        grade="A",
        step=1,
        works=graded,
        **said,
    )


def eol(**said: Any) -> WorkRecord:
    good = {
        "values": {"voltage_v": 52.8},
        "person": "B-1",
        "began_us": 150,
        "calibration": Calibration(valid_until_us=150),
    }
    return work("eol", **{**good, **said})


def pack(*works: WorkRecord, **said: Any) -> UnitRecord:
    record = UnitRecord(
        code="001PB03CW16S20G1Y0000001",
        kind=UnitKind.PACK,
        product="pack",
        route=PACK_ROUTE,
        step=2,
        made_from_us=100,
        works=works or (work("join", lots=(BMS,)), eol()),
        members=(cell(1), cell(2)),
    )
    return structs.replace(record, **said)


def kinds(certificate: Certificate) -> set[LackKind]:
    return {each.kind for each in certificate.lacks}


def test_a_pack_of_which_all_is_known_and_good_is_complete() -> None:
    found = certify(pack(), HEADING)
    assert (found.is_complete, found.verdict, found.lacks) == (True, CertificateVerdict.GOOD, ())
    assert (found.order, found.made_from_us, found.made_to_us) == ("WO-1", 100, 200)
    assert [each.value for each in found.fields if each.name == "kind"] == ["pack"]
    (unit,) = found.units
    assert [(test.operation, test.is_good, test.calibration) for test in unit.tests][1] == (
        "eol",
        True,
        Calibration(valid_until_us=150),
    )
    (judged,) = unit.tests[1].values
    assert (judged.value, judged.is_good, judged.characteristic) == (52.8, True, VOLTS)
    assert unit.lots == (BMS,)
    assert [(each.slot, each.grade, each.values) for each in unit.members] == [(1, "A", (6.1,)), (2, "A", (6.1,))]
    assert [(each.route, each.revision, each.characteristic) for each in unit.columns] == [("cell", 3, CAPACITY)]


@pytest.mark.parametrize(
    ("record", "kind", "verdict"),
    [
        (pack(work("join", lots=(BMS,))), LackKind.NOT_DONE, "open"),
        (pack(step=1), LackKind.NOT_DONE, "open"),
        (pack(work("join"), eol()), LackKind.NO_LOT, "open"),
        (pack(work("join", lots=(BMS,)), eol(values={})), LackKind.NOT_MEASURED, "open"),
        (pack(work("join", lots=(BMS,)), eol(values={"voltage_v": 51.9})), LackKind.OUTSIDE, "not_good"),
        (pack(work("join", lots=(BMS,)), eol(is_good=False)), LackKind.NOT_GOOD, "not_good"),
        (pack(work("join", lots=(BMS,)), eol(calibration=None)), LackKind.NOT_CALIBRATED, "open"),
        (
            pack(work("join", lots=(BMS,)), eol(calibration=Calibration(valid_until_us=149))),
            LackKind.NOT_CALIBRATED,
            "open",
        ),
        (pack(work("join", lots=(BMS,)), eol(person="")), LackKind.NO_PERSON, "open"),
        (pack(members=(cell(1),)), LackKind.NO_MEMBER, "open"),
        (pack(members=(cell(1), cell(1))), LackKind.TWICE, "not_good"),
        (pack(members=(cell(1), cell(2, is_held=True))), LackKind.HELD, "open"),
        (pack(members=(cell(1), cell(2, work("grading", values={})))), LackKind.NOT_MEASURED, "open"),
        (pack(is_scrapped=True), LackKind.SCRAPPED, "not_good"),
        (pack(code="NO-CODE"), LackKind.BAD_CODE, "open"),
    ],
)
def test_what_is_missing_is_named_and_makes_it_a_draft(record: UnitRecord, kind: LackKind, verdict: str) -> None:
    found = certify(record, HEADING)
    assert kinds(found) == {kind}
    assert (found.is_complete, found.verdict) == (False, verdict)
    assert all(each.text and each.units for each in found.lacks)


def test_a_failed_test_stays_after_its_repair() -> None:
    failed = eol(is_good=False, values={"voltage_v": 50.0}, defect="low")
    found = certify(pack(work("join", lots=(BMS,)), failed, eol(attempt=2)), HEADING)
    assert found.is_complete
    assert [(test.attempt, test.is_good, test.is_last) for test in found.units[0].tests[1:]] == [
        (1, False, False),
        (2, True, True),
    ]
    texts = list(texts_in(paper_of(found, "en")))
    assert any("attempt 1: not good (repeated later)" in text and "defect low" in text for text in texts)


def test_what_several_lack_alike_is_said_once() -> None:
    bare = (cell(1, work("grading", values={})), cell(2, work("grading", values={})))
    (lack,) = certify(pack(members=bare), HEADING).lacks
    assert lack.units == (bare[0].code, bare[1].code)


def test_limits_without_a_source_are_told() -> None:
    assert any("grading.capacity_ah" in each for each in certify(cell(1), HEADING).warnings)
    assert not any("eol.voltage_v" in each for each in certify(pack(), HEADING).warnings)


@given(value=st.floats(allow_nan=False, allow_infinity=False), measured_count=st.integers(0, 1))
def test_the_hash_follows_the_record(value: float, measured_count: int) -> None:
    results = {"voltage_v": value} if measured_count else {}
    found = certify(pack(work("join", lots=(BMS,)), eol(values=results)), HEADING)
    assert found.sha256 == hashlib.sha256(canonical_json(found)).hexdigest()
    assert found.is_complete == (bool(measured_count) and VOLTS.is_good(value))
    other = certify(pack(work("join", lots=(BMS,)), eol(values={"voltage_v": 52.80000000000001})), HEADING)
    assert found.sha256 != other.sha256 or value == 52.80000000000001
    assert msgspec.json.decode(msgspec.json.encode(found), type=Certificate) == found


def test_the_json_stays_what_it_was() -> None:
    found = certify(pack(), HEADING)
    content = json.loads(canonical_json(found))
    assert "sha256" not in content
    assert list(content) == sorted(content)
    golden = GOLDEN.read_bytes().rstrip()
    assert canonical_json(found) == golden
    assert found.sha256 == hashlib.sha256(golden).hexdigest()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_incident_and_battery_type_has_a_word(language: str) -> None:
    happened = tuple(
        Incident(kind=kind, time_us=1, unit="U", actor="A", reason="", others=("IN",), replaced=("OUT",))
        for kind in INCIDENT_KINDS
    )
    paper = paper_of(certify(pack(), structs.replace(HEADING, incidents=happened)), language)
    assert [len(table.rows) for table in paper.sections[-1].tables] == [len(INCIDENT_KINDS)]
    for letter in BATTERY_TYPES:
        assert paper_of(certify(cell(1), HEADING), language) != paper_of(
            certify(pack(code=f"001P{letter}03CW16S20G1Y0000001"), HEADING), language
        )


def test_numbers_and_limits_are_written_as_people_read_them() -> None:
    assert [number_text(value) for value in (6.0, 0.0122, 3.2750000000000004, 213227344018691.0)] == [
        "6",
        "0.0122",
        "3.275",
        "213227344018691",
    ]
    limits = [(52.0, 53.6), (4.0, 4.0), (1.0, None), (None, 2.0), (None, None)]
    shown = [limits_text(Characteristic(code="x", unit="V", lower=low, upper=high)) for low, high in limits]
    assert shown == ["52 ... 53.6", "= 4", ">= 1", "<= 2", ""]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_text_of_the_plant_is_escaped(language: str) -> None:
    evil = structs.replace(HEADING, order="<script>alert(1)</script>", product_name="#{panic()}")
    found = certify(pack(), evil)
    html = printing.to_html(paper_of(found, language))
    assert "<script" not in html
    assert found.sha256 in html
    assert printing.to_pdf(found, language).startswith(b"%PDF-")


def test_without_a_font_chinese_is_printed_in_english_and_it_says_so() -> None:
    found = certify(pack(), HEADING)
    paper = printing.printable(found, "zh", has_cjk=False)
    assert paper.language == "en"
    assert "no CJK font" in paper.notice
    assert printing.printable(found, "zh", has_cjk=True).language == "zh"
    assert printing.printable(found, "en", has_cjk=False).notice == ""


def test_without_typst_the_pdf_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as caught:
        printing.to_pdf(certify(pack(), HEADING), "en")
    assert "cellwright[pdf]" in caught.value.problems[0]
