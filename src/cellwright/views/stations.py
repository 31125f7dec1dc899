"""What each station is doing: pages in process, cycles, outcomes, last units; and everything that was refused."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.journal.facts import Recorded
from cellwright.model.answers import Reason
from cellwright.model.facts import LotTransformed, OperationAborted, OperationCompleted, OperationStarted, Refused
from cellwright.views.following import Page, PeopleView, lot_codes, moment_us, unit_codes, write

_CYCLES = 20
_UNITS = 20
_NEWEST = 2**63 - 1
_US_PER_S = 1_000_000
_NAMING = ("unit", "lot", "carrier")
"""Evidence that holds a printed code."""

T = TypeVar("T")


class RunningPage(Struct, frozen=True):
    """A page in process: what was checked in and since when (UTC us)."""

    operation: str
    units_count: int
    unit: str
    """The first unit, "" = it makes lots."""
    lots: tuple[str, ...]
    carrier: str
    person: str
    since_us: int


class LastUnit(Struct, frozen=True):
    """A unit (or lot) that a station reported, and when (UTC us)."""

    code: str
    is_good: bool
    defect: str
    time_us: int


class Refusal(Struct, frozen=True):
    """A refused command with every reason; `time_us` by the server (UTC us)."""

    position: int
    time_us: int
    station: str
    command: str
    codes: tuple[str, ...]
    reasons: tuple[Reason, ...]
    actor: str


class StationView(Struct, frozen=True, kw_only=True):
    """A station now."""

    station: str
    operation: str
    """What it did last, or does."""
    running: tuple[RunningPage, ...]
    running_count: int
    """Units in process; a run that makes lots counts as one."""
    last_cycle_s: float | None
    """From check-in to report of the last page; None = none yet."""
    median_cycle_s: float | None
    """Median of the last `cycles_count` cycles, at most 20."""
    cycles_count: int
    ok_count: int
    ng_count: int
    refused_count: int
    last_refusal: Refusal | None
    last_fact_us: int
    """When the server recorded its last fact (UTC us)."""
    last_units: tuple[LastUnit, ...]
    """The newest first, at most 20."""


class Refusals(Struct, frozen=True):
    """Refusals, the newest first; `next_before` asks for older ones, None = there are none."""

    refusals: tuple[Refusal, ...]
    next_before: int | None


# --- folding ----------------------------------------------------------------------------------------


class _Running(Struct):
    """A page in process; units and lots as numbers. Times: the equipment's, and the server's."""

    operation: str
    units: tuple[int, ...]
    lots: tuple[int, ...]
    carrier: str
    person: str
    time_us: int
    recorded_us: int


class _Done(Struct, frozen=True, array_like=True):
    """A unit or lot that was reported."""

    number: int
    is_lot: bool
    is_good: bool
    defect: str
    time_us: int


class _State(Struct):
    """A row of `station_state`."""

    station: str
    operation: str = ""
    running: tuple[_Running, ...] = ()
    cycles_s: tuple[float, ...] = ()
    ok_count: int = 0
    ng_count: int = 0
    refused_count: int = 0
    refused_position: int = 0
    refused_code: str = ""
    last_fact_us: int = 0
    units: tuple[_Done, ...] = ()


_ENCODER = msgspec.json.Encoder()
_RUNNING = msgspec.json.Decoder(tuple[_Running, ...])
_DONE = msgspec.json.Decoder(tuple[_Done, ...])


async def _fold(connection: Connection, page: Page) -> None:
    facts = [(each, each.envelope.fact) for each in page.recorded]
    touching = (OperationStarted, OperationCompleted, OperationAborted, LotTransformed, Refused)
    named = {fact.station for _, fact in facts if isinstance(fact, touching) and fact.station}
    states = {code: _State(code) for code in sorted(named)}
    states.update(await _load_states(connection, named))
    for each, fact in facts:
        match fact:
            case OperationStarted():
                _start(states[fact.station], each, fact)
            case OperationCompleted() | LotTransformed():
                _complete(states[fact.station], each, fact)
            case OperationAborted():
                _abort(states[fact.station], fact)
            case Refused() if fact.station:
                _refuse(states[fact.station], each, fact)
            case _:
                continue
        states[fact.station].last_fact_us = each.envelope.recorded_us
    await _save_states(connection, list(states.values()))
    await _save_refusals(connection, [(each, fact) for each, fact in facts if isinstance(fact, Refused)])


def _start(state: _State, recorded: Recorded, fact: OperationStarted) -> None:
    envelope = recorded.envelope
    state.operation = fact.operation
    begun = _Running(
        fact.operation, fact.units, fact.lots, fact.carrier, fact.person, envelope.time_us, envelope.recorded_us
    )
    state.running = (*state.running, begun)


def _complete(state: _State, recorded: Recorded, fact: OperationCompleted | LotTransformed) -> None:
    is_lot = isinstance(fact, LotTransformed)
    numbers = fact.lots if isinstance(fact, LotTransformed) else fact.units
    state.operation = fact.operation
    ended = _leave(state, set(numbers), is_lot=is_lot)
    state.cycles_s = last_of((*state.cycles_s, *(_cycle_s(page, recorded) for page in ended)), _CYCLES)
    good_count = sum(fact.verdicts)
    state.ok_count += good_count
    state.ng_count += len(fact.verdicts) - good_count
    time_us = moment_us(recorded.envelope)
    first = max(0, len(numbers) - _UNITS)
    defects = fact.defects or ("",) * len(numbers)
    done = [
        _Done(numbers[index], is_lot, fact.verdicts[index], defects[index], time_us)
        for index in range(first, len(numbers))
    ]
    state.units = last_of((*state.units, *done), _UNITS)


def _abort(state: _State, fact: OperationAborted) -> None:
    """What was given up was tried and did not become good; it makes no cycle."""
    _leave(state, set(fact.units or fact.lots), is_lot=not fact.units)
    state.ng_count += len(fact.units or fact.lots)


def _leave(state: _State, gone: set[int], *, is_lot: bool) -> list[_Running]:
    """Take units or lots out of process; return the pages that thereby left whole."""
    staying, ended = [], []
    for page in state.running:
        numbers = page.lots if is_lot else page.units
        left = tuple(number for number in numbers if number not in gone)
        if left == numbers:
            staying.append(page)
        elif left:
            staying.append(msgspec.structs.replace(page, **{"lots" if is_lot else "units": left}))
        else:
            ended.append(page)
    state.running = tuple(staying)
    return ended


def _cycle_s(running: _Running, recorded: Recorded) -> float:
    """Return the time from check-in to report: by the equipment where its clock was right, else by the server."""
    envelope = recorded.envelope
    is_skewed = getattr(envelope.fact, "clock_skewed", True) or envelope.time_us < running.time_us
    took_us = envelope.recorded_us - running.recorded_us if is_skewed else envelope.time_us - running.time_us
    return max(0, took_us) / _US_PER_S


def _refuse(state: _State, recorded: Recorded, fact: Refused) -> None:
    state.refused_count += 1
    state.refused_position = recorded.position
    state.refused_code = str(fact.reasons[0].code) if fact.reasons else ""


def last_of(values: tuple[T, ...], count: int) -> tuple[T, ...]:
    """Return the last values of a sequence."""
    return values[-count:]


async def _load_states(connection: Connection, stations: Iterable[str]) -> dict[str, _State]:
    records = await connection.fetch("SELECT * FROM station_state WHERE station = ANY($1::text[])", list(stations))
    return {record["station"]: _state(record) for record in records}


def _state(record: Any) -> _State:
    fields = dict(record)
    fields["running"] = _RUNNING.decode(fields["running"])
    fields["units"] = _DONE.decode(fields["units"])
    fields["cycles_s"] = tuple(fields["cycles_s"])
    return _State(**fields)


async def _save_states(connection: Connection, states: Sequence[_State]) -> None:
    await write(
        connection,
        """
        INSERT INTO station_state (station, operation, running, cycles_s, ok_count, ng_count, refused_count,
                                   refused_position, refused_code, last_fact_us, units)
        SELECT station, operation, running::json, cycles_s::float8[], ok_count, ng_count, refused_count,
               refused_position, refused_code, last_fact_us, units::json
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                    $8::bigint[], $9::text[], $10::bigint[], $11::text[])
             AS n (station, operation, running, cycles_s, ok_count, ng_count, refused_count, refused_position,
                   refused_code, last_fact_us, units)
        ON CONFLICT (station) DO UPDATE
        SET operation = excluded.operation, running = excluded.running, cycles_s = excluded.cycles_s,
            ok_count = excluded.ok_count, ng_count = excluded.ng_count, refused_count = excluded.refused_count,
            refused_position = excluded.refused_position, refused_code = excluded.refused_code,
            last_fact_us = excluded.last_fact_us, units = excluded.units
        """,
        [state.station for state in states],
        [state.operation for state in states],
        [_ENCODER.encode(state.running).decode() for state in states],
        [state.cycles_s for state in states],
        [state.ok_count for state in states],
        [state.ng_count for state in states],
        [state.refused_count for state in states],
        [state.refused_position for state in states],
        [state.refused_code for state in states],
        [state.last_fact_us for state in states],
        [_ENCODER.encode(state.units).decode() for state in states],
    )


def _codes(fact: Refused) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(reason.code) for reason in fact.reasons))


def _named(fact: Refused) -> tuple[str, ...]:
    found = (reason.evidence.get(key) for reason in fact.reasons for key in _NAMING)
    return tuple(dict.fromkeys(code for code in found if isinstance(code, str) and code))


async def _save_refusals(connection: Connection, refused: Sequence[tuple[Recorded, Refused]]) -> None:
    await write(
        connection,
        """
        INSERT INTO refusal (position, station, time_us, command, codes, named)
        SELECT position, station, time_us, command, codes::text[], named::text[]
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
             AS n (position, station, time_us, command, codes, named)
        """,
        [each.position for each, _ in refused],
        [fact.station for _, fact in refused],
        [each.envelope.recorded_us for each, _ in refused],
        [fact.command for _, fact in refused],
        [_codes(fact) for _, fact in refused],
        [_named(fact) for _, fact in refused],
    )
    given = [(code, each.position) for each, fact in refused for code in _codes(fact)]
    await write(
        connection,
        "INSERT INTO refusal_code (code, position) SELECT * FROM unnest($1::text[], $2::bigint[])",
        [code for code, _ in given],
        [position for _, position in given],
    )
    await write(
        connection,
        """
        INSERT INTO refusal_tally AS t (code, refused_count)
        SELECT code, count(*) FROM unnest($1::text[]) AS n (code) GROUP BY code
        ON CONFLICT (code) DO UPDATE SET refused_count = t.refused_count + excluded.refused_count
        """,
        [code for code, _ in given],
    )


VIEW = PeopleView(("station_state", "refusal", "refusal_code", "refusal_tally"), _fold)


# --- reading ----------------------------------------------------------------------------------------


async def read_stations(connection: Connection, stations: Sequence[str] | None = None) -> list[StationView]:
    """Return what stations (None = all that ever worked or asked) are doing, by code."""
    records = await connection.fetch(
        "SELECT * FROM station_state WHERE $1::text[] IS NULL OR station = ANY($1::text[]) ORDER BY station", stations
    )
    states = [_state(record) for record in records]
    refusals = await _refusals_at(connection, [state.refused_position for state in states if state.refused_position])
    units = await unit_codes(connection, _numbers(states, is_lot=False))
    lots = await lot_codes(connection, _numbers(states, is_lot=True))
    return [_view(state, refusals.get(state.refused_position), units, lots) for state in states]


def _numbers(states: Iterable[_State], *, is_lot: bool) -> set[int]:
    found = {done.number for state in states for done in state.units if done.is_lot == is_lot}
    running = [page for state in states for page in state.running]
    return found.union(*(page.lots if is_lot else page.units[:1] for page in running))


def _view(state: _State, refusal: Refusal | None, units: dict[int, str], lots: dict[int, str]) -> StationView:
    return StationView(
        station=state.station,
        operation=state.operation,
        running=tuple(_running_page(page, units, lots) for page in state.running),
        running_count=sum(len(page.units) or 1 for page in state.running),
        last_cycle_s=state.cycles_s[-1] if state.cycles_s else None,
        median_cycle_s=statistics.median(state.cycles_s) if state.cycles_s else None,
        cycles_count=len(state.cycles_s),
        ok_count=state.ok_count,
        ng_count=state.ng_count,
        refused_count=state.refused_count,
        last_refusal=refusal,
        last_fact_us=state.last_fact_us,
        last_units=tuple(
            LastUnit((lots if done.is_lot else units).get(done.number, ""), done.is_good, done.defect, done.time_us)
            for done in reversed(state.units)
        ),
    )


def _running_page(page: _Running, units: dict[int, str], lots: dict[int, str]) -> RunningPage:
    return RunningPage(
        operation=page.operation,
        units_count=len(page.units),
        unit=units.get(page.units[0], "") if page.units else "",
        lots=tuple(lots.get(lot, "") for lot in page.lots),
        carrier=page.carrier,
        person=page.person,
        since_us=page.recorded_us,
    )


async def _refusals_at(connection: Connection, positions: Sequence[int]) -> dict[int, Refusal]:
    records = await connection.fetch(
        f"SELECT {_REFUSAL} WHERE r.position = ANY($1::bigint[])",
        positions,
    )
    return {record["position"]: _refusal(record) for record in records}


_REFUSAL = """
    position, r.time_us, r.station, r.command, r.codes, f.body->>'reasons' AS reasons, f.actor
    FROM refusal AS r JOIN fact AS f USING (position)
"""
_REASONS = msgspec.json.Decoder(tuple[Reason, ...])


def _refusal(record: Any) -> Refusal:
    position, time_us, station, command, codes, reasons, actor = record
    return Refusal(position, time_us, station, command, tuple(codes), _REASONS.decode(reasons), actor)


class Wanted(Struct, frozen=True):
    """Which refusals: of a station, with a code, recorded in [from_us, to_us) (UTC us); what is empty does not count."""

    station: str = ""
    code: str = ""
    from_us: int = 0
    to_us: int = _NEWEST


async def read_refusals(
    connection: Connection, wanted: Wanted, *, before: int | None = None, limit: int = 100
) -> Refusals:
    """Return refusals before a position (None = until now)."""
    chosen = ["r.position < $1", "r.time_us >= $2", "r.time_us < $3"]
    chosen += ["r.station = $4"] if wanted.station else ["$4 = ''"]
    chosen += ["c.code = $5"] if wanted.code else ["$5 = ''"]
    coded = "JOIN refusal_code AS c USING (position)" if wanted.code else ""
    records = await connection.fetch(
        f"SELECT {_REFUSAL} {coded} WHERE {' AND '.join(chosen)} ORDER BY position DESC LIMIT $6",
        _NEWEST if before is None else before,
        wanted.from_us,
        wanted.to_us,
        wanted.station,
        wanted.code,
        limit + 1,
    )
    found = tuple(_refusal(record) for record in records[:limit])
    return Refusals(found, found[-1].position if len(records) > limit else None)


async def count_refusals(connection: Connection, wanted: Wanted) -> int:
    """Return how many refusals there are, at most 100,000."""
    chosen = ["r.time_us >= $1", "r.time_us < $2"]
    chosen += ["r.station = $3"] if wanted.station else ["$3 = ''"]
    chosen += ["c.code = $4"] if wanted.code else ["$4 = ''"]
    coded = "JOIN refusal_code AS c USING (position)" if wanted.code else ""
    number: int = await connection.fetchval(
        f"SELECT count(*) FROM (SELECT 1 FROM refusal AS r {coded} WHERE {' AND '.join(chosen)} LIMIT 100000) AS t",  # noqa: S608
        wanted.from_us,
        wanted.to_us,
        wanted.station,
        wanted.code,
    )
    return number
