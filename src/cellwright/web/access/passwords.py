"""Passwords: what they must be, and their hashes (argon2id; ASVS 5.0, 6.2 and 11.4)."""

import asyncio
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from cellwright.web.access.password_words import WALKS, WORDS

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 128
DIFFERENT_MIN: Final = 5
"""Different characters, in lower case, that a password has at least."""

_AT_ONCE = 2
_OWN_PART_MIN = 6
_WALK_MIN = 3
_WORD_MAX = max(map(len, WORDS))
_LOOKALIKES = str.maketrans("013457@$!|", "oleastasil")
_YEAR = re.compile(r"(?:19|20)\d\d")


def password_faults(password: str, *, known: Iterable[str] = ()) -> list[str]:
    """Return why a password is refused, as sentences; empty = it is good. `known` are words such as the badge code."""
    text = _normal(password)
    if len(text) < LENGTH_MIN:
        return [f"the password has {len(text)} characters; use at least {LENGTH_MIN}"]
    if len(text) > LENGTH_MAX:
        return [f"the password has {len(text)} characters; use at most {LENGTH_MAX}"]
    faults = []
    if len(set(text.lower())) < DIFFERENT_MIN:
        faults.append(f"the password repeats few characters; use at least {DIFFERENT_MIN} different ones")
    if own_part(text, known) < _OWN_PART_MIN:
        faults.append(
            "the password is little more than well-known words, names of this product or plant, years and rows of "
            f"keys; add at least {_OWN_PART_MIN} characters that are none of these, or use several unrelated words"
        )
    return faults


def own_part(password: str, known: Iterable[str] = ()) -> int:
    """Return how many characters are left when one well-known part after another is taken away.

    A second well-known word leaves one character for each time it appears anew: four unrelated words are a password.
    """
    text = password.lower()
    names = frozenset(word.lower() for each in known for word in (each, *re.split(r"\W+", each)) if len(word) >= 4)
    left, place, seen = 0, 0, set[str]()
    while place < len(text):
        length = _known_length(text, place, names)
        part = text[place : place + max(length, 1)]
        if length == 0:
            left += part.isalnum() or len(part.encode()) > 1
        elif part.isalpha() and part not in seen and seen:
            left += 2
        seen.add(part)
        place += len(part)
    return left


def _known_length(text: str, place: int, names: frozenset[str]) -> int:
    """Return the length of the longest well-known part at a place, 0 = none."""
    rest = text[place:]
    lengths = [_word_length(rest, names), _word_length(rest.translate(_LOOKALIKES), names), _walk_length(rest)]
    if _YEAR.match(rest):
        lengths.append(4)
    repeated = len(rest) - len(rest.lstrip(rest[0]))
    lengths.append(repeated if repeated >= _WALK_MIN else 0)
    return max(lengths)


def _word_length(text: str, names: frozenset[str]) -> int:
    longest = max([_WORD_MAX, *map(len, names)])
    for length in range(min(longest, len(text)), 3, -1):
        if text[:length] in WORDS or text[:length] in names:
            return length
    return 0


def _walk_length(text: str) -> int:
    length = 0
    while length < len(text) and any(text[: length + 1] in walk for walk in WALKS):
        length += 1
    return length if length >= _WALK_MIN else 0


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Hashes and verifies in threads, at most two at once: each takes 19 MiB and some 20 ms of a core."""

    def __init__(self, *, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        """Use argon2id with these costs; a hash made with others is still verified, and then out of date."""
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody = ""

    async def make_hash(self, password: str) -> str:
        """Return the hash of a password with a fresh salt."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def verify(self, kept: str, password: str) -> bool:
        """Tell whether a password is that of a hash; without one (unknown account) the same work is done for no."""
        if not self._nobody:
            self._nobody = await self.make_hash("nobody has this password")
        async with self._turn:
            return await asyncio.to_thread(self._verify, kept or self._nobody, _bytes(password)) and bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Tell whether a hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")
