"""Making refusals: one reason per failing test, each with its sentence and evidence."""

from collections.abc import Iterable

from msgspec import Struct

from cellwright.model.answers import Answer, Reason, Refusal, RefusalCode
from cellwright.model.commands import Command
from cellwright.model.facts import Fact, Refused

Evidence = str | int | float | None


class Decision(Struct, frozen=True):
    """What was decided: facts to record and the answer to give."""

    facts: tuple[Fact, ...]
    answer: Answer


def reason(code: RefusalCode, text: str, /, **evidence: Evidence) -> Reason:
    """Return one reason."""
    return Reason(code, text, evidence)


def refuse(command: Command | None, reasons: Iterable[Reason], *, excerpt: str = "") -> Decision:
    """Return the decision that refuses a command (None = unreadable) for all the reasons given."""
    kept = tuple(reasons)
    kind = "" if command is None else type(command).__name__
    station = getattr(command, "station", "")
    return Decision(
        facts=(Refused(command=kind, reasons=kept, station=station, excerpt=excerpt),),
        answer=Refusal(kept),
    )
