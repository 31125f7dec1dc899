"""Defects asked for by name, and what is told of the units that they struck."""

import pytest

from cellwright.sim.__main__ import parse, settings_of
from cellwright.sim.asked import USUAL_RATES, main, rates_of
from cellwright.sim.catalogue import ALL_DEFECTS, Defects
from cellwright.sim.struck import CAUSES, Struck, struck_by
from cellwright.sim.truth import Summary, Truth
from cellwright.sim.units import Place, Unit, Work
from cellwright.sim.world import Refused


def unit(kind: str, code: str, *causes: str, place: Place = Place.LINE, parent: str = "") -> Unit:
    made = Unit(kind, 1, code=code, place=place, parent=parent)
    for cause in causes:
        made.blame(cause)
    return made


def failed(made: Unit, operation: str, station: str) -> Unit:
    made.works += [Work("pack_assembly", "PACK-01", 1, is_good=True), Work(operation, station, 2, is_good=False)]
    return made


def truth_of(*units: Unit, refused: tuple[Refused, ...] = ()) -> Truth:
    summary = Summary(1, 1, 0, is_finished=True, reason="", counts={}, defective_shipped=0)
    return Truth(summary, {each.code: each for each in units}, {}, list(refused), [])


def test_what_was_mended_was_struck_and_stopped_all_the_same() -> None:
    pack = failed(unit("pack", "P1", "bolt_loose", place=Place.SHIPPED), "busbar_bolting", "BOLT-01")
    pack.clear("bolt_loose")
    assert struck_by(truth_of(pack), ["bolt_loose"]) == {"bolt_loose": Struck(1, {"BOLT-01": 1}, 0)}


def test_each_defect_was_stopped_where_it_is_looked_for() -> None:
    """A pack with a loose bolt and a hurt module fails twice; each failure is told of its own cause."""
    pack = failed(unit("pack", "P1", "bolt_loose", place=Place.HOLD), "busbar_bolting", "BOLT-01")
    pack.works.append(Work("insulation_test", "INS-01", 3, is_good=False))
    module = unit("module", "M1", "insulation_low", place=Place.MEMBER, parent="P1")
    found = struck_by(truth_of(pack, module), ["insulation_low", "bolt_loose", "chamber_bias"])
    assert found == {"insulation_low": Struck(1, {"INS-01": 1}, 0), "bolt_loose": Struck(1, {"BOLT-01": 1}, 0)}


def test_what_escaped_is_told() -> None:
    pack = unit("pack", "P1", place=Place.SHIPPED)
    module = unit("module", "M1", place=Place.MEMBER, parent="P1")
    cell = unit("cell", "C1", "soft_short", place=Place.MEMBER, parent="M1")
    caught = failed(unit("cell", "C2", "soft_short", place=Place.SCRAP), "ageing", "AGE-01")
    told = struck_by(truth_of(pack, module, cell, caught), ["particle_short"])
    assert told == {"particle_short": Struck(2, {"AGE-01": 1}, 1)}


def test_a_wrong_pick_is_counted_by_its_refusals() -> None:
    refused = tuple(Refused(1, "BOLT-01", "check_in", (code,), ()) for code in ("job_mismatch", "lot_expired"))
    assert struck_by(truth_of(refused=refused), ["wrong_pick"]) == {"wrong_pick": Struck(1, {"BOLT-01": 1}, 0)}


def test_every_name_is_a_defect() -> None:
    assert set(CAUSES) | set(USUAL_RATES) <= set(Defects.__struct_fields__)
    usual = rates_of(USUAL_RATES)
    assert usual == USUAL_RATES
    assert all(rate > getattr(ALL_DEFECTS, name) for name, rate in usual.items())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("bolt", "no defect 'bolt'; take one of ageing_heat, bms_software, bolt_loose,"),
        ("bolt_loose=", "the rate of bolt_loose is ''; give a number"),
        ("bolt_loose=-1", "give a number from 0"),
        ("bolt_loose=nan", "give a number from 0"),
        ("cold_weld", "cold_weld is on anyway, at 0.012; say how much you want: cold_weld=0.024"),
    ],
)
def test_what_is_no_defect_is_said(asked: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        rates_of([asked])
    assert main([asked]) == 2
    assert said in capsys.readouterr().err


def test_a_rate_is_taken_over_into_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--truth", "t", "--alone", "--defect", "bolt_loose", "--defect", "cold_weld=0.5", "--no-defects"]
    defects = settings_of(parse(options)).defects
    assert (defects.bolt_loose, defects.cold_weld, defects.seal_leak) == (1.0, 0.5, 0.0)
    with pytest.raises(SystemExit):
        parse(["--truth", "t", "--alone", "--defect", "nothing"])
    assert "no defect 'nothing'" in capsys.readouterr().err
