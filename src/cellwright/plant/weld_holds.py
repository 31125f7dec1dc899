"""Units with a weld far from the others of its module: on hold, each by the outermost unit that it is in."""

import logging
from collections.abc import Sequence
from typing import Final

from cellwright.database.pool import Connection
from cellwright.model.answers import Refusal
from cellwright.model.commands import HoldSubject, PlaceHold, Submission
from cellwright.plant.gate import Gate
from cellwright.plant.weld_results import Suspect
from cellwright.views.following import unit_codes
from cellwright.views.membership import outermost_of

SOURCE: Final = "welds"
"""Sender of these holds: its epoch is a file, its numbers the units of it, so that a file taken again holds nothing twice."""
_EPOCH_DIGITS: Final = 15
_log = logging.getLogger(__name__)


async def hold_suspects(
    connection: Connection, gate: Gate, suspects: Sequence[Suspect], *, digest: str, time_us: int
) -> None:
    """Hold the units of a file (SHA-256 hex) that have welds to look at."""
    for number, suspect in enumerate((each for each in suspects if each.is_far), 1):
        outer = await outermost_of(connection, suspect.unit)
        codes = await unit_codes(connection, {outer, suspect.unit})
        named = "" if outer == suspect.unit else f"module {codes[suspect.unit]}, "
        reason = f"{suspect.operation}: {named}weld {', '.join(map(str, suspect.welds))}; {suspect.reason}"
        submission = Submission(
            source=SOURCE,
            epoch=int(digest[:_EPOCH_DIGITS], 16),
            seq=number,
            time_us=time_us,
            actor=SOURCE,
            command=PlaceHold(subject=HoldSubject.UNIT, codes=(codes[outer],), reason=reason[:2000]),
        )
        answer = await gate.submit(submission)
        if isinstance(answer, Refusal):
            _log.warning("%s is not held: %s", codes[outer], "; ".join(each.text for each in answer.reasons))
