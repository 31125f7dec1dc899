"""What every fold needs: the rows that a fact builds on, and the moment at which it happened."""

from collections.abc import Iterable
from typing import Any

from cellwright.model.facts import Envelope
from cellwright.rules.state import Key, R, State


class MissingRowError(LookupError):
    """A fact speaks of a row that the state does not hold: the fold began too late, or the journal has a hole."""


def row_of(state: State, kind: type[Any], key: object) -> Any:
    """Return a row; raises MissingRowError when it is not in the state."""
    row = state.get(kind, key)  # type: ignore[arg-type]
    if row is None:
        msg = f"{kind.__name__} {key} is not in the state"
        raise MissingRowError(msg)
    return row


def page_of(state: State, kind: type[R], keys: Iterable[Key]) -> list[R]:
    """Return rows in the order of their keys; raises MissingRowError when one is not in the state."""
    try:
        return state.page(kind, keys)
    except KeyError as error:
        msg = f"{kind.__name__} {error} is not in the state"
        raise MissingRowError(msg) from error


def moment_of(envelope: Envelope) -> int:
    """Equipment time where the fact says that it was checked, else the server's."""
    skewed = getattr(envelope.fact, "clock_skewed", True)
    return envelope.recorded_us if skewed else envelope.time_us
