"""Folding facts of sample plans: what was made since the last good sample, and the samples."""

from collections.abc import Iterator

from msgspec import structs

from cellwright.model.facts import Envelope, OperationCompleted, ToolReplaced
from cellwright.model.sample_facts import SampleRecorded
from cellwright.rules.folding import moment_of
from cellwright.rules.sample_rows import SampleRow, SampleStandRow
from cellwright.rules.state import CounterRow, Row, State

replace = structs.replace


def _stand(state: State, station: str, operation: str) -> SampleStandRow:
    return state.get(SampleStandRow, (station, operation)) or SampleStandRow(station, operation)


def units_made(state: State, envelope: Envelope, fact: OperationCompleted) -> Iterator[Row]:
    """Units were reported that the next sample speaks for."""
    row, moment_us = _stand(state, fact.station, fact.operation), moment_of(envelope)
    yield replace(row, units=row.units + fact.units, times_us=row.times_us + (moment_us,) * len(fact.units))


def tool_changed(state: State, fact: ToolReplaced) -> Iterator[Row]:
    """A tool of a station was replaced: what is made from now on was made with another one."""
    for row in list(state.rows(SampleStandRow)):
        if row.station == fact.station and fact.tool not in row.tools:
            counts = (*row.tool_counts, len(row.units))
            yield replace(row, tools=(*row.tools, fact.tool), tool_counts=counts)


def sample_recorded(state: State, envelope: Envelope, fact: SampleRecorded) -> Iterator[Row]:
    """A sample was destroyed: its units are vouched for, or stopped."""
    yield CounterRow(name="sample", value=fact.sample)
    yield SampleRow(
        id=fact.sample,
        station=fact.station,
        operation=fact.operation,
        characteristic=fact.characteristic,
        values=fact.values,
        modes=fact.modes,
        is_good=fact.is_good,
        units=fact.units,
        of=fact.of,
        hold=fact.hold,
        lower=fact.lower,
        upper=fact.upper,
        recorded_us=envelope.recorded_us,
        recorded_by=envelope.actor,
        person=fact.person,
        reason=fact.reason,
    )
    row = SampleStandRow(fact.station, fact.operation)
    if fact.is_good:
        yield replace(row, good_us=envelope.recorded_us)
    else:
        before = _stand(state, fact.station, fact.operation)
        yield replace(row, good_us=before.good_us, is_failed=True)
