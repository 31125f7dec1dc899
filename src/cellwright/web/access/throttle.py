"""Guessing made slow: who failed must wait longer each time. Nobody is ever locked out everywhere.

Failures are counted for an account at a source, for a source, and for an account. A wait is only ever imposed on an
account at a source: the right password from another source gets in at once. An account under attack from many sources
leaves each source fewer free attempts; a source that tried many accounts waits, except for accounts that signed in
from there before.
"""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import Final

from msgspec import Struct

HALF_LIFE_US: Final = 900_000_000
"""After a quarter of an hour half of the failures are forgotten."""
WAIT_US_MAX: Final = 900_000_000
"""Nobody waits longer than a quarter of an hour."""

_SECOND_US = 1_000_000
_FREE = 4
_FREE_UNDER_ATTACK = 1
_ATTACK_COUNT = 30
_SOURCE_FREE = 20
_SOURCE_STEP = 5
_KEYS_MAX = 20_000
_FORGOTTEN_HALVES = 40


class Failures(Struct, frozen=True):
    """How many failures at `since_us`, from which they are halved, and when the last one was (UTC us)."""

    count: int = 0
    last_us: int = 0
    since_us: int = 0

    def at(self, now_us: int) -> int:
        """Return how many count at a time (UTC us)."""
        return self.count >> min(self._halves(now_us), _FORGOTTEN_HALVES)

    def and_one(self, now_us: int) -> "Failures":
        """Return these and one more."""
        count = self.at(now_us)
        since_us = self.since_us + self._halves(now_us) * HALF_LIFE_US if count else now_us
        return Failures(count + 1, max(now_us, self.last_us), since_us)

    def but_one(self, now_us: int) -> "Failures":
        """Return these without one."""
        since_us = self.since_us + self._halves(now_us) * HALF_LIFE_US
        return Failures(max(0, self.at(now_us) - 1), self.last_us, since_us)

    def _halves(self, now_us: int) -> int:
        return max(0, now_us - self.since_us) // HALF_LIFE_US


_NONE = Failures()


class Tally(Struct, frozen=True, kw_only=True):
    """What is known of an attempt: failures of the account at this source, of the source, of the account."""

    pair: Failures = _NONE
    source: Failures = _NONE
    account: Failures = _NONE
    is_known: bool = False
    """Whether this account has signed in from this source."""


def wait_us(tally: Tally, now_us: int) -> int:
    """Return how long an attempt must wait from now (us), 0 = not at all."""
    free = _FREE if tally.is_known or tally.account.at(now_us) < _ATTACK_COUNT else _FREE_UNDER_ATTACK
    until_us = _until_us(tally.pair, tally.pair.at(now_us) - free)
    if not tally.is_known:
        over = (tally.source.at(now_us) - _SOURCE_FREE) // _SOURCE_STEP
        until_us = max(until_us, _until_us(tally.source, over))
    return max(0, until_us - now_us)


def _until_us(failures: Failures, over: int) -> int:
    """Return when the next attempt may be made: a second after the first failure too many, then double each time."""
    if over < 0:
        return 0
    return failures.last_us + min(_SECOND_US << min(over, _FORGOTTEN_HALVES), WAIT_US_MAX)


def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))


class Throttle:
    """Remembers failures, at most 20,000 of each kind: the least recently tried are forgotten first."""

    def __init__(self) -> None:
        """Know nothing."""
        self._pairs = _Memory()
        self._sources = _Memory()
        self._accounts = _Memory()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, account: str, source: str, *, now_us: int) -> int:
        """Return how long to wait (us); 0 = go ahead, and count as failed until `succeed` says otherwise.

        Counting first keeps a hundred attempts at once from passing together.
        """
        pair = (account, source)
        tally = Tally(
            pair=self._pairs.get(pair),
            source=self._sources.get(source),
            account=self._accounts.get(account),
            is_known=pair in self._known,
        )
        pause_us = wait_us(tally, now_us)
        if not pause_us:
            self._pairs.put(pair, tally.pair.and_one(now_us))
            self._sources.put(source, tally.source.and_one(now_us))
            self._accounts.put(account, tally.account.and_one(now_us))
        return pause_us

    def succeed(self, account: str, source: str, *, now_us: int) -> None:
        """The attempt was right: forget the failures of the account here, and take back what was counted before."""
        pair = (account, source)
        self._pairs.drop(pair)
        self._sources.put(source, self._sources.get(source).but_one(now_us))
        self._accounts.put(account, self._accounts.get(account).but_one(now_us))
        self._known[pair] = None
        self._known.move_to_end(pair)
        while len(self._known) > _KEYS_MAX:
            self._known.popitem(last=False)

    @property
    def size(self) -> int:
        """How many keys are remembered."""
        return len(self._pairs) + len(self._sources) + len(self._accounts) + len(self._known)


class _Memory:
    def __init__(self) -> None:
        self._kept: OrderedDict[object, Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: object) -> Failures:
        return self._kept.get(key, _NONE)

    def put(self, key: object, failures: Failures) -> None:
        self._kept[key] = failures
        self._kept.move_to_end(key)
        while len(self._kept) > _KEYS_MAX:
            self._kept.popitem(last=False)

    def drop(self, key: object) -> None:
        self._kept.pop(key, None)
