"""What the gate would answer now, without asking it: for people who want to know before they act."""

from typing import Final

from cellwright.database.pool import Connection
from cellwright.model.answers import Answer, Refusal, RefusalCode
from cellwright.model.commands import Command, Submission
from cellwright.model.plant import Plant
from cellwright.plant.store import load, load_rows
from cellwright.rules.decide import decide
from cellwright.rules.needs import add_needs, empty_needs
from cellwright.rules.reasons import reason
from cellwright.rules.state import State, UnitRow
from cellwright.views import sealed

_ROUNDS: Final = 4
"""What one row names may name more: a unit its carrier, a carrier its units."""


async def rehearse(connection: Connection, plant: Plant, command: Command, *, person: str, now_us: int) -> Answer:
    """Return what the gate would answer to a person's command at a plant time (UTC us); nothing changes."""
    state = (await load(connection, plant)).state
    if is_sealed := await _load(connection, state, command):
        text = "it was finished long ago and is kept sealed; open its page to see where it is"
        return Refusal((reason(RefusalCode.UNIT_FINISHED, text, units_count=is_sealed),))
    submission = Submission(source="rehearsal", epoch=0, seq=0, time_us=now_us, actor=person, command=command)
    return decide(state, submission, now_us).answer


async def _load(connection: Connection, state: State, command: Command) -> int:
    """Load what a command names; return how many of its units are sealed, which only the gate may open."""
    before = empty_needs()
    for _ in range(_ROUNDS):
        needs = empty_needs()
        add_needs(needs, state, command)
        if not needs or needs == before:
            break
        await load_rows(connection, state, needs)
        before = needs
    missing = state.missing(UnitRow, before.units)
    return len(missing) if missing and await sealed.holds_any(connection, missing) else 0
