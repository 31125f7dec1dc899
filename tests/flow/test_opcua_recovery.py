"""The link and everything that can happen to its machine: killed, wedged, cut off, moved, silent."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from cellwright.links.opcua.contract import Kind
from cellwright.links.opcua.link import LinkSettings, OpcUaLink
from cellwright.links.opcua.session import Endpoint
from cellwright.links.opcua.station import AnswerOut, Request
from cellwright.links.opcua.worker import Backoff, Surroundings
from cellwright.plant.clock import host_clock
from cellwright.testing.machine import Keys, MachineServer, make_keys
from cellwright.testing.proxy import Proxy

CODES = ["S-1", "S-2"]
SETTINGS = LinkSettings(timeout_s=0.6, poll_s=0.05, reconnect=Backoff(first_s=0.05, max_s=0.2))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), host_clock)


class Inbox:
    """Stands for the gate: numbers what is new, repeats what is not."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, int, int], AnswerOut] = {}
        self.asked_count = 0
        self.is_down = False

    async def handle(self, station: str, request: Request, recipe_digest: str) -> AnswerOut:
        del recipe_digest
        self.asked_count += 1
        if self.is_down:
            raise ConnectionError("the gate is down")
        key = (station, request.epoch, request.sequence)
        return self.answers.setdefault(key, AnswerOut(accepted=True, units=(f"U{len(self.answers)}",)))


@asynccontextmanager
async def linked(
    endpoint: Endpoint, keys: Keys, inbox: Inbox, settings: LinkSettings = SETTINGS
) -> AsyncIterator[OpcUaLink]:
    surroundings = Surroundings(
        handler=inbox.handle,
        released=lambda _station, _operation: None,
        clock_s=time.monotonic,
        jitter_ratio=lambda: 0.5,
        retry=Backoff(first_s=0.02, max_s=0.1),
    )
    link = OpcUaLink(endpoint, CODES, security=keys.mes, surroundings=surroundings, settings=settings)
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        async with asyncio.timeout(5.0):
            await asyncio.wait([task])
        assert task.cancelled()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


async def test_a_killed_machine_gets_its_pending_answer_once_it_is_back(keys: Keys, inbox: Inbox) -> None:
    async with MachineServer(keys, CODES) as machines, linked(machines.endpoint, keys, inbox) as link:
        first, second = machines.machines.values()
        assert (await first.request(Kind.CHECK_IN)).units == ("U0",)
        inbox.is_down = True
        await second.begin(Kind.CHECK_IN)
        await until(lambda: inbox.asked_count > 1)
        await machines.kill()
        await until(lambda: not link.status().is_connected)
        assert not any(station.is_fresh for station in link.status().stations)
        inbox.is_down = False
        await machines.start()
        assert (await second.answer()).units == ("U1",)
        # The answers went with the old server: the first machine gets its own again.
        assert (await first.answer()).units == ("U0",)
        assert link.status().counters.connects == 2


async def test_the_link_waits_for_a_machine_that_is_not_there_yet(keys: Keys, inbox: Inbox) -> None:
    machines = MachineServer(keys, CODES)
    await machines.start()
    endpoint = machines.endpoint
    await machines.stop()
    async with linked(endpoint, keys, inbox) as link:
        await until(lambda: link.status().counters.losses > 2)
        assert "refused" in link.status().last_loss or "failed" in link.status().last_loss
        async with machines:
            assert (await machines.machines["S-1"].request(Kind.CHECK_IN)).accepted


async def test_requests_made_while_the_link_was_away_are_answered(keys: Keys, inbox: Inbox) -> None:
    async with MachineServer(keys, CODES) as machines:
        for machine in machines.machines.values():
            await machine.begin(Kind.CHECK_IN)
        async with linked(machines.endpoint, keys, inbox):
            answers = [await machine.answer() for machine in machines.machines.values()]
        assert {answer.units for answer in answers} == {("U0",), ("U1",)}


async def test_a_restarted_link_leaves_answered_requests_alone(keys: Keys, inbox: Inbox) -> None:
    async with MachineServer(keys, CODES) as machines:
        machine = machines.machines["S-1"]
        async with linked(machines.endpoint, keys, inbox):
            await machine.request(Kind.CHECK_IN)
        async with linked(machines.endpoint, keys, inbox):
            await machine.request(Kind.CHECK_IN)
        assert inbox.asked_count == 2


@asynccontextmanager
async def proxied(
    keys: Keys, inbox: Inbox, settings: LinkSettings = SETTINGS
) -> AsyncIterator[tuple[MachineServer, Proxy, OpcUaLink]]:
    async with MachineServer(keys, CODES) as machines:
        port = int(machines.endpoint.url.rpartition(":")[2])
        async with Proxy(port) as proxy:
            endpoint = msgspec.structs.replace(machines.endpoint, url=f"opc.tcp://127.0.0.1:{proxy.port}")
            async with linked(endpoint, keys, inbox, settings) as link:
                yield machines, proxy, link


async def test_a_wedged_machine_is_noticed_by_time_and_served_when_it_wakes(keys: Keys, inbox: Inbox) -> None:
    async with proxied(keys, inbox) as (machines, proxy, link):
        machine = machines.machines["S-1"]
        await machine.request(Kind.CHECK_IN)
        proxy.pause()
        await machine.begin(Kind.CHECK_IN)
        await until(lambda: not link.status().is_connected)
        assert not link.status().stations[0].is_fresh
        proxy.cut()
        proxy.resume()
        assert (await machine.answer()).units == ("U1",)


async def test_a_pulled_cable_costs_a_reconnect_and_no_answer(keys: Keys, inbox: Inbox) -> None:
    async with proxied(keys, inbox) as (machines, proxy, link):
        machine = machines.machines["S-1"]
        for number in range(6):
            await machine.begin(Kind.CHECK_IN)
            await asyncio.sleep(0.004 * number)  # cut at another moment of the handshake each time
            proxy.cut()
            assert (await machine.answer(timeout_s=10.0)).units == (f"U{number}",)
        assert len(inbox.answers) == 6
        await until(lambda: link.status().is_connected)


async def test_the_gate_goes_down_and_comes_back(keys: Keys, inbox: Inbox) -> None:
    async with MachineServer(keys, CODES) as machines, linked(machines.endpoint, keys, inbox) as link:
        first, second = machines.machines.values()
        inbox.is_down = True
        await first.begin(Kind.CHECK_IN)
        await second.begin(Kind.CHECK_OUT)
        await until(lambda: link.status().counters.errors >= 4)
        assert all("not answered yet" in station.fault for station in link.status().stations)
        assert link.status().is_connected
        inbox.is_down = False
        assert (await first.answer()).accepted
        assert (await second.answer()).accepted
        assert len(inbox.answers) == 2


async def test_a_silent_subscription_is_made_up_for_by_the_poll_and_then_replaced(keys: Keys, inbox: Inbox) -> None:
    async with MachineServer(keys, CODES) as machines, linked(machines.endpoint, keys, inbox) as link:
        machine = machines.machines["S-1"]
        await machine.request(Kind.CHECK_IN)
        subscriptions = machines.server.iserver.subscription_service.subscriptions
        for subscription in list(subscriptions.values()):
            subscription.monitored_item_srv.delete_all_monitored_items()
        for _ in range(6):
            assert (await machine.request(Kind.CHECK_IN, timeout_s=2.0)).accepted
        await until(lambda: link.status().counters.connects == 2)
        assert link.status().last_loss == "the subscription is silent although values change"


async def test_a_slow_subscription_is_no_reason_to_wait(keys: Keys, inbox: Inbox) -> None:
    slow = msgspec.structs.replace(SETTINGS, publishing_ms=5000.0)
    async with MachineServer(keys, CODES) as machines, linked(machines.endpoint, keys, inbox, slow):
        machine = machines.machines["S-1"]
        for _ in range(3):
            assert (await machine.request(Kind.CHECK_IN, timeout_s=1.0)).accepted


async def test_a_machine_that_no_longer_trusts_the_link_is_named_and_served_when_it_does(
    keys: Keys, inbox: Inbox
) -> None:
    async with MachineServer(keys, CODES) as machines:
        trusted = keys.machine_trust.add(keys.mes.identity.certificate)
        trusted.unlink()
        async with linked(machines.endpoint, keys, inbox) as link:
            await until(lambda: "BadCertificateUntrusted" in link.status().last_loss)
            assert keys.mes.identity.thumbprint in link.status().last_loss
            keys.machine_trust.add(keys.mes.identity.certificate)
            assert (await machines.machines["S-1"].request(Kind.CHECK_IN)).accepted


async def test_many_requests_over_many_restarts_are_each_decided_once(keys: Keys, inbox: Inbox) -> None:
    async with MachineServer(keys, CODES) as machines, linked(machines.endpoint, keys, inbox):

        async def drive(code: str) -> list[tuple[str, ...]]:
            machine = machines.machines[code]
            return [(await machine.request(Kind.CHECK_IN, timeout_s=20.0)).units for _ in range(40)]

        driving = asyncio.gather(*(drive(code) for code in CODES))
        await asyncio.sleep(0.1)
        for transport in list(machines.server.iserver.asyncio_transports):
            transport.abort()
        made = [units for each in await driving for units in each]
        assert len(set(made)) == len(made) == 80
        assert len(inbox.answers) == 80
