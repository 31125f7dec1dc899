"""The virtual machines over real sockets, with a scripted client in the place of the MES."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncua import ua

from cellwright.links.contract import LinkError
from cellwright.links.opcua.contract import BY_PATH, EPOCH_PATH, REQUEST_NODES, SEQUENCE_PATH, STATE_PATH, Kind, State
from cellwright.links.opcua.jobs import HeldState, JobControl, ReturnStatus, SessionDoor, StationJob
from cellwright.links.opcua.security import Credentials, LinkSecurity, TrustList, make_identity
from cellwright.links.opcua.session import Endpoint, Session, open_session
from cellwright.links.opcua.values import Value, to_variant
from cellwright.sim.clock import Clock
from cellwright.sim.machine import Ask, Machine, Reply
from cellwright.sim.randoms import generator
from cellwright.sim.servers import APPLICATION_URI, Keys, Servers, open_keys

STATION = "WIND-01"
START_US = 1_772_409_600_000_000


def wall_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000


class Script:
    """A client of one station that answers every request it sees."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.seen: list[dict[str, object]] = []
        self._wake = asyncio.Event()

    async def write(self, values: Mapping[str, Value]) -> None:
        nodes = [self._session.node_id(f"{STATION}/{path}") for path in values]
        variants = [to_variant(BY_PATH[path], value) for path, value in values.items()]
        for status in await self._session.write(nodes, variants):
            status.check()

    async def read(self, *paths: str) -> list[object]:
        nodes = [self._session.node_id(f"{STATION}/{path}") for path in paths]
        return [each.Value.Value for each in await self._session.read(nodes) if each.Value is not None]

    async def serve(self) -> None:
        """Answer for ever: accepted, one unit."""
        await self._session.subscribe(
            [self._session.node_id(f"{STATION}/{SEQUENCE_PATH}")],
            interval_ms=10.0,
            queue_size=10,
            notify=lambda _: self._wake.set(),
        )
        while True:
            await self._wake.wait()
            self._wake.clear()
            values = await self.read(*(spec.path for spec in REQUEST_NODES))
            request = {spec.field: value for spec, value in zip(REQUEST_NODES, values, strict=True)}
            if request["sequence"] == 0:
                continue
            self.seen.append(request)
            await self._answer(int(str(request["sequence"])))

    async def _answer(self, sequence: int) -> None:
        await self.write(
            {
                "Answer/Accepted": True,
                "Answer/Codes": (),
                "Answer/Texts": (),
                "Answer/Units": ("001CB01CW32700G320000001",),
                "Answer/Lots": (),
                "Answer/Operation": "winding",
                "Answer/Routing": (),
                "Answer/Sequence": sequence,
            }
        )


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return open_keys(tmp_path / "machines", wall_us)


def security_of(keys: Keys, folder: Path, password: str | None = None) -> LinkSecurity:
    identity = make_identity("urn:test:mes", hosts=["localhost"], now_us=wall_us())
    keys.trust.add(identity.certificate)
    trust = TrustList(folder / "mes", wall_us)
    trust.add(keys.identity.certificate)
    user = keys.credentials.user
    return LinkSecurity(identity, Credentials(user, password or keys.credentials.password), trust)


@asynccontextmanager
async def connected(keys: Keys, folder: Path) -> AsyncIterator[tuple[Servers, Script]]:
    async with Servers(keys, {"winding": (STATION,)}) as servers:
        endpoint = Endpoint(servers.urls["winding"], APPLICATION_URI)
        session = await open_session(endpoint, security_of(keys, folder), timeout_s=10.0)
        try:
            yield servers, Script(session)
        finally:
            await session.close()


async def ask_all(machine: Machine, clock: Clock, asks: list[Ask]) -> list[Reply]:
    """Let one machine ask in plant time, one request after the other."""
    replies: list[Reply] = []

    async def work() -> None:
        replies.extend([await machine.ask(ask) for ask in asks])

    clock.spawn(work(), STATION)
    await clock.run(lambda: len(replies) == len(asks))
    await clock.close()
    await machine.stop()
    return replies


async def test_a_machine_takes_a_job_order_from_the_network_while_plant_time_stands_still(
    keys: Keys, tmp_path: Path
) -> None:
    async with connected(keys, tmp_path) as (servers, script):
        clock = Clock(START_US, patience_s=20.0)
        machine = Machine(servers.stations[STATION], clock, generator(1, STATION))
        await machine.start()
        door = SessionDoor(script._session, STATION)
        jobs, order = JobControl(lambda _: door), StationJob("J1", "winding", ("U1", "U2"), ())
        serving = asyncio.create_task(script.serve())
        begun_us: list[int] = []
        shown: list[HeldState] = []

        async def look() -> None:
            shown.extend(each.state for each in await jobs.held(STATION))

        async def program() -> None:
            job = await machine.next_job(hold_s=10.0)
            begun_us.append(clock.now_us)
            await look()
            await machine.ask(Ask(kind=Kind.CHECK_IN, units=job.units))
            await look()
            await machine.job_ended(job.job)
            await look()

        async def other() -> None:
            await clock.sleep(0.1)

        clock.spawn(program(), STATION)
        clock.spawn(other(), "other")
        running = asyncio.create_task(clock.run(lambda: len(shown) == 3))
        assert await jobs.store_and_start(STATION, order) == ReturnStatus.NO_ERROR
        await running
        assert await jobs.clear(STATION, "J1") == ReturnStatus.NO_ERROR
        assert await jobs.held(STATION) == machine.jobs.held() == ()
        await clock.close()
        await machine.stop()
        serving.cancel()
    assert begun_us == [START_US]
    assert shown == [HeldState.ALLOWED_TO_START, HeldState.RUNNING, HeldState.ENDED]


@pytest.mark.parametrize("restart_ratio", [0.0, 1.0])
async def test_a_machine_asks_and_gets_its_answer(keys: Keys, tmp_path: Path, restart_ratio: float) -> None:
    async with connected(keys, tmp_path) as (servers, script):
        clock = Clock(START_US, patience_s=20.0)
        machine = Machine(
            servers.stations[STATION], clock, generator(1, STATION), restart_ratio=restart_ratio, person="OP-7"
        )
        await machine.start()
        serving = asyncio.create_task(script.serve())
        asks = [
            Ask(kind=Kind.CHECK_IN, count=1),
            Ask(kind=Kind.CHECK_OUT, units=("001CB01CW32700G320000001",), result_values=(1.5,)),
        ]
        replies = await ask_all(machine, clock, asks)
        serving.cancel()
    assert [reply.units for reply in replies] == [("001CB01CW32700G320000001",)] * 2
    assert clock.now_us == START_US + 4_000_000
    assert machine.repeated_count == (2 if restart_ratio else 0)
    last = {int(str(request["sequence"])): request for request in script.seen}
    assert sorted(last) == [1, 2]
    assert (last[1]["kind"], last[1]["count"], last[1]["person"], last[1]["time_us"]) == (
        "check_in",
        1,
        "OP-7",
        START_US,
    )
    # What the second request does not use is empty again.
    assert (last[2]["kind"], last[2]["count"], last[2]["result_values"]) == ("check_out", 0, [1.5])
    # A repeat is the same request, whole.
    assert all(request == last[int(str(request["sequence"]))] for request in script.seen)


async def test_a_recipe_becomes_active_as_it_was_set(keys: Keys, tmp_path: Path) -> None:
    async with connected(keys, tmp_path) as (servers, script):
        machine = Machine(servers.stations[STATION], Clock(START_US), generator(1, STATION))
        await machine.start()
        recipe: dict[str, Value] = {
            "Recipe/Set/Code": "WIND",
            "Recipe/Set/Names": ("web_tension_n", "web_speed_mm_per_s"),
            "Recipe/Set/Values": (4.5, 800.0),
            "Recipe/Set/Revision": 3,
        }
        await script.write(recipe)
        active = [path.replace("Set", "Active") for path in recipe]
        async with asyncio.timeout(10.0):
            while (await script.read("Recipe/Active/Revision"))[0] != 3:
                await asyncio.sleep(0.005)
        assert await script.read(*active) == ["WIND", ["web_tension_n", "web_speed_mm_per_s"], [4.5, 800.0], 3]
        await machine.stop()


async def test_a_machine_shows_its_epoch_and_state_and_lets_nobody_write_them(keys: Keys, tmp_path: Path) -> None:
    async with connected(keys, tmp_path) as (servers, script):
        machine = Machine(servers.stations[STATION], Clock(START_US), generator(1, STATION))
        await machine.start()
        await machine.show(State.EXECUTING)
        epoch, state = await script.read(EPOCH_PATH, STATE_PATH)
        assert int(str(epoch)) > 0
        assert state == "Executing"
        with pytest.raises(ua.UaStatusCodeError):
            await script.write({STATE_PATH: "NotAvailable"})
        await machine.stop()


async def test_a_wrong_password_and_an_unknown_certificate_stay_outside(keys: Keys, tmp_path: Path) -> None:
    async with Servers(keys, {"winding": (STATION,)}) as servers:
        endpoint = Endpoint(servers.urls["winding"], APPLICATION_URI)
        wrong = security_of(keys, tmp_path, password="guess")
        with pytest.raises((ua.UaError, OSError, LinkError, TimeoutError)):
            await open_session(endpoint, wrong, timeout_s=5.0)
        stranger = security_of(keys, tmp_path)
        for path in (tmp_path / "machines" / "trusted").glob("*.der"):
            path.unlink()
        with pytest.raises((ua.UaError, OSError, LinkError, TimeoutError)):
            await open_session(endpoint, stranger, timeout_s=5.0)


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first, again = (open_keys(tmp_path, wall_us) for _ in range(2))
    assert first.identity == again.identity
    assert first.credentials == again.credentials
    assert (tmp_path / "user.json").stat().st_mode & 0o077 == 0
    assert (tmp_path / "machine" / "private_key.pem").stat().st_mode & 0o077 == 0
