"""What the demo found: output, yields, refusals, a trace, the score against the truth, and the check."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection, connect
from cellwright.errors import CellwrightError
from cellwright.model.plant import Plant
from cellwright.plant.check import CheckReport, check
from cellwright.views.certificate import read_certificate
from cellwright.views.people import catch_up
from cellwright.views.recorded import Record, read_record
from cellwright.views.status import Status, read_status
from cellwright.views.trace import trace_backward
from cellwright.views.yields import Tally, read_yields


class Score(Struct, frozen=True, kw_only=True):
    """The record against the truth: errors by kind, how much was compared, and the first few errors."""

    wrong_intervals: int
    missing_intervals: int
    wrong_dispositions: int
    skipped_operations: int
    compared_intervals: int
    details: dict[str, list[str]] = {}

    @property
    def is_clean(self) -> bool:
        """Tell whether the record is true."""
        errors = self.wrong_intervals + self.missing_intervals + self.wrong_dispositions + self.skipped_operations
        return errors == 0


class Check(Struct, frozen=True):
    """Tables against journal."""

    equal: bool
    facts: int


class Struck(Struct, frozen=True):
    """Units that a defect struck: how many, where by station they were stopped, how many left with it unmended."""

    struck_count: int
    stopped: dict[str, int] = {}
    shipped_count: int = 0


class Run(Struct, frozen=True, kw_only=True):
    """What is known of a run besides its database."""

    seed: int
    wall_s: float
    gate_restarts: int
    stopped: str = ""
    """Why the virtual plant gave up, "" when it shipped what was asked for."""
    defects: tuple[str, ...] = ()
    """Names of those that were asked for."""


class Report(Struct, frozen=True, kw_only=True):
    """The demo's result; ratios come with their n in `first_pass_count`."""

    packs_built: int
    cells_started: int
    cells_good: int
    first_pass_yield: dict[str, float]
    first_pass_count: dict[str, int]
    refusals: dict[str, int]
    trace: dict[str, int]
    """One pack, backward: how many of each level."""
    traced_pack: str
    score: Score
    check: Check
    gate_restarts: int
    seed: int
    wall_s: float
    stopped: str = ""
    certificates_complete_count: int = 0
    """Finished packs whose birth certificate lacks nothing."""
    certificates_count: int = 0
    """Finished packs."""
    defects: dict[str, Struck] = {}
    """What became of the units that the defects asked for struck; one that is in no unit is not here."""

    def is_good(self, packs: int) -> bool:
        """Tell whether everything asked for came true."""
        return self.packs_built >= packs and self.score.is_clean and self.check.equal


class _Judged(Struct, frozen=True):
    """What the judge says besides the score."""

    struck: dict[str, Struck] = {}


class _Found(Struct, frozen=True):
    """What the database and the judge say."""

    status: Status
    yields: list[Tally]
    check: CheckReport
    pack: str
    levels: dict[str, int]
    score: Score
    struck: dict[str, Struck]
    complete: list[bool]
    """Of each finished pack, whether its certificate is complete."""


async def make_report(url: str, plant: Plant, folder: Path, run: Run) -> Report:
    """Gather the report from the database, and the score from the judge of the virtual plant."""
    connection = await connect(url, statement_timeout_ms=0)
    try:
        pack, levels = await _trace_a_pack(connection)
        await catch_up(connection)
        said = await _judge(folder, await read_record(connection), run.defects)
        found = _Found(
            status=await read_status(connection, 0),
            yields=_in_plant_order(plant, await read_yields(connection)),
            check=await check(connection, plant),
            pack=pack,
            levels=levels,
            score=msgspec.json.decode(said, type=Score),
            struck=msgspec.json.decode(said, type=_Judged).struck,
            complete=await _certificates(connection, plant),
        )
    finally:
        await connection.close()
    return _compose(run, found)


def _in_plant_order(plant: Plant, yields: list[Tally]) -> list[Tally]:
    """Order tallies as the work flows: lots first, then along each route."""
    along = [each.code for route in plant.routes.values() for each in route.operations]
    places = {code: place for place, code in enumerate([*plant.lot_operations, *along])}
    return sorted(yields, key=lambda each: places.get(each.operation, len(places)))


def _compose(run: Run, found: _Found) -> Report:
    cells = found.status.units.get("cell", {})
    tried = [each for each in found.yields if each.first_count]
    return Report(
        packs_built=found.status.packs_finished_count,
        cells_started=sum(cells.values()),
        cells_good=sum(cells.get(status, 0) for status in ("finished", "reserved", "assembled")),
        first_pass_yield={each.operation: round(each.first_good_count / each.first_count, 4) for each in tried},
        first_pass_count={each.operation: each.first_count for each in tried},
        refusals=found.status.refusals,
        trace=found.levels,
        traced_pack=found.pack,
        score=found.score,
        check=Check(found.check.equal, found.check.facts),
        gate_restarts=run.gate_restarts,
        seed=run.seed,
        wall_s=run.wall_s,
        stopped=run.stopped,
        certificates_complete_count=sum(found.complete),
        certificates_count=len(found.complete),
        defects=found.struck,
    )


async def _certificates(connection: Connection, plant: Plant) -> list[bool]:
    packs = await connection.fetch("SELECT id FROM unit WHERE kind = 'pack' AND status = 'finished' ORDER BY id")
    return [(await read_certificate(connection, plant, pack["id"])).is_complete for pack in packs]


async def _trace_a_pack(connection: Connection) -> tuple[str, dict[str, int]]:
    pack = await connection.fetchval("SELECT min(id) FROM unit WHERE kind = 'pack' AND status = 'finished'")
    if pack is None:
        return "", {}
    answer = await trace_backward(connection, pack)
    return answer.subject, answer.levels


async def _judge(folder: Path, record: Record, defects: Sequence[str]) -> bytes:
    """Let the virtual plant's own judge compare; the product never reads the truth."""
    path = folder / "record.json"
    path.write_bytes(msgspec.json.encode(record))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cellwright.sim.scoring",
        f"--truth={folder / 'truth'}",
        f"--record={path}",
        *(f"--defect={name}" for name in defects),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise CellwrightError(f"the score could not be made:\n{errors.decode('utf-8', 'replace')}")
    return output


def report_lines(report: Report) -> list[str]:
    """Return the report for people."""
    stopped = f" (stopped: {report.stopped})" if report.stopped else ""
    yields = [
        f"  {operation:<18} {ratio:7.1%}  (n = {report.first_pass_count[operation]})"
        for operation, ratio in report.first_pass_yield.items()
    ]
    return [
        f"packs built      {report.packs_built}{stopped}",
        f"cells            {report.cells_started} started, {report.cells_good} good",
        "first-pass yield",
        *yields,
        f"refusals         {_counts(report.refusals) or 'none'}",
        f"trace            pack {report.traced_pack}: {_counts(report.trace)}",
        f"certificates     complete: {report.certificates_complete_count} of {report.certificates_count}",
        *_defect_lines(report.defects),
        *_score_lines(report.score),
        f"check            {report.check.facts} facts, tables {'equal' if report.check.equal else 'NOT equal'}",
        f"wall time        {report.wall_s:.1f} s (seed {report.seed}, gate restarted {report.gate_restarts} times)",
    ]


def _defect_lines(defects: dict[str, Struck]) -> list[str]:
    if not defects:
        return []
    return ["defects", *(f"  {name:<18} {_fate(struck)}" for name, struck in defects.items())]


def _fate(struck: Struck) -> str:
    places = ", ".join(f"{count} at {station}" for station, count in sorted(struck.stopped.items())) or "none"
    return f"{struck.struck_count} struck; stopped: {places}; shipped with it: {struck.shipped_count}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _score_lines(score: Score) -> list[str]:
    intervals = f"{score.wrong_intervals} wrong and {score.missing_intervals} missing of {score.compared_intervals}"
    units = f"{score.wrong_dispositions} wrong dispositions, {score.skipped_operations} units skipped an operation"
    details = [f"  {sentence}" for sentences in score.details.values() for sentence in sentences]
    return [f"record vs truth  {intervals} intervals; {units}", *details]
