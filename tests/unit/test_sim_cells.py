import math

import numpy as np
import pytest
from numpy.random import Generator

from cellwright.sim.catalogue import CATHODE, LIMITS, NO_DEFECTS, ROUTES, Defects
from cellwright.sim.cells import (
    Bench,
    age,
    assemble,
    fill,
    form,
    grade,
    mean_over,
    measure_again,
    seal,
    shot_mg,
    weigh,
    wind,
)
from cellwright.sim.lots import Lot, Span
from cellwright.sim.randoms import generator
from cellwright.sim.station import judge
from cellwright.sim.units import Unit


def webs(weight_ratio: float = 1.0, burr_um: float = 4.0, length_mm: float = 900.0) -> list[Span]:
    areal = np.full((100, 1), CATHODE.areal_weight_gsm * weight_ratio)
    cathode = Lot("C", "cathode_reel", "mm", 1e5, 100_000, areal_gsm=areal, traits={"burr_um": burr_um})
    anode = Lot("A", "anode_reel", "mm", 1e5, 100_000, areal_gsm=areal, traits={"burr_um": burr_um})
    return [
        Span("cathode", cathode, 5000.0, 5000.0 + length_mm, 5000, 5900),
        Span("anode", anode, 5000.0, 5960.0, 5000, 5960),
    ]


def wound(number: int, defects: Defects = NO_DEFECTS, spans: list[Span] | None = None) -> tuple[Unit, dict[str, float]]:
    cell = Unit("cell", number, code=f"C{number}")
    bench = Bench(generator(1, "WIND-01", number), defects)
    return cell, wind(cell, spans or webs(), bench, generator(1, "cell", number))


def bench(name: str, defects: Defects = NO_DEFECTS, **what: float) -> Bench:
    return Bench(generator(3, name), defects, slot=int(what.get("slot", 0)), hours=what.get("hours", 168.0))


def through(cell: Unit, random: Generator, defects: Defects = NO_DEFECTS) -> dict[str, dict[str, float]]:
    place = Bench(random, defects, hours=168.0, code=cell.code)
    results = {
        "assembly": assemble(cell, place),
        "filling": fill(cell, shot_mg(cell, place, cell.number), place),
        "sealing": seal(cell, place),
        "formation": form(cell, place),
        "ageing": age(cell, place),
        "grading": grade(cell, place),
        "sorting": weigh(cell, place),
    }
    place.readings = {**results["grading"], **results["sorting"]}
    return {**results, "resort": measure_again(cell, place)}


def test_spreads_are_those_of_the_literature() -> None:
    cells = [wound(number)[0] for number in range(600)]
    capacity = np.array([cell.traits["capacity_ah"] for cell in cells])
    dcir = np.array([cell.traits["dcir_ohm"] for cell in cells])
    k = np.array([cell.traits["k_mv_per_h"] for cell in cells])
    assert 0.002 <= capacity.std() / capacity.mean() <= 0.003
    assert 0.007 <= dcir.std() / dcir.mean() <= 0.015
    assert capacity.mean() == pytest.approx(6.1, rel=0.002)
    assert np.median(k) == pytest.approx(0.012, rel=0.1)


def test_capacity_follows_cathode_weight_and_length_one_to_one() -> None:
    nominal = wound(1)[0].traits["capacity_ah"]
    heavy = wound(1, spans=webs(weight_ratio=1.02))[0].traits["capacity_ah"]
    longer = wound(1, spans=webs(length_mm=909.0))[0].traits["capacity_ah"]
    assert heavy / nominal == pytest.approx(1.02)
    assert longer / nominal == pytest.approx(1.01)


def test_without_defects_every_cell_passes_every_test() -> None:
    for number in range(300):
        cell, measured = wound(number)
        results = {"winding": measured, **through(cell, generator(2, "line", number))}
        assert set(results) == set(ROUTES["cell"])
        assert {operation: judge(operation, values) for operation, values in results.items()} == dict.fromkeys(
            results, ""
        )
        assert not cell.is_defective
        assert {operation: set(values) - {"acir_ohm"} for operation, values in results.items()} == {
            operation: set(LIMITS[operation]) for operation in results
        }


def test_burr_makes_soft_shorts_that_are_seen_in_k_not_before() -> None:
    sharp = [wound(number, Defects(winding_short=0.0), webs(burr_um=12.0))[0] for number in range(1500)]
    clean = [wound(number, Defects(winding_short=0.0), webs(burr_um=4.0))[0] for number in range(1500)]
    shorted = [cell for cell in sharp if "soft_short" in cell.causes]
    assert len(shorted) > 3 * sum("soft_short" in cell.causes for cell in clean)
    seen = sum(bool(judge("ageing", age(cell, bench("AGE-01")))) for cell in shorted)
    assert 0.8 < seen / len(shorted) <= 1.0
    assert not any(judge("formation", form(cell, bench("FORM-01"))) for cell in shorted)


def test_a_worn_nozzle_gives_too_little_and_a_second_shot_tops_up() -> None:
    defects = Defects(nozzle_underfill=1.0)
    cell, place = wound(1)[0], bench("FILL-01", defects)
    assert judge("filling", fill(cell, shot_mg(cell, place, 6), place))
    assert cell.causes == ["underfill"]
    assert not judge("filling", fill(cell, shot_mg(cell, place, 14), place))
    assert not cell.is_defective
    other = wound(2)[0]
    assert not judge("filling", fill(other, shot_mg(other, place, 7), place))


def test_a_bad_contact_only_looks_like_a_bad_cell() -> None:
    defects = Defects(formation_contact=1.0)
    cell = wound(1)[0]
    assert judge("formation", form(cell, bench("FORM-01", defects))) == "charge_ah_low"
    assert not judge("formation", form(cell, bench("FORM-01", NO_DEFECTS)))
    assert not cell.is_defective


def test_the_worn_channel_fails_half_of_the_time() -> None:
    place = bench("FORM-01", Defects(formation_contact=0.001), slot=37)
    failed = sum(bool(judge("formation", form(wound(number)[0], place))) for number in range(200))
    assert 70 < failed < 130


def test_half_of_the_cold_welds_pass_the_pull_test_and_fail_grading() -> None:
    place = bench("ASM-01", Defects(cold_weld=1.0))
    cells = [wound(number)[0] for number in range(200)]
    pulled = [judge("assembly", assemble(cell, place)) for cell in cells]
    assert 70 < sum(map(bool, pulled)) < 130
    graded = [judge("grading", grade(cell, bench("GRADE-01"))) for cell in cells]
    assert sum(map(bool, graded)) > 180
    assemble(cells[0], bench("ASM-01"))
    assert not cells[0].is_defective


def test_hard_shorts_misalignment_and_leaks_are_found_at_once() -> None:
    for defects, cause in [
        (Defects(winding_misaligned=1.0, winding_short=0.0), "misaligned"),
        (Defects(winding_misaligned=0.0, winding_short=1.0), "hard_short"),
    ]:
        cell, measured = wound(1, defects)
        assert cause in cell.causes
        assert judge("winding", measured)
    leaky = wound(1)[0]
    assert judge("sealing", seal(leaky, bench("SEAL-01", Defects(seal_leak=1.0)))) == "leak_pamin_high"


def test_weight_over_no_web_is_unknown() -> None:
    assert math.isnan(mean_over(None, 0.0, 900.0))


def test_another_cell_than_the_recorded_one_shows_in_its_code_and_mostly_in_mass_voltage_or_resistance() -> None:
    seen, place = 0, bench("RSORT-01")
    for number in range(0, 200, 2):
        one, other = wound(number)[0], wound(number + 1)[0]
        before = through(one, generator(2, "line", number))
        through(other, generator(2, "line", number + 1))
        place.code, place.readings = one.code, {**before["grading"], **before["sorting"]}
        found = measure_again(other, place)
        assert judge("resort", found)
        assert found["code_fit_count"] == 0.0
        seen += bool(
            judge("resort", {name: value for name, value in found.items() if name.endswith(("_g", "_mv", "_ratio"))})
        )
        place.code = other.code
    assert 85 <= seen < 100


def test_a_cell_whose_code_was_never_measured_is_unknown_not_good() -> None:
    cell = wound(1)[0]
    through(cell, generator(2, "line", 1))
    assert judge("resort", measure_again(cell, bench("RSORT-01"))) == "mass_shift_g_not_measured"
