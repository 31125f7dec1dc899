"""The one thing that the person at a station is to do next."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from cellwright.model.equipment import Station
from cellwright.rules.job_rows import JobState
from cellwright.views.line_work import OpenCall, OpenJob
from cellwright.views.status import LoadedLot
from cellwright.web.pages.needs import Need
from cellwright.web.pages.tiles import Tile, TileState


class ActionKind(StrEnum):
    """What is to be done, the most urgent first."""

    CALL = "call"
    """Answer a call; its text says how."""
    OFFLINE = "offline"
    """See to the machine: it is not heard."""
    WORK = "work"
    """Work on what is in the station."""
    LOAD = "load"
    """Load a material."""
    REFUSED = "refused"
    """Do what the last refusal says."""
    READ_BACK = "read_back"
    """Wait until the machine gives back the job order."""
    BRING_MEMBERS = "bring_members"
    """Bring the members of a job, in the order of their slots."""
    BRING_UNITS = "bring_units"
    """Bring the units of a job."""
    BRING_NEXT = "bring_next"
    """Bring the unit that waits longest."""
    NO_JOB = "no_job"
    """Wait: nothing is ordered here."""
    NOTHING = "nothing"
    """Wait: no unit waits for this station."""


class NextAction(Struct, frozen=True, kw_only=True):
    """What is to be done, and with what; "" and 0 = does not apply."""

    kind: ActionKind
    text: str = ""
    """A sentence of the server, of a call or a refusal."""
    code: str = ""
    """The unit or lot that it is about, or the code of the refusal."""
    material: str = ""
    material_name: str = ""
    position: str = ""
    measure: str = ""
    quantity: int = 0
    count: int = 0
    job: str = ""


class AtStation(Struct, frozen=True, kw_only=True):
    """What decides the next action at a station."""

    station: Station
    tile: Tile
    calls: Sequence[OpenCall]
    jobs: Sequence[OpenJob]
    needs: Sequence[Need]
    loaded: Sequence[LoadedLot]
    next_unit: str
    """The unit that waits longest, "" = none."""


def current_job(jobs: Sequence[OpenJob]) -> OpenJob | None:
    """Return the job that a station is at: the running one, else the oldest that may begin, else the oldest."""
    ranks = {JobState.RUNNING: 0, JobState.PROVED: 1}
    return min(jobs, key=lambda job: (ranks.get(job.state, 2), job.dispatched_us), default=None)


def next_action(here: AtStation) -> NextAction:
    """Return the one thing to do: the first that applies, the most urgent first."""
    return next(_actions(here), NextAction(kind=ActionKind.NOTHING))


def _actions(here: AtStation) -> Iterator[NextAction]:
    for call in here.calls[:1]:
        yield NextAction(kind=ActionKind.CALL, text=call.text, code=call.kind)
    tile = here.tile
    if tile.state is TileState.OFFLINE:
        yield NextAction(kind=ActionKind.OFFLINE)
    if tile.state is TileState.RUNNING:
        yield NextAction(kind=ActionKind.WORK, code=tile.unit, count=tile.running_count)
    yield from _missing(here)
    if tile.refusal is not None and tile.refusal.is_last:
        yield NextAction(kind=ActionKind.REFUSED, text=tile.refusal.text, code=tile.refusal.code)
    job = current_job(here.jobs)
    if job is not None:
        yield _of_job(job)
    if here.station.dispatched:
        yield NextAction(kind=ActionKind.NO_JOB)
    if here.next_unit:
        yield NextAction(kind=ActionKind.BRING_NEXT, code=here.next_unit)


def _missing(here: AtStation) -> Iterator[NextAction]:
    """Yield the materials of which too little is loaded for one more unit or run."""
    free = {each.position: each.remaining - each.reserved for each in here.loaded}
    for need in here.needs:
        if not need.is_optional and free.get(need.position, 0) < need.quantity:
            yield NextAction(
                kind=ActionKind.LOAD,
                material=need.material,
                material_name=need.material_name,
                position=need.position,
                measure=need.measure,
                quantity=need.quantity,
            )


def _of_job(job: OpenJob) -> NextAction:
    units = job.members or job.units
    first, count = units[0] if units else "", len(units)
    if job.state is JobState.DISPATCHED:
        return NextAction(kind=ActionKind.READ_BACK, code=first, count=count, job=job.job)
    kind = ActionKind.BRING_MEMBERS if job.members else ActionKind.BRING_UNITS
    return NextAction(kind=kind, code=first, count=count, job=job.job)
