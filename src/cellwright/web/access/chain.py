"""The state of the audit trail's hash chain, as a page shows it: walked anew at most once a minute."""

import asyncio
from typing import Final

from msgspec import Struct

from cellwright.errors import ConfigurationError
from cellwright.journal.audit import verify_audit
from cellwright.journal.checkpoints import Checkpoints
from cellwright.web.access.ground import Ground

KEPT_US: Final = 60_000_000
"""How long a verdict is shown before the chain is walked anew (us)."""


class ChainState(Struct, frozen=True, kw_only=True):
    """What the last walk along the chain found: `whole` up to row `seq`, at a real time (UTC us)."""

    whole: bool
    seq: int
    rows: int
    hash: str
    checkpoints: int
    faults: tuple[str, ...]
    verified_us: int


class ChainWatch:
    """Walks the chain for whoever asks; callers at once share a walk."""

    def __init__(self, ground: Ground, checkpoints: Checkpoints | None) -> None:
        """Compare with these checkpoints; None = none are kept."""
        self._ground = ground
        self._checkpoints = checkpoints
        self._turn = asyncio.Lock()
        self._last: ChainState | None = None

    async def state(self) -> ChainState:
        """Return what the last walk found, at most a minute old."""
        async with self._turn:
            if self._last is None or self._ground.wall_us() - self._last.verified_us >= KEPT_US:
                self._last = await self._walk()
            return self._last

    async def _walk(self) -> ChainState:
        now_us = self._ground.wall_us()
        try:
            marks = await asyncio.to_thread(self._checkpoints.read) if self._checkpoints else []
            faults: tuple[str, ...] = ()
        except ConfigurationError as error:
            marks, faults = [], tuple(error.problems)
        async with self._ground.reading() as connection:
            verdict = await verify_audit(connection, marks)
        return ChainState(
            whole=verdict.whole and not faults,
            seq=verdict.seq,
            rows=verdict.rows,
            hash=verdict.hash,
            checkpoints=verdict.checkpoints,
            faults=(*faults, *verdict.faults),
            verified_us=now_us,
        )
