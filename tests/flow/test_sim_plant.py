import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cellwright.links.opcua.contract import STATE_PATH, Kind
from cellwright.links.opcua.values import Value
from cellwright.sim.catalogue import CELLS_PER_PACK, NO_DEFECTS, Defects, Settings
from cellwright.sim.clock import PlantStoppedError
from cellwright.sim.line import OPERATIONS, ExtraStation, VirtualPlant, work_centers
from cellwright.sim.machine import Ask
from cellwright.sim.score import Score, score
from cellwright.sim.standin import MemoryNodes, Refuser, StandIn
from cellwright.sim.truth import Truth, observe, read_truth, write_truth
from cellwright.sim.units import Place


def nobody(_station: str, _ask: Ask) -> Sequence[str]:
    return ()


class Run:
    """A plant and a stand-in that answers it, without servers."""

    def __init__(
        self,
        settings: Settings,
        *,
        refuse: Refuser = nobody,
        latency_s: float = 0.0,
        extra: Sequence[ExtraStation] = (),
    ) -> None:
        self.nodes = {code: MemoryNodes(code) for codes in work_centers(extra).values() for code in codes}
        self.published: list[int] = []
        self.stand_in = StandIn(
            OPERATIONS | {each.code: each.operation for each in extra}, refuse=refuse, latency_s=latency_s
        )
        for each in self.nodes.values():
            self.stand_in.attach(each)
        self.plant = VirtualPlant(self.nodes, settings, self.published.append)

    async def truth(self) -> Truth:
        await self.plant.run()
        return observe(self.plant.world)

    def score(self, truth: Truth) -> Score:
        return score(truth, self.stand_in.record())


def small(seed: int = 7, **changes: object) -> Settings:
    """One pack in pages of 20 cells: about 700 requests."""
    return msgspec.structs.replace(Settings(seed=seed, page=20), **changes)


def quiet(**changes: float) -> Defects:
    return msgspec.structs.replace(NO_DEFECTS, **changes)


async def finished(settings: Settings) -> Run:
    run = Run(settings)
    await run.plant.run()
    return run


@pytest.fixture(scope="module")
def run() -> Run:
    return asyncio.run(finished(small(defects=Defects(machine_restart=0.02))))


@pytest.fixture(scope="module")
def truth(run: Run) -> Truth:
    return observe(run.plant.world)


async def test_a_pack_is_shipped_and_everything_is_booked_as_it_happened(run: Run, truth: Truth) -> None:
    assert truth.summary.is_finished
    assert truth.summary.counts["pack_shipped"] == 1
    assert 340 <= truth.summary.counts["cell_born"] <= 440
    result = run.score(truth)
    assert (result.wrong_intervals, result.missing_intervals) == (0, 0), result.details
    assert (result.wrong_dispositions, result.skipped_operations) == (0, 0), result.details
    assert result.compared_intervals > 2500


async def test_a_restarted_machine_repeats_its_request_and_nothing_is_booked_twice(run: Run) -> None:
    assert run.plant.progress().repeated > 5


async def test_plant_time_only_goes_forward(run: Run) -> None:
    assert run.published == sorted(run.published)
    days = (run.published[-1] - run.published[0]) / 86_400e6
    assert 8 < days < 60


async def test_a_pack_holds_320_different_cells_of_four_modules(truth: Truth) -> None:
    pack = next(unit for unit in truth.units.values() if unit.kind == "pack")
    modules = [truth.units[code] for code in pack.members]
    cells = [truth.units[code] for module in modules for code in module.members]
    assert len(modules) == 4
    assert len({cell.code for cell in cells}) == CELLS_PER_PACK
    assert [cell.slot for cell in cells] == list(range(80)) * 4
    assert all(cell.place is Place.MEMBER for cell in cells)


async def test_a_pack_sees_several_lots_of_everything_a_cell_is_made_of(truth: Truth) -> None:
    cells = [unit for unit in truth.units.values() if unit.kind == "cell" and unit.place is Place.MEMBER]
    lots = {(interval.kind, interval.lot) for cell in cells for interval in cell.intervals}
    kinds = [kind for kind, _ in lots]
    for kind in ("cathode", "anode", "separator_a", "separator_b", "can", "electrolyte", "cap"):
        assert kinds.count(kind) >= 2, kind
    slurries = [lot for lot in truth.lots.values() if lot.material == "cathode_slurry"]
    assert any(part.position == "heel" for slurry in slurries for part in slurry.parts)
    rolls = [lot for lot in truth.lots.values() if lot.material == "cathode_coated"]
    assert any(part.position == "slurry_next" for roll in rolls for part in roll.parts)


async def test_no_two_cells_share_a_piece_of_a_lot(truth: Truth) -> None:
    taken: dict[str, list[tuple[float, float]]] = {}
    for unit in truth.units.values():
        for interval in unit.intervals:
            taken.setdefault(f"{interval.kind} of {interval.lot}", []).append((interval.start, interval.end))
    for spans in taken.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


async def test_nothing_is_taken_that_was_not_there(truth: Truth) -> None:
    for unit in truth.units.values():
        for interval in unit.intervals:
            assert 0 <= interval.start < interval.end <= truth.lots[interval.lot].size
    for lot in truth.lots.values():
        for part in lot.parts:
            assert 0 <= part.p0 < part.p1 <= truth.lots[part.parent].size + 1e-6
            assert 0 <= part.c0 < part.c1 <= lot.size + 1e-6


async def test_webs_conserve_length_and_batches_conserve_mass(truth: Truth) -> None:
    for lot in truth.lots.values():
        covered = sum(part.c1 - part.c0 for part in lot.parts if part.position in ("roll", "slurry", "slurry_next"))
        if lot.measure == "mm" and lot.parts:
            assert covered == pytest.approx(lot.size)
        if lot.material.endswith("_slurry"):
            assert sum(part.p1 - part.p0 for part in lot.parts) == pytest.approx(lot.size)


async def test_no_cut_out_piece_is_in_any_cell(truth: Truth) -> None:
    reels = [lot for lot in truth.lots.values() if lot.material.endswith("_reel")]
    assert any(len(reel.parts) > 1 for reel in reels)
    for reel in reels:
        ordered = sorted(reel.parts, key=lambda part: part.p0)
        assert all(before.p1 < after.p0 for before, after in itertools.pairwise(ordered))
        joints = [part.c0 for part in reel.parts if part.c0 > 0]
        spans = [each for unit in truth.units.values() for each in unit.intervals if each.lot == reel.code]
        assert not [joint for joint in joints for span in spans if span.start < joint < span.end]


async def test_the_truth_survives_its_files(truth: Truth, tmp_path: Path) -> None:
    write_truth(truth, tmp_path)
    again = read_truth(tmp_path)
    assert msgspec.to_builtins(again) == msgspec.to_builtins(truth)


async def test_host_latency_changes_nothing(truth: Truth) -> None:
    slow = Run(small(defects=Defects(machine_restart=0.02)), latency_s=0.003)
    again = await slow.truth()
    assert timeless(again) == timeless(truth)


def timeless(truth: Truth) -> dict[str, object]:
    """The truth by unit and lot: lot codes are given out in the order of answers, so they are left out."""
    return {
        "summary": msgspec.to_builtins(truth.summary),
        "units": [
            (unit.code, unit.traits, unit.works, unit.causes, [(each.start, each.end) for each in unit.intervals])
            for unit in truth.units.values()
        ],
        "lots": sorted((lot.material, lot.size, lot.used) for lot in truth.lots.values()),
    }


async def test_a_machine_executes_while_it_works_and_rests_when_it_has_nothing_to_do() -> None:
    run = Run(small(defects=NO_DEFECTS))
    mixer, winder = watch(run, "MIX-C1"), watch(run, "WIND-01")
    await run.plant.run()
    hours = [(end - start) / 3600e6 for (start, _), (end, _) in itertools.pairwise(mixer)]
    assert [state for _, state in mixer][:3] == ["NotExecuting", "Executing", "NotExecuting"]
    assert any(2.8 < each < 3.2 for each in hours)  # one batch takes three hours
    # Piece after piece is one stretch of work: far fewer changes than cells.
    assert 2 < len(winder) < 60


def watch(run: Run, code: str) -> list[tuple[int, Value]]:
    """Collect the states that a machine shows, with the plant time (us)."""
    seen: list[tuple[int, Value]] = []

    def note(_path: str, state: Value) -> None:
        seen.append((run.published[-1], state))

    run.nodes[code].listen(STATE_PATH, note)
    return seen


async def test_without_defects_every_cell_is_good() -> None:
    run = Run(small(defects=NO_DEFECTS))
    truth = await run.truth()
    assert "cell_scrap" not in truth.summary.counts
    assert truth.summary.defective_shipped == 0
    assert run.plant.progress().refusals == {}


class FirstTimes:
    """Refuses the first requests of a station and kind with a code."""

    def __init__(self, station: str, kind: Kind, *codes: str) -> None:
        self.left = list(codes)
        self.station, self.kind = station, kind

    def __call__(self, station: str, ask: Ask) -> Sequence[str]:
        fits = (station, ask.kind) == (self.station, self.kind)
        return (self.left.pop(0),) if fits and self.left else ()


@pytest.mark.parametrize(
    ("refuser", "quarantined"),
    [
        (FirstTimes("WIND-01", Kind.LOAD, "lot_expired"), 1),
        (FirstTimes("FILL-01", Kind.LOAD, "lot_unreleased", "lot_held"), 2),
        (FirstTimes("ASM-01", Kind.CHECK_IN, "material_missing"), 0),
        (FirstTimes("SEAL-01", Kind.CHECK_IN, "lot_exhausted", "recipe_mismatch", "station_full"), 1),
        (FirstTimes("FORM-01", Kind.CHECK_IN, "queue_time_short", "queue_time_short"), 0),
        (FirstTimes("COAT-C1", Kind.CHECK_IN, "lot_expired"), 1),
        (FirstTimes("COAT-A1", Kind.LOAD, "lot_held"), 1),
        (FirstTimes("CAL-C1", Kind.LOAD, "lot_held"), 1),
        (FirstTimes("SLIT-A1", Kind.LOAD, "lot_unreleased"), 1),
        (FirstTimes("WIND-01", Kind.LOAD, *["lot_held"] * 6), 6),
        (FirstTimes("CAL-A1", Kind.CHECK_IN, "lot_expired"), 1),
        (FirstTimes("MIX-A1", Kind.CHECK_IN, "lot_exhausted"), 3),
        (FirstTimes("WIND-01", Kind.CHECK_IN, "exposure_exceeded", "exposure_exceeded"), 8),
        (FirstTimes("WIND-01", Kind.CHECK_OUT, "payload_malformed"), 0),
        (FirstTimes("MEOL-01", Kind.CHECK_IN, "calibration_expired"), 0),
    ],
    ids=lambda value: getattr(value, "station", None),
)
async def test_a_refusal_is_mended_and_the_pack_still_ships(refuser: FirstTimes, quarantined: int) -> None:
    run = Run(small(defects=NO_DEFECTS), refuse=refuser)
    truth = await run.truth()
    assert truth.summary.is_finished
    assert not refuser.left
    assert len(truth.refused) >= 1
    assert len(truth.quarantined) == quarantined
    result = run.score(truth)
    assert (result.wrong_intervals, result.missing_intervals, result.skipped_operations) == (0, 0, 0), result.details


@pytest.mark.parametrize(
    "refuser",
    [
        FirstTimes("FILL-01", Kind.CHECK_IN, "unit_held"),
        FirstTimes("TRAY-01", Kind.CARRIER_LOAD, "unit_scrapped"),
        FirstTimes("AGE-01", Kind.CHECK_IN, "unit_held"),
    ],
    ids=lambda value: getattr(value, "station", None),
)
async def test_units_that_are_refused_are_parked_and_replaced(refuser: FirstTimes) -> None:
    run = Run(small(defects=NO_DEFECTS), refuse=refuser)
    truth = await run.truth()
    assert truth.summary.is_finished
    assert truth.summary.counts["cell_parked"] >= 1
    assert run.score(truth).wrong_dispositions == 0


async def test_a_bad_contact_is_tested_again_and_passes() -> None:
    truth = await Run(small(defects=quiet(formation_contact=0.02))).truth()
    tries = [[work.is_good for work in unit.works if work.operation == "formation"] for unit in truth.units.values()]
    assert [False, True] in tries
    assert not any(unit.is_defective for unit in truth.units.values())


async def test_one_more_station_takes_the_units_that_are_sent_to_it() -> None:
    extra = ExtraStation("VIS-01", "visual_inspection", "cell_assembly")
    assert "VIS-01" in work_centers([extra])["cell_assembly"]
    run = Run(small(defects=NO_DEFECTS), extra=[extra])
    route = run.stand_in.routes["cell"]
    run.stand_in.routes["cell"] = (*route[:4], "visual_inspection", *route[4:])
    await run.plant.run([extra])
    truth = observe(run.plant.world)
    shipped = [unit for unit in truth.units.values() if unit.kind == "cell" and unit.place is Place.MEMBER]
    assert all([work.operation for work in unit.works][4] == "visual_inspection" for unit in shipped)
    assert run.score(truth).skipped_operations == 0


async def test_an_operation_that_no_station_does_stops_the_plant() -> None:
    run = Run(small(defects=NO_DEFECTS))
    run.stand_in.routes["cell"] = ("winding", "x_ray", "assembly")
    with pytest.raises(PlantStoppedError, match="operation 'x_ray', which no virtual station does"):
        await run.plant.run()


@pytest.mark.parametrize("name", ["lot_held", "recipe_missing"])
async def test_a_plant_that_is_refused_for_ever_stops_with_the_reason(name: str) -> None:
    def always(station: str, ask: Ask) -> Sequence[str]:
        return (name,) if (station, ask.kind) == ("MIX-C1", Kind.CHECK_IN) else ()

    with pytest.raises(PlantStoppedError, match=f"MIX-C1: check_in was refused 60 times: {name}"):
        await Run(small(defects=NO_DEFECTS), refuse=always).truth()


async def test_a_report_that_is_never_taken_stops_the_plant() -> None:
    refuser = FirstTimes("MIX-C1", Kind.CHECK_OUT, *["interval_invalid"] * 6)
    with pytest.raises(PlantStoppedError, match=r"MIX-C1: the report of \('MIX_CATHODE-\d+',\) was refused"):
        await Run(small(defects=NO_DEFECTS), refuse=refuser).truth()


async def test_a_heel_that_is_refused_is_left_out_of_the_batch() -> None:
    class Heels:
        def __call__(self, station: str, ask: Ask) -> Sequence[str]:
            return ("lot_expired",) if (station, ask.position) == ("MIX-C1", "heel") and ask.kind is Kind.LOAD else ()

    truth = await Run(small(defects=NO_DEFECTS), refuse=Heels()).truth()
    slurries = [lot for lot in truth.lots.values() if lot.material == "cathode_slurry"]
    assert len(slurries) > 1
    assert not any(part.position == "heel" for slurry in slurries for part in slurry.parts)


async def test_a_module_that_fails_is_replaced_with_new_cells() -> None:
    failed: list[str] = []

    def first_module(station: str, ask: Ask) -> Sequence[str]:
        if (station, ask.kind) != ("MEOL-01", Kind.CHECK_IN) or len(failed) > 1:
            return ()
        failed.append(ask.units[0])
        return ("unit_held",)

    run = Run(small(defects=NO_DEFECTS), refuse=first_module)
    truth = await run.truth()
    assert truth.summary.is_finished
    assert truth.summary.counts["module_parked"] == 2
    assert truth.summary.counts["module_born"] == 6
    assert run.score(truth).wrong_dispositions == 0


async def test_too_much_waste_stops_the_plant() -> None:
    settings = small(defects=quiet(winding_short=1.0), waste_limit=1.5)
    with pytest.raises(PlantStoppedError, match=r"480 cells were wound for 320 needed"):
        await Run(settings).truth()


async def test_too_many_refused_cells_stop_the_plant() -> None:
    def always(station: str, ask: Ask) -> Sequence[str]:
        return ("unit_held",) if (station, ask.kind) == ("ASM-01", Kind.CHECK_IN) else ()

    with pytest.raises(PlantStoppedError, match="more than 120 cells were refused and parked"):
        await Run(small(defects=NO_DEFECTS), refuse=always).truth()


def test_the_plant_runs_alone_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cellwright.sim", "--alone", "--no-defects", "--page=40"]
    done = subprocess.run([*command, f"--truth={tmp_path}"], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["event"], last["packs_shipped"], last["reason"]) == ("shipped", 1, "")
    assert read_truth(tmp_path).summary.is_finished


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--alone", "--defect=knife_bur=1"], "no defect 'knife_bur'; take one of ageing_heat, "),
        ([], "--endpoints-file, --clock and --pki are needed, unless --alone"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, arguments: list[str], expected: str) -> None:
    command = [sys.executable, "-m", "cellwright.sim", f"--truth={tmp_path}", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert expected in done.stderr
