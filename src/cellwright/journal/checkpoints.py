"""Checkpoints of the audit trail: its end from time to time, sealed with a key, kept outside the database."""

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from cellwright.errors import ConfigurationError
from cellwright.journal.audit import Mark

INTERVAL_ROWS = 1000
"""A new checkpoint is due after this many rows, whatever the time."""

_KEY_BYTES = 32
_MODE = 0o600
_FOLDER_MODE = 0o700


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the file; `mac` seals the others and the line before."""

    hash: str
    mac: str
    recorded_us: int
    seq: int


class Checkpoints:
    """The file of checkpoints and its key in a folder of mode 0700; both are made when first needed."""

    def __init__(self, folder: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        """Use `folder/key` and `folder/checkpoints.jsonl`."""
        self._folder = folder
        self._key = folder / "key"
        self._file = folder / "checkpoints.jsonl"
        self._random_bytes = random_bytes

    def read(self) -> list[Mark]:
        """Return every checkpoint in order; ConfigurationError names a line that the key did not seal."""
        return [Mark(line.seq, bytes.fromhex(line.hash), line.recorded_us) for line in self._lines()]

    def write(self, mark: Mark) -> bool:
        """Keep the end of the chain, unless the last checkpoint is there already; tell whether one was written."""
        lines = self._lines()
        if mark.seq == 0 or (lines and lines[-1].seq >= mark.seq):
            return False
        key = self._open_key()
        before = lines[-1].mac if lines else ""
        mac = _seal(key, before, mark.seq, mark.hash.hex(), mark.recorded_us)
        line = _Line(hash=mark.hash.hex(), mac=mac, recorded_us=mark.recorded_us, seq=mark.seq)
        self._append(msgspec.json.encode(line) + b"\n")
        return True

    def _lines(self) -> list[_Line]:
        if not self._file.exists():
            return []
        key, before, lines = self._read_key(), "", []
        for number, text in enumerate(self._file.read_bytes().splitlines(), 1):
            line = self._decode(number, text)
            if not hmac.compare_digest(line.mac, _seal(key, before, line.seq, line.hash, line.recorded_us)):
                raise ConfigurationError([f"{self._file}, line {number}: not sealed with {self._key}; it was changed"])
            before = line.mac
            lines.append(line)
        return lines

    def _decode(self, number: int, text: bytes) -> _Line:
        try:
            return msgspec.json.decode(text, type=_Line)
        except msgspec.DecodeError as error:
            raise ConfigurationError([f"{self._file}, line {number}: {error}; it was changed"]) from error

    def _open_key(self) -> bytes:
        """Return the key; make it when there are no checkpoints yet."""
        if not self._key.exists():
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(self._key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
            with os.fdopen(handle, "wb") as file:
                file.write(self._random_bytes(_KEY_BYTES))
        return self._read_key()

    def _read_key(self) -> bytes:
        if not self._key.exists():
            raise ConfigurationError([f"{self._key}: missing; restore it, it seals {self._file}"])
        if self._key.stat().st_mode & 0o077:
            raise ConfigurationError([f"{self._key}: others may read it; expected mode 0600: chmod 600 {self._key}"])
        key = self._key.read_bytes()
        if len(key) != _KEY_BYTES:
            raise ConfigurationError([f"{self._key}: {len(key)} bytes, expected {_KEY_BYTES}; restore it"])
        return key

    def _append(self, line: bytes) -> None:
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE)
        with os.fdopen(handle, "ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _seal(key: bytes, before: str, seq: int, chain_hash: str, recorded_us: int) -> str:
    text = f"{before}\n{seq}\n{chain_hash}\n{recorded_us}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
