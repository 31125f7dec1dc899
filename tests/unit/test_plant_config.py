"""The default plant, its links and its identity; and files as wrong as they come."""

import copy
import re
import shutil
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.errors import ConfigurationError
from cellwright.model.plant import Plant
from cellwright.model.routes import OperationKind
from cellwright.plant.config import find_plant, load_plant, plant_digest, read_plant, route_bodies
from cellwright.plant.config import plants as config
from cellwright.plant.config import read as config_read
from cellwright.plant.config.checks import check_tables
from cellwright.plant.config.entries import FILES
from cellwright.plant.config.problems import Problems
from cellwright.plant.config.tables import Tables
from cellwright.rules.people import RouteBody
from cellwright.sim.bms import software_image
from cellwright.sim.bms_station import CONFIGURATION, SOFTWARE, SOFTWARE_SIZE, version_of
from cellwright.sim.catalogue import LIMITS
from cellwright.sim.servers import WORK_CENTERS

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "plants" / "lfp32700"
BASE = ROOT / "tests" / "golden" / "plants" / "base"

STATIONS = (
    "RCV-01 MIX-C1 MIX-A1 COAT-C1 COAT-A1 CAL-C1 CAL-A1 SLIT-C1 SLIT-A1 WIND-01 ASM-01 FILL-01 SEAL-01 "
    "TRAY-01 FORM-01 AGE-01 GRADE-01 SORT-01 RSORT-01 MAG-01 MOD-01 MWELD-01 GLUE-01 MEOL-01 "
    "PACK-01 BOLT-01 BMS-01 LEAK-01 INS-01 HIPOT-01 BOND-01 CYC-01 SOC-01 LABEL-01 PEOL-01 SHIP-01"
)
CELL = "winding assembly filling sealing formation ageing grading sorting resort"


@pytest.fixture(scope="module")
def plant() -> Plant:
    return load_plant(DEFAULT)


def test_default_plant_has_nothing_to_say() -> None:
    reading = read_plant(DEFAULT)
    assert (reading.problems, reading.warnings) == ((), ())


def test_default_plant_is_the_virtual_line(plant: Plant) -> None:
    assert (plant.code, plant.line) == ("LFP1", 1)
    assert list(plant.stations) == STATIONS.split()
    assert [each.code for each in plant.routes["cell"].operations] == CELL.split()
    assert plant.routes["module"].operations[0].code == "module_assembly"
    assert plant.routes["pack"].operations[-1].code == "shipping"
    assert [each.code for each in plant.routes["pack"].operations if each.qualification == "hv_work"] == ["pack_eol"]
    assert {each.slot_count for each in plant.carriers.values()} == {100, 80}


def test_operations_are_linked_to_what_they_measure(plant: Plant) -> None:
    grading = next(each for each in plant.routes["cell"].operations if each.code == "grading")
    assert [each.code for each in grading.grades] == ["A", "B"]
    assert {each.unit for each in grading.grades[0].limits} == {"Ah", "ohm", "mV/h"}
    assert [each.code for each in grading.characteristics][:2] == ["capacity_ah", "dcir_ohm"]
    assert plant.lot_operations["slit_cathode"].output_count_max == 4
    assert all(each.kind is OperationKind.LOT for each in plant.lot_operations.values())


def test_default_limits_are_those_of_the_virtual_testers(plant: Plant) -> None:
    operations = {each.code: each for route in plant.routes.values() for each in route.operations}
    operations |= plant.lot_operations
    required = {
        code: {each.code: (each.lower, each.upper) for each in operation.characteristics if each.required}
        for code, operation in operations.items()
    }
    virtual = {
        code: {name: (limit.lower, limit.upper) for name, limit in limits.items()} for code, limits in LIMITS.items()
    }
    assert required == virtual


def test_every_limit_says_where_it_comes_from_and_the_label_and_the_insulation_name_their_standard(
    plant: Plant,
) -> None:
    operations = [each for route in plant.routes.values() for each in route.operations]
    limits = [(each, limit) for each in (*operations, *plant.lot_operations.values()) for limit in each.characteristics]
    limited = [(each, limit) for each, limit in limits if (limit.lower, limit.upper) != (None, None)]
    assert not [(each.code, limit.code) for each, limit in limited if not limit.source]
    sources = {(each.code, limit.code): limit.source for each, limit in limits}
    assert sources["insulation_test", "insulation_positive_mohm"] == "GB 38031-2025, 6.1.5: 100 ohm/V"
    assert sources["labelling", "code_fit_count"].startswith("GB/T 34014-2017")


def test_the_flash_job_is_that_of_the_virtual_station(plant: Plant) -> None:
    image = software_image(SOFTWARE, SOFTWARE_SIZE)
    wanted = {
        "software_version_count": version_of(SOFTWARE),
        "software_hash_count": float(int(sha256(image).hexdigest()[:12], 16)),
        **CONFIGURATION,
    }
    assert plant.recipes["bms_flash"].parameters == wanted
    flash = next(each for each in plant.routes["pack"].operations if each.code == "bms_flash")
    limits = {each.code: (each.lower, each.upper) for each in flash.characteristics}
    for name in ("software_version_count", "software_hash_count"):
        assert limits[name] == (wanted[name], wanted[name])
    assert limits["configuration_fit_count"] == (len(CONFIGURATION),) * 2


def test_default_stations_are_those_of_the_virtual_servers(plant: Plant) -> None:
    stations: dict[str, list[str]] = {}
    for each in plant.stations.values():
        stations.setdefault(each.work_center, []).append(each.code)
    assert stations == {center: list(codes) for center, codes in WORK_CENTERS.items()}


def test_coating_may_span_two_batches(plant: Plant) -> None:
    uses = {use.position: use for use in plant.lot_operations["coat_cathode"].materials}
    assert list(uses) == ["slurry", "slurry_next", "foil"]
    assert [use.optional for use in uses.values()] == [False, True, False]


def test_products_know_their_routes(plant: Plant) -> None:
    assert {product.route for product in plant.products.values()} == set(plant.routes)
    assert all(plant.routes[each.route].product == each.code for each in plant.products.values())


def test_a_plant_survives_json(plant: Plant) -> None:
    assert msgspec.json.decode(msgspec.json.encode(plant), type=Plant) == plant


def test_route_bodies_are_what_the_rules_decode(plant: Plant) -> None:
    bodies = [msgspec.json.decode(text, type=RouteBody) for text in route_bodies(plant)]
    assert [(each.code, each.product) for each in bodies] == [
        (draft.code, draft.product) for draft in plant.routes.values()
    ]
    assert [each.operations for each in bodies] == [draft.operations for draft in plant.routes.values()]


def test_digest_feels_content_and_nothing_else(plant: Plant, tmp_path: Path) -> None:
    folder = tmp_path / "plant"
    shutil.copytree(DEFAULT, folder)
    carriers = folder / "carriers.toml"
    text = carriers.read_text()
    head, first, second = text.partition("[[carriers]]")[0], *text.split("[[carriers]]")[1:]
    carriers.write_text(f"{head}[[carriers]]{second}\n[[carriers]]{first}")
    assert plant_digest(load_plant(folder)) == plant_digest(plant)
    carriers.write_text(text.replace("slot_count = 100", "slot_count = 99"))
    assert plant_digest(load_plant(folder)) != plant_digest(plant)


def test_newest_recipe_is_in_force(tmp_path: Path) -> None:
    folder = tmp_path / "plant"
    shutil.copytree(BASE, folder)
    recipes = folder / "recipes.toml"
    newer = '[[recipes]]\ncode = "MIX"\nrevision = 3\noperation = "mix"\nparameters = { duration_s = 700 }\n\n'
    recipes.write_text(newer + recipes.read_text())
    recipe = load_plant(folder).recipes["mix"]
    assert (recipe.revision, recipe.parameters) == (3, {"duration_s": 700.0})


def test_find_plant_by_name_and_by_path(tmp_path: Path) -> None:
    assert find_plant("lfp32700") == DEFAULT
    assert find_plant(str(DEFAULT)) == DEFAULT
    assert find_plant(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["lfp327", "../plants/lfp327", "nowhere/lfp32700"])
def test_find_plant_names_the_plants_there_are(name: str) -> None:
    with pytest.raises(ConfigurationError, match="lfp32700"):
        find_plant(name)


def test_no_folder_is_one_mistake(tmp_path: Path) -> None:
    (problem,) = read_plant(tmp_path / "nowhere").problems
    assert "no such folder" in problem


def test_empty_folder_names_every_file(tmp_path: Path) -> None:
    problems = read_plant(tmp_path).problems
    assert [problem.partition(":")[0] for problem in problems] == list(FILES)


# --- files as wrong as they come ----------------------------------------------------------------

Path_ = tuple[str | int, ...]
CONTENT = {name: tomllib.loads((BASE / name).read_text()) for name in FILES}


def leaves(node: object, path: Path_ = ()) -> Iterator[Path_]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from leaves(each, (*path, key))


PLACES = [place for place in leaves(CONTENT) if len(place) > 1]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
REMOVED = object()


CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), VALUES | st.just(REMOVED)), min_size=1, max_size=4)
NAMES = [place for place in PLACES if place[-1] == "name" and len(place) > 2]
"""Keys that no check of several tables reads."""
OF_A_NAME = re.compile(r"\.name( \(.*?\))?: (found|missing)")


def read_changed(changes: list[tuple[Path_, object]]) -> tuple[Problems, Tables]:
    content: dict[str, dict[str, object]] = copy.deepcopy(CONTENT)
    for place, value in changes:
        change(content, place, value)
    problems, tables = Problems(), Tables()
    for name, each in content.items():
        config_read._read_file(name, each, "", tables=tables, problems=problems)
    check_tables(tables, problems)
    return problems, tables


@given(CHANGES)
def test_no_content_breaks_the_reader(changes: list[tuple[Path_, object]]) -> None:
    """Whatever the files hold is either named as a mistake, or builds a plant."""
    problems, tables = read_changed(changes)
    assert all("; " in message and message.isprintable() for message in problems.mistakes)
    assert not [message for message in (*problems.mistakes, *problems.warnings) if "UNSET" in message]
    if not problems.mistakes:
        config._build(tables)


@given(CHANGES)
def test_a_mistake_in_every_entry_hides_no_other_mistake(changes: list[tuple[Path_, object]]) -> None:
    changes = [(place, value) for place, value in changes if place not in NAMES]
    before, _ = read_changed(changes)
    after, _ = read_changed([*changes, *((place, 5) for place in NAMES)])
    others = [[each for each in read.mistakes if not OF_A_NAME.search(each)] for read in (before, after)]
    assert others[0] == others[1]
    assert after.warnings == before.warnings


def test_a_file_that_the_disk_does_not_give_is_named(tmp_path: Path) -> None:
    folder = shutil.copytree(BASE, tmp_path / "plant")
    (folder / "routes.toml").unlink()
    (folder / "routes.toml").symlink_to("/proc/self/mem")  # it opens, and its first byte cannot be read
    (problem,) = read_plant(folder).problems
    assert problem.startswith("routes.toml: cannot be read (")


def change(node: Any, place: Path_, value: object) -> None:
    *way, last = place
    try:
        for key in way:
            node = node[key]
        if value is REMOVED:
            del node[last]
        else:
            node[last] = value
    except (KeyError, IndexError, TypeError):
        return  # an earlier change removed it
