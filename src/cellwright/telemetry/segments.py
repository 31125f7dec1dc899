"""Files of samples: written once, durably, under a name that no other file had, and read by key and time."""

import hashlib
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from numpy.typing import NDArray

from cellwright.errors import DamagedSegmentError
from cellwright.telemetry.encoding import KINDS, About, Kind, column, ranges, read_about, to_parquet

TEMPORARY: Final = ".part"
SUFFIX: Final = ".parquet"
_FOOTERS_MAX: Final = 256
_RUNS_MAX: Final = 256
_CHUNK_BYTES: Final = 1 << 20
_MICRO: Final = 1_000_000


class Segment(Struct, frozen=True, kw_only=True):
    """A line of the manifest. Keys are channels of samples, units of curves; all bounds are inclusive."""

    id: int = 0
    kind: str
    level: int
    path: str
    schema: int
    key_min: int
    key_max: int
    time_min_us: int
    time_max_us: int
    batch_min: int
    batch_max: int
    row_count: int
    byte_count: int
    sha256: bytes


class Wanted(Struct, frozen=True, eq=False):
    """Which rows: ascending keys, and times in [from_us, to_us)."""

    keys: NDArray[np.int64]
    from_us: int
    to_us: int

    @property
    def reach(self) -> "Reach":
        """What of the manifest may hold them."""
        return Reach(multirange(self.keys), self.from_us, self.to_us)


class Reach(Struct, frozen=True):
    """Where rows may be: keys as a multirange of PostgreSQL, and times in [from_us, to_us)."""

    keys: str
    from_us: int
    to_us: int


def multirange(keys: NDArray[np.int64]) -> str:
    """Return ascending keys as a multirange; where there are many runs, as one range that covers them all."""
    borders = np.flatnonzero(np.diff(keys) > 1)
    starts = keys[np.append(0, borders + 1)]
    ends = keys[np.append(borders, keys.size - 1)]
    if starts.size > _RUNS_MAX:
        starts, ends = starts[:1], ends[-1:]
    return "{" + ",".join(f"[{start},{end}]" for start, end in zip(starts, ends, strict=True)) + "}"


# --- writing ----------------------------------------------------------------------------------------


def save(root: Path, table: Any, about: About, *, level: int, batch_min: int) -> Segment:
    """Write a sorted table as a new file; when this returns, neither a crash nor a power cut can take it away."""
    kind = KINDS[about.kind]
    keys, times = column(table, kind.key), column(table, "time_us")
    data = memoryview(to_parquet(kind, table, about))
    path = _new_path(kind, int(times.min()))
    make_folder(root, (root / path).parent)
    write_part(root / f"{path}{TEMPORARY}", data)
    publish(root / path)
    return Segment(
        kind=kind.name,
        level=level,
        path=path,
        schema=about.schema,
        key_min=int(keys[0]),
        key_max=int(keys[-1]),
        time_min_us=int(times.min()),
        time_max_us=int(times.max()),
        batch_min=batch_min,
        batch_max=about.batch_max,
        row_count=table.num_rows,
        byte_count=len(data),
        sha256=hashlib.sha256(data).digest(),
    )


def _new_path(kind: Kind, first_us: int) -> str:
    """Return a path like samples/2026-11-26/0f3c….parquet: the day of its first sample, and a name by chance."""
    try:
        day = datetime.fromtimestamp(first_us // _MICRO, UTC).date().isoformat()
    except (OverflowError, ValueError):
        day = "no-day"
    return f"{kind.name}/{day}/{secrets.token_hex(12)}{SUFFIX}"


def make_folder(root: Path, folder: Path) -> None:
    """Make a folder below the root so that it survives a power cut."""
    if folder == root or folder.is_dir():
        return
    make_folder(root, folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write_part(path: Path, data: memoryview) -> None:
    """Write a file under its temporary name, down to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def publish(path: Path) -> None:
    """Give a written file its name, down to the disk."""
    Path(f"{path}{TEMPORARY}").rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(root: Path, path: str) -> None:
    """Remove a file that no manifest names any more, and its folder if it was the last one."""
    file = root / path
    file.unlink(missing_ok=True)
    if file.parent != root and not any(file.parent.iterdir()):
        file.parent.rmdir()


# --- reading ----------------------------------------------------------------------------------------


class Reader:
    """Reads rows of segments under a root; keeps what footers say, for segments never change."""

    def __init__(self, root: Path) -> None:
        """Open nothing yet."""
        self.root = root
        self._footers: OrderedDict[str, Any] = OrderedDict()
        self._verified: set[str] = set()
        self._lock = Lock()

    def rows(self, segment: Segment, wanted: Wanted) -> Any:
        """Return the wanted rows of a segment; DamagedSegmentError if its file is gone or not as it was written."""
        kind = KINDS[segment.kind]
        try:
            footer = self._footer(segment.path)
            groups = [number for number in range(footer.num_row_groups) if _reaches(footer, number, kind, wanted)]
            with pq.ParquetFile(self._path(segment), metadata=footer, page_checksum_verification=True) as file:
                table = file.read_row_groups(groups)
        except (OSError, pa.ArrowException) as error:
            raise damaged(segment, self.root, error) from error
        return pick(kind, table, wanted)

    def keys(self, segment: Segment) -> NDArray[np.int64]:
        """Return the key of every row of a segment."""
        kind = KINDS[segment.kind]
        try:
            table = pq.read_table(self._path(segment), columns=[kind.key], page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise damaged(segment, self.root, error) from error
        return column(table, kind.key)

    def verify_once(self, segment: Segment) -> None:
        """Compare a file with its digest, unless this was done before; DamagedSegmentError if it differs."""
        if segment.path not in self._verified:
            verify(self.root, segment)
            self._verified.add(segment.path)

    def forget(self, path: str) -> None:
        """Forget what was known of a file that is gone."""
        self._verified.discard(path)
        with self._lock:
            self._footers.pop(path, None)

    def _path(self, segment: Segment) -> str:
        return str(self.root / segment.path)

    def _footer(self, path: str) -> Any:
        with self._lock:
            footer = self._footers.pop(path, None)
        if footer is None:
            footer = pq.read_metadata(str(self.root / path))
        with self._lock:
            self._footers[path] = footer
            if len(self._footers) > _FOOTERS_MAX:
                self._footers.popitem(last=False)
        return footer


def verify(root: Path, segment: Segment) -> None:
    """Compare a file with its digest in the manifest; DamagedSegmentError says what differs."""
    digest, size = hashlib.sha256(), 0
    try:
        with (root / segment.path).open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise damaged(segment, root, error) from error
    if size != segment.byte_count:
        text = f"the file has {size} bytes, it was written with {segment.byte_count}"
        raise DamagedSegmentError(str(root / segment.path), text)
    if digest.digest() != segment.sha256:
        raise DamagedSegmentError(str(root / segment.path), "the content is not what was written (SHA-256 differs)")


def damaged(segment: Segment, root: Path, error: Exception) -> DamagedSegmentError:
    """Return what an error while reading a segment means."""
    is_gone = isinstance(error, FileNotFoundError)
    said = "the file is gone" if is_gone else f"the file cannot be read: {error}"
    return DamagedSegmentError(str(root / segment.path), said)


def files_below(root: Path) -> Iterator[str]:
    """Yield the path below the root of every file of samples, whole or not."""
    for name in KINDS:
        for path in sorted((root / name).rglob("*")):
            if path.is_file() and path.name.endswith((SUFFIX, TEMPORARY)):
                yield path.relative_to(root).as_posix()


def about_file(path: Path) -> About | None:
    """Return what a file says of itself, None when it cannot be read."""
    try:
        return read_about(pq.read_metadata(str(path)))
    except (OSError, pa.ArrowException):
        return None


def pick(kind: Kind, table: Any, wanted: Wanted) -> Any:
    """Return the wanted rows of a table that is sorted by key."""
    keys = column(table, kind.key)
    starts, ends = np.searchsorted(keys, wanted.keys, "left"), np.searchsorted(keys, wanted.keys, "right")
    some = ends > starts
    if np.count_nonzero(some) == 1:
        start, end = int(starts[some][0]), int(ends[some][0])
        table = table.slice(start, end - start)
    else:
        table = table.take(ranges(starts[some], (ends - starts)[some]))
    times = column(table, "time_us")
    inside = (times >= wanted.from_us) & (times < wanted.to_us)
    return table if bool(inside.all()) else table.filter(pa.array(inside))


def _reaches(footer: Any, number: int, kind: Kind, wanted: Wanted) -> bool:
    """Tell whether a row group may hold wanted rows, by its statistics."""
    group = footer.row_group(number)
    low, high = _bounds(group, kind, kind.key)
    if np.searchsorted(wanted.keys, low) == np.searchsorted(wanted.keys, high, "right"):
        return False
    first_us, last_us = _bounds(group, kind, "time_us")
    return first_us < wanted.to_us and last_us >= wanted.from_us


def _bounds(group: Any, kind: Kind, name: str) -> tuple[int, int]:
    statistics = group.column(kind.columns.get_field_index(name)).statistics
    return statistics.min, statistics.max
