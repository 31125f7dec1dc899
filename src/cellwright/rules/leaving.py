"""Folding what leaves the plant and comes back: shipments, installations in vehicles, and codes given on the way."""

from collections.abc import Iterator

from msgspec.structs import replace

from cellwright.model.facts import (
    CodesAssigned,
    Envelope,
    PackInstalled,
    PackRemoved,
    UnitsReturned,
    UnitsShipped,
)
from cellwright.rules.dated import GivenCodeRow, InstallationRow, ShipmentRow, begins_us, ends_us
from cellwright.rules.folding import MissingRowError, moment_of, page_of, row_of
from cellwright.rules.state import Row, State, UnitRow, UnitStatus


def units_shipped(state: State, envelope: Envelope, fact: UnitsShipped) -> Iterator[Row]:
    """Fold units that left for a partner."""
    moment_us = moment_of(envelope)
    for unit in page_of(state, UnitRow, fact.units):
        yield replace(unit, status=UnitStatus.SHIPPED)
        from_us = begins_us(moment_us, state.shipments.get(unit.id))
        yield ShipmentRow(unit=unit.id, from_us=from_us, partner=fact.partner, reference=fact.reference)


def units_returned(state: State, envelope: Envelope, fact: UnitsReturned) -> Iterator[Row]:
    """Fold units that came back."""
    moment_us = moment_of(envelope)
    for unit in page_of(state, UnitRow, fact.units):
        yield replace(unit, status=UnitStatus.REMOVED)
        row = state.shipments.open(unit.id)
        if row is None:
            msg = f"ShipmentRow of {unit.id} is not in the state"
            raise MissingRowError(msg)
        yield replace(row, to_us=ends_us(moment_us, row))


def pack_installed(state: State, _: Envelope, fact: PackInstalled) -> Iterator[Row]:
    """Fold packs that were built into vehicles; each one's time there begins where that of the one before ended."""
    places = zip(fact.vehicles, fact.positions, strict=True)
    for pack, place, time_us in zip(fact.packs, places, fact.times_us, strict=True):
        yield replace(row_of(state, UnitRow, pack), status=UnitStatus.INSTALLED)
        from_us = begins_us(time_us, state.installations.get(pack), state.places.get(place))
        yield InstallationRow(pack=pack, from_us=from_us, vehicle=place[0], position=place[1])


def pack_removed(state: State, _: Envelope, fact: PackRemoved) -> Iterator[Row]:
    """Fold packs that left their vehicles."""
    for pack, time_us, holder in zip(fact.packs, fact.times_us, fact.holders, strict=True):
        row = state.installations.open(pack)
        if row is None:
            msg = f"InstallationRow of {pack} is not in the state"
            raise MissingRowError(msg)
        status = UnitStatus.SHIPPED if holder else UnitStatus.REMOVED
        yield replace(row_of(state, UnitRow, pack), status=status)
        yield replace(row, to_us=ends_us(time_us, row))


def codes_assigned(_: State, envelope: Envelope, fact: CodesAssigned) -> Iterator[Row]:
    """Fold codes that units got."""
    for unit, code in zip(fact.units, fact.codes, strict=True):
        yield GivenCodeRow(code=code, unit=unit, from_us=moment_of(envelope))
