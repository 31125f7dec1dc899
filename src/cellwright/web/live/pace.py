"""How often live data are read, sent and checked."""

from typing import Final

from msgspec import Struct

STRIDES: Final = {2.0: 1, 1.0: 2, 0.5: 4, 0.2: 10, 0.1: 20}
"""Rates that a topic is sent at (Hz), and every how many ticks that is."""

RATE_MAX_HZ: Final = max(STRIDES)
RATE_MIN_HZ: Final = min(STRIDES)

SLOW_STRIDE: Final = 2
"""What a slow client is put down to."""


class Pace(Struct, frozen=True, kw_only=True):
    """Times in seconds; the rates of topics hold for a tick of 0.5 s."""

    tick_s: float = 0.5
    beat_s: float = 1.0
    """Longest silence towards a client."""
    recheck_s: float = 5.0
    """How often it is asked whether a client's session still stands."""
    recovery_s: float = 10.0
    """How long a slow client must keep up before it gets its rate back."""
    patience_s: float = 3.0
    """How long the database may take to answer before it counts as away."""
    refresh_s: float = 5.0
    """How old what was read may become when no fact has come since: parts of it depend on the time."""


def stride_of(rate_hz: float) -> int:
    """Return every how many ticks is at most this often."""
    return next((stride for rate, stride in STRIDES.items() if rate <= rate_hz), max(STRIDES.values()))


def rate_of(stride: int) -> float:
    """Return how often so many ticks are (Hz)."""
    return next(rate for rate, each in STRIDES.items() if each == stride)
