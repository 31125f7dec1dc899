"""Folding releases of gauges' effects."""

from collections.abc import Iterator

from cellwright.model.corrections import CorrectionReleased
from cellwright.model.facts import Envelope
from cellwright.rules.correction_rows import CorrectionRow
from cellwright.rules.state import CounterRow, Row, State

COUNTER = "correction"
"""Counts releases of all stations."""


def correction_released(state: State, envelope: Envelope, fact: CorrectionReleased) -> Iterator[Row]:
    """Effects of a station's gauges are in force."""
    number = state.counter(COUNTER) + 1
    yield CounterRow(name=COUNTER, value=number)
    yield CorrectionRow(
        id=number,
        station=fact.station,
        operation=fact.operation,
        characteristic=fact.characteristic,
        version=fact.version,
        effects=fact.effects,
        released_us=envelope.recorded_us,
        released_by=envelope.actor,
    )
