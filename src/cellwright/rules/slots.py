"""Re-mapping scans: a station says in which slot it found each unit, and the record must say the same."""

from collections.abc import Iterator, Sequence

from cellwright.model.answers import Reason, RefusalCode
from cellwright.model.commands import CheckOut
from cellwright.model.routes import Operation
from cellwright.rules.reasons import reason
from cellwright.rules.state import State, UnitRow


def slot_reasons(state: State, command: CheckOut, operation: Operation, units: Sequence[UnitRow]) -> Iterator[Reason]:
    """Yield a reason for each unit that was found in another slot than it was loaded into; what was not told is not tested."""
    if not operation.slot:
        return
    columns = (result.values for result in command.results if result.characteristic == operation.slot)
    for unit, found in zip(units, next(columns, ()), strict=False):
        if found is not None and unit.carrier and found != unit.slot:
            code = state.code_of(unit.id)
            text = f"unit {code} was found in slot {found:g} of {unit.carrier}, the record has it in slot {unit.slot}; "
            text += "scan the carrier again, unload and load it as it is, then report"
            yield reason(RefusalCode.CARRIER_WRONG, text, unit=code, carrier=unit.carrier, slot=unit.slot)
