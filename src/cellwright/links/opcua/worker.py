"""The loop of one station: observe, decide, act."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from cellwright.links.opcua.contract import ANSWER_NODES, RECIPE_SET_NODES, NodeSpec, node_key
from cellwright.links.opcua.session import Session
from cellwright.links.opcua.station import (
    HEAD_SPECS,
    SNAPSHOT_SPECS,
    AnswerOut,
    Head,
    Request,
    Snapshot,
    answer_variants,
    decode_head,
    decode_snapshot,
    recipe_variants,
)
from cellwright.links.opcua.step import (
    PATIENT,
    Ask,
    DownloadRecipe,
    Memory,
    Nothing,
    Policy,
    Released,
    WriteAnswer,
    next_action,
)

Handler = Callable[[str, Request, str], Awaitable[AnswerOut]]
"""Decides a request: (station, request, digest of the recipe read back). May raise, may be cancelled: is repeated."""

_logger = logging.getLogger(__name__)


class Counters(msgspec.Struct):
    """What a link has done since it was made."""

    connects: int = 0
    losses: int = 0
    asked: int = 0
    answered: int = 0
    downloads: int = 0
    malformed: int = 0
    errors: int = 0


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Growing pauses: first_s, doubled each time up to max_s, of which up to half is taken off at random."""

    first_s: float = 0.1
    max_s: float = 10.0

    def pause_s(self, attempt: int, jitter_ratio: float) -> float:
        """Return the pause before attempt 1, 2, ...; jitter_ratio is a random number 0..1."""
        full_s = min(self.max_s, self.first_s * 2.0 ** min(attempt - 1, 30))
        return full_s * (1.0 - jitter_ratio / 2.0)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is given: who decides, which recipes are released, time and chance."""

    handler: Handler
    released: Released
    clock_s: Callable[[], float]
    jitter_ratio: Callable[[], float]
    policy: Policy = PATIENT
    retry: Backoff = Backoff(first_s=0.1, max_s=5.0)


class StationState:
    """What outlives a session: memory of the station, its last snapshot and when it was read."""

    def __init__(self, code: str) -> None:
        """Begin knowing nothing of station `code`."""
        self.code = code
        self.memory = Memory()
        self.snapshot: Snapshot | None = None
        self.seen_s = float("-inf")
        self.fault = ""


class Worker:
    """Serves one station through one session until the session fails."""

    def __init__(self, session: Session, state: StationState, surroundings: Surroundings, counters: Counters) -> None:
        """Bind to the station's nodes in this session."""
        self.wake = asyncio.Event()
        self._session = session
        self._state = state
        self._surroundings = surroundings
        self._counters = counters
        self._failures = 0
        self._snapshot_ids = self._ids(SNAPSHOT_SPECS)
        self._head_ids = self._ids(HEAD_SPECS)
        self._answer_ids = self._ids(ANSWER_NODES)
        self._recipe_ids = self._ids(RECIPE_SET_NODES)
        state.memory = state.memory.resumed()

    @property
    def code(self) -> str:
        """Station code."""
        return self._state.code

    def hear(self, head: Head) -> bool:
        """Note that the station was read; wake and return True if it moved on or could not be read before."""
        self._state.seen_s = self._surroundings.clock_s()
        seen = self._state.snapshot
        has_changed = seen is None or bool(seen.problems) or head != (seen.sequence, seen.epoch, seen.answered)
        if has_changed:
            self.wake.set()
        return has_changed

    def _ids(self, specs: tuple[NodeSpec, ...]) -> list[ua.NodeId]:
        return [self._session.node_id(node_key(self._state.code, spec.path)) for spec in specs]

    async def serve(self) -> None:
        """Observe, decide, act, for ever. Raises OSError, TimeoutError or UaError when the session fails."""
        snapshot = await self._observe()
        while True:
            snapshot = await self._act(snapshot)

    async def _observe(self) -> Snapshot:
        self.wake.clear()
        snapshot = decode_snapshot(self._state.code, await self._session.read(self._snapshot_ids))
        self._state.memory = self._state.memory.seen(snapshot)
        return self._keep(snapshot)

    def _keep(self, snapshot: Snapshot) -> Snapshot:
        self._state.snapshot = snapshot
        self._state.seen_s = self._surroundings.clock_s()
        return snapshot

    async def _act(self, snapshot: Snapshot) -> Snapshot:
        given = self._surroundings
        action = next_action(
            snapshot, self._state.memory, released=given.released, now_s=given.clock_s(), policy=given.policy
        )
        match action:
            case Nothing():
                await self._sleep(action.wake_after_s)
                return await self._observe()
            case DownloadRecipe():
                await self._download(action)
                return await self._observe()
            case Ask():
                return await self._ask(action, snapshot)
            case WriteAnswer():
                return await self._answer(action, snapshot)

    async def _sleep(self, wake_after_s: float | None) -> None:
        try:
            async with asyncio.timeout(wake_after_s):
                await self.wake.wait()
        except TimeoutError:
            return

    async def _download(self, action: DownloadRecipe) -> None:
        self._counters.downloads += 1
        self._state.memory = self._state.memory.downloaded(action.key, self._surroundings.clock_s())
        await self._write(self._recipe_ids, recipe_variants(action.recipe), RECIPE_SET_NODES)

    async def _ask(self, action: Ask, snapshot: Snapshot) -> Snapshot:
        self._counters.asked += 1
        self._counters.malformed += bool(action.request.problems)
        try:
            answer = await self._surroundings.handler(self._state.code, action.request, action.recipe_digest)
        except Exception as error:  # noqa: BLE001 - whatever stops the decision, the request is put again
            await self._failed(f"request {action.key} is not answered yet: {error!r}")
            return await self._observe()
        self._failures = 0
        self._state.memory = self._state.memory.decided(action.key, answer)
        # The machine may have been restarted meanwhile: its present key decides where the answer goes.
        sequence, epoch, answered = decode_head(await self._session.read(self._head_ids))
        if (epoch, sequence) != action.key:
            return await self._observe()
        return self._keep(msgspec.structs.replace(snapshot, answered=answered))

    async def _answer(self, action: WriteAnswer, snapshot: Snapshot) -> Snapshot:
        epoch, sequence = action.key
        if not await self._write(self._answer_ids, answer_variants(sequence, action.answer), ANSWER_NODES):
            return await self._observe()
        self._counters.answered += 1
        self._state.memory = self._state.memory.answered(epoch)
        self._state.fault = ""
        return self._keep(msgspec.structs.replace(snapshot, answered=sequence))

    async def _write(self, ids: list[ua.NodeId], variants: list[ua.Variant], specs: tuple[NodeSpec, ...]) -> bool:
        results = await self._session.write(ids, variants)
        refused = [
            f"{spec.path}: {each.name}" for spec, each in zip(specs, results, strict=True) if _is_refused(spec, each)
        ]
        if refused:
            await self._failed(f"the machine refused to be written: {', '.join(refused)}; see its access rights")
        return not refused

    async def _failed(self, text: str) -> None:
        self._counters.errors += 1
        self._failures += 1
        self._state.fault = text
        _logger.warning("station %s: %s", self._state.code, text)
        await asyncio.sleep(self._surroundings.retry.pause_s(self._failures, self._surroundings.jitter_ratio()))


def _is_refused(spec: NodeSpec, status: ua.StatusCode) -> bool:
    """Tell whether a node was not written that the machine has to have; an optional one may be missing."""
    return not status.is_good() and not (spec.is_optional and status.value == StatusCodes.BadNodeIdUnknown)
