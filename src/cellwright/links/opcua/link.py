"""The OPC UA link of one work centre: one session, one subscription, one loop per station, reconnect for ever."""

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from asyncua import ua

from cellwright.links.contract import LinkError, StationContractError
from cellwright.links.opcua.contract import NodeSpec, node_key
from cellwright.links.opcua.jobs import JobControl, SessionDoor
from cellwright.links.opcua.offer import station_faults
from cellwright.links.opcua.security import LinkSecurity
from cellwright.links.opcua.session import Endpoint, Session, open_session
from cellwright.links.opcua.station import HEAD_SPECS, WATCHED_SPECS, decode_head
from cellwright.links.opcua.values import Problem
from cellwright.links.opcua.worker import Backoff, Counters, StationState, Surroundings, Worker

_QUEUE_SIZE = 10
_SILENT_POLL_COUNT_MAX = 5

_logger = logging.getLogger(__name__)


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Timing of a link, seconds and milliseconds; an interval of 0 asks the server for its fastest."""

    timeout_s: float = 4.0
    poll_s: float = 0.2
    publishing_ms: float = 0.0
    answers: bool = True
    """Whether requests are answered; False = another link does, and this one carries job orders alone."""
    reconnect: Backoff = Backoff(first_s=0.2, max_s=10.0)


class StationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A station as the link knows it; `is_fresh` = read within the last few polls of a living session."""

    station: str
    is_fresh: bool
    state: str
    epoch: int | None
    sequence: int | None
    answered: int | None
    problems: tuple[Problem, ...]
    fault: str


class LinkStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Health of a link: connection, why it was last lost, what was done, and each station."""

    url: str
    is_connected: bool
    last_loss: str
    counters: Counters
    stations: tuple[StationStatus, ...]


class OpcUaLink:
    """Serves the stations of one machine server until cancelled."""

    def __init__(
        self,
        endpoint: Endpoint,
        stations: Sequence[str],
        *,
        security: LinkSecurity,
        surroundings: Surroundings,
        settings: LinkSettings = LinkSettings(),  # noqa: B008 - frozen
    ) -> None:
        """Keep who, where and how; nothing happens before `run`."""
        self._endpoint = endpoint
        self._security = security
        self._surroundings = surroundings
        self._settings = settings
        self._states = [StationState(code) for code in stations]
        self._counters = Counters()
        self._is_connected = False
        self._last_loss = ""
        self._told = ""
        self._open: dict[str, SessionDoor] = {}
        self.jobs = JobControl(self.job_door)
        """Job orders of this link's stations, sent and read back through its session."""

    @property
    def name(self) -> str:
        """Name for logs and status pages: the server's address."""
        return self._endpoint.url

    def status(self) -> LinkStatus:
        """Return the present health; data of a lost session is marked as not fresh."""
        return LinkStatus(
            url=self._endpoint.url,
            is_connected=self._is_connected,
            last_loss=self._last_loss,
            counters=msgspec.structs.replace(self._counters),
            stations=tuple(self._station_status(state) for state in self._states),
        )

    def serves(self, station: str) -> bool:
        """Tell whether a station is one of this link's, reachable or not."""
        return any(state.code == station for state in self._states)

    def job_door(self, station: str) -> SessionDoor:
        """Return the way to a station's job orders. Raises LinkError with the cause when it is not reachable."""
        door = self._open.get(station)
        if door is None:
            raise LinkError(f"{station} is not reachable: {self._cause(station)}")
        return door

    def _cause(self, station: str) -> str:
        faults = [state.fault for state in self._states if state.code == station]
        if not faults:
            return f"{self.name} has no such station; see the work centre of the station in equipment.toml"
        if self._is_connected:
            return faults[0]
        return f"{self._last_loss or 'not connected yet'}; {self.name} is tried again by itself"

    def _station_status(self, state: StationState) -> StationStatus:
        snapshot = state.snapshot
        age_s = self._surroundings.clock_s() - state.seen_s
        return StationStatus(
            station=state.code,
            is_fresh=self._is_connected and age_s <= 3 * self._settings.poll_s + self._settings.timeout_s,
            state="" if snapshot is None else snapshot.state,
            epoch=None if snapshot is None else snapshot.epoch,
            sequence=None if snapshot is None else snapshot.sequence,
            answered=None if snapshot is None else snapshot.answered,
            problems=() if snapshot is None else snapshot.problems,
            fault=state.fault,
        )

    async def run(self) -> None:
        """Connect, serve, reconnect with growing pauses; ends only by cancellation."""
        attempt = 0
        while True:
            connects = self._counters.connects
            # In a task of its own: the library swallows a cancellation that meets it while it closes.
            serving = asyncio.create_task(self._serve(), name=f"{self.name} session")
            try:
                await asyncio.wait([serving])
            finally:
                await _ended(serving)
            self._note_loss(None if serving.cancelled() else serving.exception())
            attempt = 1 if self._counters.connects > connects else attempt + 1
            await asyncio.sleep(self._settings.reconnect.pause_s(attempt, self._surroundings.jitter_ratio()))

    def _note_loss(self, error: BaseException | None) -> None:
        causes = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        text = "; ".join(str(cause) or type(cause).__name__ for cause in causes if cause is not None)
        self._counters.losses += 1
        if text != self._told:  # one line per cause, not per attempt
            _logger.warning("link %s lost: %s; reconnecting", self.name, text)
        self._last_loss = self._told = text

    async def _serve(self) -> None:
        session = await open_session(self._endpoint, self._security, timeout_s=self._settings.timeout_s)
        try:
            await self._serve_session(session)
        finally:
            self._is_connected = False
            self._open = {}
            await session.close()

    async def _serve_session(self, session: Session) -> None:
        states = await self._offered(session)
        workers = [Worker(session, state, self._surroundings, self._counters) for state in states]
        watch = _Watch(session, workers, self._settings)
        if self._settings.answers:
            await watch.subscribe()
        self._is_connected = True
        self._open = {worker.code: SessionDoor(session, worker.code) for worker in workers}
        self._told = ""
        self._counters.connects += 1
        _logger.info("link %s connected: %d stations", self.name, len(workers))
        async with asyncio.TaskGroup() as group:
            group.create_task(watch.poll())
            for worker in workers if self._settings.answers else ():
                group.create_task(worker.serve())

    async def _offered(self, session: Session) -> list[StationState]:
        """Return the stations that offer the contract. Raises StationContractError if none does."""
        faults = await station_faults(session, [state.code for state in self._states])
        for state, fault in zip(self._states, faults, strict=True):
            state.fault = fault
            if fault:
                _logger.warning("link %s: %s", self.name, fault)
        offered = [state for state in self._states if not state.fault]
        if not offered:
            raise StationContractError("; ".join(faults))
        return offered


async def _ended(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait([task])


class _Watch:
    """Wakes the workers: at once by subscription, and by a slow poll in case the subscription fell silent."""

    def __init__(self, session: Session, workers: Sequence[Worker], settings: LinkSettings) -> None:
        self._session = session
        self._workers = workers
        self._settings = settings
        self._is_notified = False
        self._silent_poll_count = 0
        self._end = ""

    def _nodes(self, specs: Sequence[NodeSpec]) -> list[ua.NodeId]:
        return [self._session.node_id(node_key(worker.code, spec.path)) for worker in self._workers for spec in specs]

    async def subscribe(self) -> None:
        nodes = self._nodes(WATCHED_SPECS)
        results = await self._session.subscribe(
            nodes, interval_ms=self._settings.publishing_ms, queue_size=_QUEUE_SIZE, notify=self._notify
        )
        for node, result in zip(nodes, results, strict=True):
            if not result.is_good():
                _logger.warning("%s is not monitored (%s); the poll watches instead", node.Identifier, result.name)

    def _notify(self, published: ua.PublishResult) -> None:
        self._is_notified = True
        for data in published.NotificationMessage.NotificationData or []:
            if isinstance(data, ua.DataChangeNotification):
                for item in data.MonitoredItems:
                    self._workers[item.ClientHandle // len(WATCHED_SPECS)].wake.set()
            elif isinstance(data, ua.StatusChangeNotification):
                self._end = f"the server ended the subscription: {data.Status.name}"

    async def poll(self) -> None:
        """Read the heads of all stations for ever. Raises LinkError when the subscription is dead."""
        nodes = self._nodes(HEAD_SPECS)
        width = len(HEAD_SPECS)
        while True:
            await asyncio.sleep(self._settings.poll_s)
            values = await self._session.read(nodes)
            heads = [decode_head(values[start : start + width]) for start in range(0, len(values), width)]
            changed = [worker for worker, head in zip(self._workers, heads, strict=True) if worker.hear(head)]
            self._judge_subscription(has_changes=bool(changed))

    def _judge_subscription(self, *, has_changes: bool) -> None:
        if self._end:
            raise LinkError(self._end)
        if self._is_notified or not self._settings.answers:
            self._silent_poll_count = 0
        elif has_changes:
            self._silent_poll_count += 1
        self._is_notified = False
        if self._silent_poll_count >= _SILENT_POLL_COUNT_MAX:
            raise LinkError("the subscription is silent although values change")
