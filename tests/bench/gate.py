"""Measures the gate: check-in/check-out pairs, trays, and the same work done one row at a time. Prints JSON.

Server and client share the machine, the server is durable (fsync on, synchronous commit on), every answer is
awaited. Each figure is the median of several rounds, beside its lowest and highest.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from cellwright.database.migrate import migrate
from cellwright.database.pool import connect
from cellwright.model.answers import Admit, Answer, Receipt
from cellwright.model.commands import (
    CheckIn,
    CheckOut,
    Command,
    Consumed,
    LoadCarrier,
    LoadMaterial,
    ReceiveLot,
    ReleasePlant,
    Result,
    Submission,
)
from cellwright.model.equipment import Station
from cellwright.model.ids import UnitKind
from cellwright.model.materials import CarrierType, Material, MaterialUse, Product
from cellwright.model.plant import Plant, RouteDraft
from cellwright.model.quantities import Measure
from cellwright.model.routes import Operation, OperationKind, Recipe
from cellwright.plant.gate import Gate
from cellwright.testing.database import temporary_server
from cellwright.testing.naive import NaiveGate, unit_ids

NOW_US = 1_800_000_000_000_000
LENGTH_MM = 900
TRAY_COUNT = 100
STATIONS = 64
STEPS = 6
TRAYS_AT_ONCE = 8

Do = Callable[[str, Command], Awaitable[Answer]]


def bench_plant() -> Plant:
    """Return a plant of one route: winding, then six operations with 64 stations each."""
    use = MaterialUse(position="cathode", material="reel", quantity=LENGTH_MM, tolerance=20)
    winding = Operation(code="wind", name="Wind", kind=OperationKind.COMMISSION, materials=(use,))
    steps = [Operation(code=f"op{step}", name="Step", kind=OperationKind.UNIT) for step in range(STEPS)]
    operations = (winding, *steps)
    stations = [Station(code="WIND", name="", work_center="x", operations=("wind",), capacity_count=10**6)]
    for step in steps:
        for index in range(STATIONS):
            code = f"{step.code}-{index}".upper()
            stations.append(Station(code=code, name="", work_center="x", operations=(step.code,), capacity_count=10**6))
    return Plant(
        code="BENCH",
        name="Bench",
        line=1,
        time_skew_max_s=60,
        work_centers={},
        stations={each.code: each for each in stations},
        materials={"reel": Material(code="reel", name="Reel", measure=Measure.MM, purchased=True)},
        products={
            "cell": Product(code="cell", name="Cell", kind=UnitKind.CELL, design_part="001CB010000000", route="cell")
        },
        carriers={"tray": CarrierType(code="tray", prefix="TRAY-", slot_count=TRAY_COUNT)},
        lot_operations={},
        routes={"cell": RouteDraft(code="cell", product="cell", operations=operations)},
        recipes={
            each.code: Recipe(code=each.code, revision=1, operation=each.code, parameters={"duration_s": 1.0})
            for each in operations
        },
    )


class Sender:
    """Numbers the commands of every source and hands them to a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._seqs: dict[str, int] = {}

    async def __call__(self, source: str, command: Command) -> Answer:
        seq = self._seqs.get(source, 0) + 1
        self._seqs[source] = seq
        return await self._gate.submit(
            Submission(source=source, epoch=1, seq=seq, time_us=NOW_US, actor=source, command=command)
        )


@dataclass
class Round:
    """What one workload took."""

    count: int
    took_s: float
    client_cpu_s: float
    latencies_s: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.count / self.took_s


class Stopwatch:
    """Times the answers of a workload, one by one and as a whole."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._latencies_s: list[float] = []

    async def _timed(self, source: str, command: Command) -> Answer:
        started_s = time.perf_counter()
        answer = await self._do(source, command)
        self._latencies_s.append(time.perf_counter() - started_s)
        return answer

    async def run(self, count: int, work: Callable[[Do], Iterable[Awaitable[None]]]) -> Round:
        """Run coroutines side by side; `count` is what they complete together."""
        self._latencies_s = []
        started_s, cpu_s = time.perf_counter(), time.process_time()
        await asyncio.gather(*work(self._timed))
        took_s = time.perf_counter() - started_s
        return Round(count, took_s, time.process_time() - cpu_s, sorted(self._latencies_s))


# --- workloads --------------------------------------------------------------------------


def digest(plant: Plant, station: str) -> str:
    return plant.recipes[plant.stations[station].operations[0]].digest


async def one_by_one(do: Do, plant: Plant, station: str, units: Sequence[str]) -> None:
    read_back = digest(plant, station)
    for unit in units:
        asked = await do(station, CheckIn(station=station, units=(unit,), recipe_digest=read_back))
        assert isinstance(asked, Admit), asked
        done = await do(station, CheckOut(station=station, units=(unit,)))
        assert isinstance(done, Receipt), done


async def tray_by_tray(do: Do, plant: Plant, station: str, trays: Sequence[str]) -> None:
    values = (Result("voltage_v", tuple(3.2 + index / 1000 for index in range(TRAY_COUNT))),)
    for tray in trays:
        asked = await do(station, CheckIn(station=station, carrier=tray, recipe_digest=digest(plant, station)))
        assert isinstance(asked, Admit), asked
        done = await do(station, CheckOut(station=station, carrier=tray, results=values))
        assert isinstance(done, Receipt), done


def singles(plant: Plant, step: int, units: Sequence[str], count: int) -> Callable[[Do], Iterable[Awaitable[None]]]:
    """Return work of `count` stations of a step, each with its share of the units."""
    return lambda do: [one_by_one(do, plant, f"OP{step}-{index}", units[index::count]) for index in range(count)]


def trays(plant: Plant, step: int, codes: Sequence[str]) -> Callable[[Do], Iterable[Awaitable[None]]]:
    """Return work of the stations that handle trays at a step."""
    return lambda do: [
        tray_by_tray(do, plant, f"OP{step}-{index}", codes[index::TRAYS_AT_ONCE]) for index in range(TRAYS_AT_ONCE)
    ]


async def wind(do: Do, plant: Plant, count: int, start_mm: int) -> list[str]:
    """Give birth to cells in pages of 1,000."""
    units: list[str] = []
    for first in range(0, count, 1000):
        page = min(1000, count - first)
        asked = await do("WIND", CheckIn(station="WIND", count=page, recipe_digest=digest(plant, "WIND")))
        assert isinstance(asked, Admit), asked
        begin = start_mm + first * LENGTH_MM
        taken = Consumed(
            positions=("cathode",) * page,
            outputs=tuple(range(page)),
            starts=tuple(begin + LENGTH_MM * index for index in range(page)),
            ends=tuple(begin + LENGTH_MM * (index + 1) for index in range(page)),
        )
        done = await do("WIND", CheckOut(station="WIND", units=asked.units, consumed=taken))
        assert isinstance(done, Receipt), done
        units.extend(asked.units)
    return units


async def fill_trays(do: Do, units: Sequence[str], name: str) -> list[str]:
    codes = []
    for first in range(0, len(units), TRAY_COUNT):
        page = tuple(units[first : first + TRAY_COUNT])
        codes.append(f"TRAY-{name}-{first // TRAY_COUNT:04d}")
        slots = tuple(range(len(page)))
        done = await do("WIND", LoadCarrier(station="WIND", carrier=codes[-1], units=page, slots=slots))
        assert isinstance(done, Receipt), done
    return codes


# --- rounds -----------------------------------------------------------------------------


class Bench:
    """A gate on a durable database, and the rounds that were run."""

    def __init__(self, url: str, admin_url: str, sizes: argparse.Namespace) -> None:
        self.plant = bench_plant()
        self.sizes = sizes
        self._url = url
        self._admin_url = admin_url
        self._wound = 0
        self._spares = 0
        self.spins_s: list[float] = []
        self.rounds: dict[str, list[Round]] = {}
        self.shares: dict[str, list[dict[str, float]]] = {}

    async def run(self) -> None:
        """Run all rounds."""
        gate = Gate(
            lambda: connect(self._url, name="gate"),
            self.plant,
            lambda: NOW_US,
            monotonic_s=time.monotonic,
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(gate)
            admin = await asyncpg.connect(self._admin_url)
            stack.push_async_callback(admin.close)
            pool = await stack.enter_async_context(asyncpg.create_pool(self._url, min_size=16, max_size=16))
            do = Sender(gate)
            await self._prepare(do)
            for number in range(self.sizes.rounds):
                self.spins_s.append(spin_s())
                await self._gate_round(gate, do, admin, number)
                await self._naive_round(pool, do, number)

    async def _prepare(self, do: Do) -> None:
        routes = tuple(msgspec.json.encode(route).decode() for route in self.plant.routes.values())
        for command in (
            ReleasePlant(plant=self.plant.code, routes=routes),
            ReceiveLot(lot="REEL-1", material="reel", quantity=10**12, certificate_sha256="c" * 64),
            LoadMaterial(station="WIND", position="cathode", lot="REEL-1", quantity=10**12),
        ):
            answer = await do("bench", command)
            assert isinstance(answer, Receipt), answer

    async def _wind(self, do: Do, count: int) -> list[str]:
        units = await wind(do, self.plant, count, self._wound * LENGTH_MM)
        self._wound += count
        return units

    async def _gate_round(self, gate: Gate, do: Do, admin: Any, number: int) -> None:
        count = self.sizes.singles
        units = await self._wind(do, count)
        for step, stations in enumerate((16, 64)):
            await self._timed(f"singles_{stations}", gate, do, admin, count, singles(self.plant, step, units, stations))
        units = await self._wind(do, self.sizes.trays * TRAY_COUNT)
        codes = await fill_trays(do, units, f"G{number}")
        for step in range(STEPS // 2):
            await self._timed("trays", gate, do, admin, len(units), trays(self.plant, step, codes))

    async def _timed(
        self,
        name: str,
        gate: Gate,
        do: Do,
        admin: Any,
        count: int,
        work: Callable[[Do], Iterable[Awaitable[None]]],
    ) -> None:
        await self._settle(do)
        before = await observe(gate, admin)
        result = await Stopwatch(do).run(count, work)
        await self._settle(do)
        after = await observe(gate, admin)
        self.rounds.setdefault(name, []).append(result)
        spent = {key: after[key] - before[key] for key in after}
        self.shares.setdefault(name, []).append(
            {
                "decide_ratio": spent["decide_s"] / result.took_s,
                "database_ratio": spent["database_s"] / result.took_s,
                "of_which_wal_sync_ratio": spent["wal_sync_s"] / result.took_s,
                "client_cpu_us": result.client_cpu_s / count * 1e6,
                "server_cpu_us": spent["server_cpu_s"] / count * 1e6,
                "submissions_per_batch": len(result.latencies_s) / spent["batches"],
            }
        )

    async def _settle(self, do: Do) -> None:
        """Let the gate's session tell what it spent: it does so after a commit, at most once a second."""
        await asyncio.sleep(1.1)
        self._spares += 1
        await do("spare", ReceiveLot(lot=f"SPARE-{self._spares}", material="reel", quantity=1))

    async def _naive_round(self, pool: Any, do: Do, number: int) -> None:
        naive = NaiveGate(self.plant, pool, epoch=2 + number, now_us=NOW_US)
        units = await self._wind(do, self.sizes.naive)
        async with pool.acquire() as connection:
            naive.unit_ids = await unit_ids(connection, units)
        work = singles(self.plant, 0, units, 16)
        self.rounds.setdefault("naive_singles_16", []).append(await Stopwatch(naive).run(len(units), work))
        units = await self._wind(do, self.sizes.naive_trays * TRAY_COUNT)
        async with pool.acquire() as connection:
            ids = list((await unit_ids(connection, units)).values())
        codes = [f"TRAY-N{number}-{index}" for index in range(self.sizes.naive_trays)]
        naive.trays = {code: ids[index * TRAY_COUNT : (index + 1) * TRAY_COUNT] for index, code in enumerate(codes)}
        result = await Stopwatch(naive).run(len(ids), trays(self.plant, 0, codes))
        self.rounds.setdefault("naive_trays", []).append(result)


async def observe(gate: Gate, admin: Any) -> dict[str, float]:
    """Return what gate and server have spent so far."""
    version = await admin.fetchval("SELECT current_setting('server_version_num')::int")
    wal_ms = await admin.fetchval(
        "SELECT sum(fsync_time) FROM pg_stat_io WHERE object = 'wal'"
        if version >= 180_000
        else "SELECT wal_sync_time FROM pg_stat_wal"
    )
    pid = await admin.fetchval("SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'gate'")
    return {
        "decide_s": gate.counts.decide_s,
        "database_s": gate.counts.database_s,
        "batches": gate.counts.batches,
        "wal_sync_s": float(wal_ms) / 1000,
        "server_cpu_s": process_cpu_s(pid),
    }


def spin_s() -> float:
    """Time a loop that always does the same: how fast this machine is while others use it."""
    started_s = time.perf_counter()
    for _ in range(2_000_000):
        pass
    return time.perf_counter() - started_s


def process_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- report -----------------------------------------------------------------------------


def spread(values: Iterable[float]) -> dict[str, float]:
    numbers = sorted(values)
    return {"median": rounded(statistics.median(numbers)), "min": rounded(numbers[0]), "max": rounded(numbers[-1])}


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


def quantile_ms(result: Round, share: float) -> float:
    return result.latencies_s[int(len(result.latencies_s) * share)] * 1000


def summary(bench: Bench, name: str, unit: str) -> dict[str, Any]:
    rounds = bench.rounds[name]
    told: dict[str, Any] = {
        unit: spread(each.rate for each in rounds),
        "p50_ms": spread(quantile_ms(each, 0.5) for each in rounds),
        "p99_ms": spread(quantile_ms(each, 0.99) for each in rounds),
    }
    for key in bench.shares.get(name, [{}])[0]:
        told[key] = rounded(statistics.median(each[key] for each in bench.shares[name]))
    return told


def report(bench: Bench, server: str, load: Sequence[float]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "bench": "gate",
        "machine": {
            "cpu_count": os.cpu_count(),
            "load_before": [rounded(each) for each in load],
            "spin_s": spread(bench.spins_s),
            "server": server,
        },
        "sizes": vars(bench.sizes),
        "singles_16": summary(bench, "singles_16", "pairs_per_s"),
        "singles_64": summary(bench, "singles_64", "pairs_per_s"),
        "trays": summary(bench, "trays", "unit_operations_per_s"),
        "naive_singles_16": summary(bench, "naive_singles_16", "pairs_per_s"),
        "naive_trays": summary(bench, "naive_trays", "unit_operations_per_s"),
    }
    pairs, naive = told["singles_16"]["pairs_per_s"], told["naive_singles_16"]["pairs_per_s"]
    units, rows = told["trays"]["unit_operations_per_s"], told["naive_trays"]["unit_operations_per_s"]
    told["ratio_to_naive"] = {
        "singles_16": rounded(pairs["median"] / naive["median"]),
        "trays": rounded(units["median"] / rows["median"]),
    }
    told["budget"] = {
        "pairs_per_s_min_2000": pairs["median"] >= 2000,
        "p99_ms_max_20": told["singles_16"]["p99_ms"]["median"] < 20,
        "unit_operations_per_s_min_30000": units["median"] >= 30_000,
    }
    return told


async def main(sizes: argparse.Namespace) -> None:
    """Run the bench and print its report."""
    load = os.getloadavg()
    async with temporary_server(fast=False) as server:
        admin = await asyncpg.connect(server.admin_url)
        await admin.execute("ALTER SYSTEM SET track_wal_io_timing = on")
        await admin.execute("SELECT pg_reload_conf()")
        version = await admin.fetchval("SHOW server_version")
        for name in ("fsync", "synchronous_commit"):
            assert await admin.fetchval(f"SHOW {name}") == "on"
        await admin.close()
        await migrate(server.url)
        bench = Bench(server.url, server.admin_url, sizes)
        await bench.run()
        print(json.dumps(report(bench, f"PostgreSQL {version}", load), indent=2))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each figure is measured")
    parser.add_argument("--singles", type=int, default=2000, help="cells that go one by one")
    parser.add_argument("--trays", type=int, default=60, help="trays of 100 cells")
    parser.add_argument("--naive", type=int, default=300, help="cells that go the naive way")
    parser.add_argument("--naive-trays", type=int, default=4, help="trays that go the naive way")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(main(arguments()))
