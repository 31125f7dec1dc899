import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from cellwright.cli.commonality import commonality_lines
from cellwright.database.pool import connect
from cellwright.testing.database import prepared_database
from cellwright.testing.many_lots import CELLS, ManyLots, ManyModules, tell_many_lots, tell_many_modules
from cellwright.testing.replay import caught_up, through_gate
from cellwright.views.commonality import counts
from cellwright.views.commonality.factors import FactorKind
from cellwright.views.commonality.population import CommonalityError
from cellwright.views.commonality.reading import Asked, Commonality, CommonFinding, read_commonality

SEEDS = range(10)
FACTORS = {
    "can": (FactorKind.LOT, "can"),
    "separator": (FactorKind.LOT, "separator"),
    "roll": (FactorKind.LOT, "roll"),
    "web": (FactorKind.LOT, "web"),
    "slurry": (FactorKind.LOT, "slurry"),
    "lane": (FactorKind.LANE, "roll"),
    "assemble": (FactorKind.STATION, "assemble"),
    "form": (FactorKind.STATION, "form"),
    "slot": (FactorKind.SLOT, "form"),
    "channel": (FactorKind.CHANNEL, "form"),
    "carrier": (FactorKind.CARRIER, "form"),
}
"""The kinds of causes of the story, and the factors that tell of them."""


@pytest.fixture(scope="module")
def told() -> ManyLots:
    return tell_many_lots()


@pytest.fixture(scope="module")
def url(told: ManyLots) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=told.driver), caught_up) as address:
        yield address


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(url)
    yield opened
    await opened.close()


async def asked(connection: asyncpg.Connection, codes: Sequence[str], **fields: Any) -> Commonality:
    return await read_commonality(connection, Asked(codes=codes, **fields))


def names(finding: CommonFinding) -> set[tuple[FactorKind, str, str]]:
    return {(level.factor, level.of, level.code) for level in finding.levels}


def finding_of(answer: Commonality, kind: str, code: str) -> CommonFinding:
    return next(each for each in answer.findings if (*FACTORS[kind], code) in names(each))


# --- what is counted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FACTORS)
async def test_every_level_is_counted_as_the_story_made_it(
    connection: asyncpg.Connection, told: ManyLots, kind: str
) -> None:
    bad = told.bad(3, base_ratio=0.5)
    answer = await asked(connection, bad, limit=1000)
    for code, cells in told.causes[kind].items():
        found = finding_of(answer, kind, code)
        assert (found.bad_count, found.count) == (len(set(bad) & set(cells)), len(cells)), (kind, code)
        assert (found.bad_total, found.total) == (len(bad), CELLS)


async def test_places_along_a_lot_are_tenths_of_its_units(connection: asyncpg.Connection, told: ManyLots) -> None:
    answer = await asked(connection, told.bad(3, base_ratio=0.5), limit=1000)
    along = {
        code: each.count
        for each in answer.findings
        for factor, of, code in names(each)
        if (factor, of) == (FactorKind.POSITION, "can")
    }
    assert along == {str(tenth): 60 for tenth in range(10)}


async def test_the_stations_that_made_the_lots_are_counted_too(connection: asyncpg.Connection, told: ManyLots) -> None:
    answer = await asked(connection, told.bad(1), limit=1000)
    assert answer.common_count > 5, "one mixer, one coater, one slitter: all cells had them"
    shifts = {name for each in answer.findings for name in names(each) if name[0] is FactorKind.SHIFT}
    assert ("mix", "2026-01-01 00:00") in {name[1:] for name in shifts} or not shifts


# --- what is found --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "index", "ratio"),
    [
        ("can", 2, 0.3),
        ("roll", 4, 0.3),
        ("slurry", 1, 0.2),
        ("web", 7, 0.4),
        ("separator", 0, 0.2),
        ("lane", 1, 0.2),
        ("form", 1, 0.2),
        ("channel", 5, 0.5),
        ("carrier", 3, 0.4),
    ],
)
async def test_what_made_cells_bad_is_first(
    connection: asyncpg.Connection, told: ManyLots, kind: str, index: int, ratio: float
) -> None:
    code, cells = list(told.causes[kind].items())[index]
    firsts = 0
    for seed in SEEDS:
        bad = told.bad(seed, cells, ratio=ratio)
        answer = await asked(connection, bad, limit=1)
        first = answer.findings[0]
        firsts += (*FACTORS[kind], code) in names(first) and first.stands_out
        if (*FACTORS[kind], code) in names(first):
            share, others = ratio, 0.03
            assert first.low_ratio < share / others * 2
            assert first.high_ratio is None or first.high_ratio > share / others / 2
    assert firsts >= len(SEEDS) - 1


async def test_what_the_cause_explains_has_nothing_left_without_it(
    connection: asyncpg.Connection, told: ManyLots
) -> None:
    cells = list(told.causes["can"].values())[2]
    answer = await asked(connection, told.bad(1, cells, ratio=0.4))
    assert answer.found_count > 1, "what holds the drum's cells stands out as well"
    assert answer.findings[0].rest is None
    for each in answer.findings[1 : answer.found_count]:
        assert each.rest is not None
        assert each.rest.p_value > 0.01, names(each)


async def test_levels_of_the_same_cells_are_one_finding(connection: asyncpg.Connection, told: ManyLots) -> None:
    same = [
        (can, roll)
        for can, cans in told.causes["can"].items()
        for roll, rolls in told.causes["roll"].items()
        if set(cans) == set(rolls)
    ]
    assert same
    answer = await asked(connection, told.bad(3, base_ratio=0.5), limit=1000)
    for can, roll in same:
        assert finding_of(answer, "can", can) is finding_of(answer, "roll", roll)


async def test_without_a_cause_nothing_stands_out(connection: asyncpg.Connection, told: ManyLots) -> None:
    draws = [told.bad(seed, base_ratio=0.08) for seed in range(40)]
    found = [(await asked(connection, bad, limit=1)).found_count for bad in draws]
    assert sum(each > 0 for each in found) <= 2, "5 % of 40 draws"


async def test_nothing_says_what_could_have_been_found(connection: asyncpg.Connection, told: ManyLots) -> None:
    bad = told.bad(5, base_ratio=0.08)
    answer = await asked(connection, bad)
    best = next(each for each in answer.findable if (each.factor, each.of) == FACTORS["slurry"])
    assert best.ratio is not None
    code, cells = list(told.causes["slurry"].items())[1]
    assert best.count == len(cells)
    # As many bad units in all, so many times as often in this batch: a share p elsewhere, p * ratio in it.
    elsewhere = len(bad) / (best.count * best.ratio + CELLS - best.count)
    hits = 0
    for seed in range(30):
        drawn = told.bad(seed, cells, ratio=elsewhere * best.ratio, base_ratio=elsewhere)
        answer = await asked(connection, drawn, limit=1)
        hits += any((*FACTORS["slurry"], code) in names(each) for each in answer.findings if each.stands_out)
    assert hits >= 18, "four times out of five, less chance"


# --- the population -------------------------------------------------------------------------------------


async def test_the_population_goes_beyond_the_lots_of_the_bad_units(
    connection: asyncpg.Connection, told: ManyLots
) -> None:
    cells = told.cells[250:260]
    answer = await asked(connection, cells)
    assert answer.population.bad_count == 10
    assert 300 <= answer.population.count <= CELLS
    assert answer.population.first <= cells[0] < cells[-1] <= answer.population.last
    assert answer.population.kind == "cell"
    assert answer.findings[0].stands_out


async def test_times_narrow_the_population(connection: asyncpg.Connection, told: ManyLots) -> None:
    whole = (await asked(connection, told.cells[::20])).population
    assert whole.from_us is not None
    assert whole.to_us is not None
    # A reel of 50 cells is born every quarter of an hour.
    later = await asked(connection, told.cells[::20], from_us=whole.from_us + 1)
    assert (later.population.count, later.population.left_out_count) == (CELLS - 50, 3)
    assert later.population.first == told.cells[50]
    first = await asked(connection, told.cells[::20], to_us=whole.from_us + 1)
    assert (first.population.count, first.population.bad_count) == (50, 3)
    both = await asked(connection, told.cells[::20], from_us=whole.from_us + 1, to_us=whole.to_us)
    assert both.population.count == CELLS - 100
    with pytest.raises(CommonalityError, match="none of the bad units is a cell born in that time"):
        await asked(connection, told.cells[:3], from_us=whole.to_us)


async def test_a_sample_tells_the_same_cause(
    connection: asyncpg.Connection, told: ManyLots, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, cells = list(told.causes["can"].items())[3]
    channel, formed = list(told.causes["channel"].items())[4]
    monkeypatch.setattr(counts, "STEPPED_MAX", 300)
    answer = await asked(connection, told.bad(1, formed, ratio=0.6))
    population = answer.population
    assert (population.counted_count, population.stepped_count) == (CELLS, 300 + population.bad_count)
    assert (FactorKind.CHANNEL, "form", channel) in names(answer.findings[0])
    assert answer.findings[0].total == population.stepped_count
    monkeypatch.setattr(counts, "COUNTED_MAX", 500)
    answer = await asked(connection, told.bad(1, cells, ratio=0.4))
    assert answer.population.counted_count == 300 + answer.population.bad_count
    assert (*FACTORS["can"], code) in names(answer.findings[0])
    assert answer.population.count == CELLS


# --- what cannot be answered ----------------------------------------------------------------------------


async def test_every_unknown_code_is_named(connection: asyncpg.Connection, told: ManyLots) -> None:
    wrong = ["NOTHING", told.cells[0][:-7] + "9999999", "CAN-1", "TRAY-1"]
    with pytest.raises(CommonalityError) as caught:
        await asked(connection, [told.cells[0], *wrong])
    lines = str(caught.value).splitlines()
    assert len(lines) == len(wrong)
    assert all(code in line for code, line in zip(wrong, lines, strict=True))
    assert "is a lot and no unit" in lines[2]
    many = [f"X-{number}" for number in range(30)]
    with pytest.raises(CommonalityError) as caught:
        await asked(connection, many)
    assert all(code in str(caught.value) for code in many)


async def test_other_questions_without_an_answer(connection: asyncpg.Connection, told: ManyLots) -> None:
    with pytest.raises(CommonalityError, match="no codes were given"):
        await asked(connection, [" "])
    with pytest.raises(CommonalityError, match="at most 10000 at a time"):
        await asked(connection, [f"X-{number}" for number in range(10_001)])
    with pytest.raises(CommonalityError, match="all 600 units to compare with are bad"):
        await asked(connection, told.cells)
    with pytest.raises(CommonalityError, match="none of the units is a module; they are: cell"):
        await asked(connection, told.cells[:2], product="module")


# --- the command line -----------------------------------------------------------------------------------


def call(url: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cellwright", "commonality", *arguments, "--database", url],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_people_read_what_stands_out(url: str, told: ManyLots) -> None:
    code, cells = list(told.causes["can"].items())[2]
    bad = told.bad(1, cells)
    done = call(url, "--file", "-", text="\n".join(bad))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{len(bad)} bad of {CELLS} units of cell"
    at = next(index for index, line in enumerate(lines) if line.startswith("  1. "))
    assert f"lot of can {code}" in lines[at]
    inside = len(set(bad) & set(cells))
    assert f"{inside} of 100 bad, of the others {len(bad) - inside} of 500" in lines[at + 1]
    assert "(95 %: " in lines[at + 1]
    assert "without the units of 1" in done.stdout


def test_people_read_that_nothing_stands_out(url: str, told: ManyLots) -> None:
    done = call(url, *told.bad(5, base_ratio=0.08))
    assert done.returncode == 0, done.stderr
    assert "nothing stands out" in done.stdout
    assert "times as often as elsewhere" in done.stdout


async def test_people_read_that_nothing_could_have_stood_out(connection: asyncpg.Connection, told: ManyLots) -> None:
    answer = await asked(connection, told.cells[7:8])
    assert answer.found_count == 0
    lines = list(commonality_lines(structs.replace(answer, findable=())))
    assert "nothing stands out" in lines
    assert any(line.startswith("  nothing could have: the units are too few") for line in lines)


def test_programs_read_json(url: str, told: ManyLots) -> None:
    code, cells = next(iter(told.causes["form"].items()))
    done = call(url, *told.bad(2, cells, ratio=0.2), "--json", "--limit", "3")
    answer = json.loads(done.stdout)
    first = answer["findings"][0]
    assert {"factor": "station", "of": "form", "code": code, "basis": "exact"} in first["levels"]
    assert first["stands_out"]
    assert answer["population"]["product"] == "cell"


def test_wrong_codes_and_usage_have_their_exit_codes(url: str) -> None:
    unknown = call(url, "NOTHING-1", "NOTHING-2")
    assert unknown.returncode == 1
    assert [line.split("'")[1] for line in unknown.stderr.splitlines()] == ["NOTHING-1", "NOTHING-2"]
    assert call(url).returncode == 2
    assert call(url, "X", "--from", "yesterday").returncode == 2


# --- modules --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> ManyModules:
    return tell_many_modules()


@pytest.fixture(scope="module")
def modules_url(many: ManyModules) -> Iterator[str]:
    with prepared_database(partial(through_gate, driver=many.driver), caught_up) as address:
        yield address


@pytest.fixture
async def of_modules(modules_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(modules_url)
    yield opened
    await opened.close()


async def test_a_module_had_what_any_of_its_cells_had(of_modules: asyncpg.Connection, many: ManyModules) -> None:
    cells_with = many.causes["can"]["CAN-2"]
    answer = await asked(of_modules, cells_with, limit=1000)
    assert (answer.population.kind, answer.population.count) == ("module", len(many.modules))
    first = answer.findings[0]
    assert (FactorKind.LOT, "can", "CAN-2") in names(first)
    assert first.stands_out
    assert (first.bad_count, first.count, first.ratio) == (6, 6, None)
    assert first.high_ratio is None
    some = many.modules[::2] + many.modules[1:9:2]
    answer = await asked(of_modules, some, limit=1000)
    counted = {name: each for each in answer.findings for name in names(each)}
    for kind, factor in (
        ("kit", (FactorKind.LOT, "kit")),
        ("can", FACTORS["can"]),
        ("role", (FactorKind.ROLE, "test")),
    ):
        for code, modules in many.causes[kind].items():
            if len(modules) > 6:
                found = counted[*factor, code]
                assert (found.bad_count, found.count) == (len(set(modules) & set(some)), len(modules))


async def test_tools_roles_and_slots_are_counted_by_step(of_modules: asyncpg.Connection, many: ManyModules) -> None:
    answer = await asked(of_modules, many.cells[::3], limit=1000)
    counted = {name: each for each in answer.findings for name in names(each)}
    for slot, cells in many.causes["member_slot"].items():
        found = counted[FactorKind.MEMBER_SLOT, "module", slot]
        assert (found.bad_count, found.count) == (len(set(many.cells[::3]) & set(cells)), len(cells))
    cutters = [name for name in counted if name[:2] == (FactorKind.TOOL, "WIND-01 cutter")]
    assert len(cutters) == len(many.causes["cutter"])
    assert all(counted[name].count == 32 for name in cutters)
    blamed = await asked(of_modules, many.causes["cutter"]["2"][::2])
    assert blamed.findings[0].stands_out
    assert any(name[0] is FactorKind.TOOL for name in names(blamed.findings[0]))


async def test_cells_and_modules_are_not_compared_with_each_other(
    of_modules: asyncpg.Connection, many: ManyModules
) -> None:
    both = [many.modules[0], *many.cells[:3]]
    with pytest.raises(CommonalityError, match=r"of 2 products \(cell, module\)"):
        await asked(of_modules, both)
    chosen = await asked(of_modules, both, product="cell")
    assert (chosen.population.bad_count, chosen.population.left_out_count) == (3, 1)
