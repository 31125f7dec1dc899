"""What the embedded plant names has a Chinese word, on pages and on certificates."""

import re
from collections.abc import Iterator

import pytest
from msgspec import structs

from cellwright.model.certificates import UnitRecord, WorkRecord
from cellwright.model.ids import UnitKind
from cellwright.model.plant import Plant
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Operation, OperationKind, Route
from cellwright.plant.config import find_plant, load_plant
from cellwright.rules.certificates import Heading, certify
from cellwright.sim.catalogue import ALL_DEFECTS, LIMITS
from cellwright.sim.process import coating_flaws
from cellwright.sim.randoms import generator
from cellwright.web.certificates.paper import paper_of, texts_in
from cellwright.web.shell import catalogue, name_word

CHINESE = re.compile("[\u4e00-\u9fff]")
NUMBERED = re.compile(r"(.+)_\d+_([a-z]+)")


@pytest.fixture(scope="module", name="plant")
def fixture_plant() -> Plant:
    return load_plant(find_plant("lfp32700"))


def codes_of(plant: Plant) -> Iterator[str]:
    """Yield every code of the plant's files that a page shows as a word."""
    operations = [
        *plant.lot_operations.values(),
        *(each for route in plant.routes.values() for each in route.operations),
    ]
    for operation in operations:
        yield operation.code
        yield from (NUMBERED.sub(r"\1_\2", each.code) for each in operation.characteristics)
        yield from (code for each in operation.materials for code in (each.position, each.material))
        yield from filter(None, (operation.qualification,))
    for station in plant.stations.values():
        yield from (each.code for each in station.tools)
    for center in plant.work_centers.values():
        yield from (center.code, center.area)
    yield from (*plant.materials, *plant.products, *plant.carriers)


def test_every_code_of_the_plant_has_a_chinese_word(plant: Plant) -> None:
    words = catalogue("zh")
    codes = set(codes_of(plant))
    assert codes > {"winding", "torque_nm", "nutrunner", "hv_work", "magazine", "cell_32700"}
    assert not [each for each in codes if not CHINESE.search(words.get(f"term.{each}", ""))]


def test_every_name_of_station_and_work_centre_has_a_chinese_word(plant: Plant) -> None:
    stations = [each.name for each in plant.stations.values()]
    names = [plant.name, *stations, *(each.name for each in plant.work_centers.values())]
    assert not [each for each in names if not CHINESE.search(name_word(each, "zh"))]
    assert [name_word(each, "en") for each in names] == names


def test_a_name_that_nobody_knows_stays_as_it_is() -> None:
    assert name_word("Station of somebody else", "zh") == "Station of somebody else"


def test_every_flaw_that_a_coater_sees_has_a_chinese_word() -> None:
    flaws = {
        each.cause for seed in range(20) for each in coating_flaws(generator(seed, "coater"), 100_000.0, ALL_DEFECTS)
    }
    assert len(flaws) > 1
    assert not [each for each in flaws if not CHINESE.search(catalogue("zh").get(f"term.{each}", ""))]


@pytest.mark.parametrize("fault", ["low", "high", "not_measured"])
def test_a_defect_is_told_in_chinese_on_a_certificate(fault: str) -> None:
    defects = [f"{name}_{fault}" for limits in LIMITS.values() for name in limits]
    limit = Characteristic(code="torque_01_nm", unit="N.m", lower=1.0)
    operation = Operation(code="busbar_bolting", name="Bolt", kind=OperationKind.UNIT, characteristics=(limit,))
    route = Route(id=1, code="pack", revision=1, product="pack_16s20p", operations=(operation,))
    work = WorkRecord(operation="busbar_bolting", station="BOLT-01", attempt=1, is_good=False, ended_us=1)
    works = tuple(structs.replace(work, defect=each) for each in defects)
    record = UnitRecord(code="P", kind=UnitKind.PACK, product="pack_16s20p", route=route, works=works)
    paper = paper_of(certify(record, Heading(plant="P1", product_name="Pack")), "zh")
    told = [text for text in texts_in(paper) if "缺陷" in text]
    assert len(told) == len(defects)
    assert not [text for text in told if re.search("缺陷 [^;]*[a-z]{3}", text)]
    assert any("缺陷 螺栓扭矩 1 " in text for text in told)
