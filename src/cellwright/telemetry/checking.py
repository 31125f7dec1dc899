"""Is everything still there that was acknowledged? Looks at every file and counts every row; changes nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from cellwright.database.pool import Connection
from cellwright.errors import DamagedSegmentError, TelemetryError
from cellwright.telemetry.encoding import CURVES, KINDS, SAMPLES, Kind
from cellwright.telemetry.identity import MARKER, alone, find_strays
from cellwright.telemetry.manifest import list_segments, remove_segments
from cellwright.telemetry.segments import Segment, verify

DAMAGED: Final = ".damaged"
"""Added to the name of a damaged file that was given up."""
_NAMES_MAX: Final = 5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DROPPED: Final = {SAMPLES.name: "dropped_samples", CURVES.name: "dropped_curves"}


class Damage(Struct, frozen=True):
    """A file that is gone, changed, or named by no manifest: what is wrong, what is lost by it, and what to do."""

    path: str
    problem: str
    lost: str
    advice: str


class TelemetryVerdict(Struct, frozen=True):
    """What was found; `whole` = every row that was acknowledged is there once, in files that are as they were written."""

    whole: bool
    segments: int
    rows: int
    bytes: int
    fresh_rows: int
    damaged: tuple[Damage, ...] = ()
    problems: tuple[str, ...] = ()


async def verify_telemetry(connection: Connection, root: Path) -> TelemetryVerdict:
    """Compare every file with the manifest and the rows with the batches; beside a store at work."""
    store = await connection.fetchval("SELECT id::text FROM telemetry_store")
    uncounted = [await _uncounted(connection, kind) for kind in KINDS.values()]
    problems = [*_marker_problems(root, store), *filter(None, uncounted)]
    segments = await list_segments(connection)
    looked = [(each, await asyncio.to_thread(_problem, root, each)) for each in segments]
    # What a merge took away meanwhile is not missing.
    kept = {each.id for each in await list_segments(connection)}
    damaged = [await _damage(connection, root, *each) for each in looked if each[1] and each[0].id in kept]
    damaged += [_foreign(root, path) for path in (await find_strays(connection, root, store or "")).foreign]
    return TelemetryVerdict(
        whole=not damaged and not problems,
        segments=len(segments),
        rows=sum(each.row_count for each in segments),
        bytes=sum(each.byte_count for each in segments),
        fresh_rows=await connection.fetchval("SELECT coalesce(sum(row_count), 0)::bigint FROM telemetry_fresh"),
        damaged=tuple(damaged),
        problems=tuple(problems),
    )


async def give_up(connection: Connection, root: Path, path: str) -> str:
    """Take a damaged segment out of the manifest and return what is lost by it; what is left of its file is kept aside.

    Raises TelemetryError for a file that is whole or that no manifest names, and while another process makes files.
    """
    named = {str(root / each.path): each for each in await list_segments(connection)}
    segment = named.get(str(root / path))
    if segment is None:
        raise TelemetryError(f"{root / path} is in no manifest; name a file as `cellwright check` names it")
    problem = await asyncio.to_thread(_problem, root, segment)
    if not problem:
        raise TelemetryError(f"{root / path} is whole: nothing of it has to be given up")
    async with alone(connection) as is_alone:
        if not is_alone:
            raise TelemetryError("samples are being sealed at this moment; try again in a few seconds")
        lost = (await _damage(connection, root, segment, problem)).lost
        await _take_out(connection, segment)
    if (root / segment.path).exists():
        (root / segment.path).rename(root / f"{segment.path}{DAMAGED}")
    return lost


async def _take_out(connection: Connection, segment: Segment) -> None:
    name = _DROPPED[segment.kind]
    async with connection.transaction():
        if not await remove_segments(connection, [segment]):
            raise TelemetryError(f"{segment.path} was merged into another file meanwhile; check again")
        await connection.execute(f"UPDATE telemetry_store SET {name} = {name} + $1", segment.row_count)  # noqa: S608 a constant


def _problem(root: Path, segment: Segment) -> str:
    try:
        verify(root, segment)
    except DamagedSegmentError as error:
        return str(error).removeprefix(f"{error.path}: ")
    return ""


def _marker_problems(root: Path, store: str | None) -> list[str]:
    marker = root / MARKER
    found = marker.read_text("utf-8").strip() if marker.exists() else None
    if found == store or (store is not None and found is None and not root.exists()):
        return []
    text = f"{root} is the folder of store {found or '(none)'}, this database that of store {store or '(none)'}"
    return [f"{text}; name the folder and the database that belong together"]


async def _uncounted(connection: Connection, kind: Kind) -> str:
    """Return a sentence if there are not as many rows as were acknowledged, "" if there are."""
    record = await connection.fetchrow(
        f"""
        SELECT (SELECT coalesce(sum(row_count), 0) FROM telemetry_batch WHERE kind = $1)::bigint AS acknowledged,
               (SELECT coalesce(sum(row_count), 0) FROM telemetry_segment WHERE kind = $1)::bigint AS sealed,
               (SELECT coalesce(sum(row_count), 0) FROM telemetry_fresh WHERE kind = $1)::bigint AS fresh,
               (SELECT coalesce(sum({_DROPPED[kind.name]}), 0) FROM telemetry_store)::bigint AS dropped
        """,  # noqa: S608 a constant
        kind.name,
    )
    acknowledged, *places = (0, 0, 0, 0) if record is None else tuple(record)
    if acknowledged == sum(places):
        return ""
    sealed, fresh, dropped = places
    return (
        f"{kind.name}: {acknowledged} rows were acknowledged, but {sealed} are in segments, {fresh} wait, {dropped} were "
        "dropped; the tables of telemetry were changed by somebody else: restore the newest backup whose check is whole"
    )


async def _damage(connection: Connection, root: Path, segment: Segment, problem: str) -> Damage:
    path = str(root / segment.path)
    return Damage(
        path=path,
        problem=problem,
        lost=await _lost(connection, segment),
        advice=(
            "restore this file from a backup to this path; if there is none, give it up with "
            f"`cellwright telemetry give-up {segment.path}`, and what is left of it is kept as {Path(path).name}{DAMAGED}"
        ),
    )


async def _lost(connection: Connection, segment: Segment) -> str:
    when = f"from {_moment(segment.time_min_us)} to {_moment(segment.time_max_us)}"
    if segment.kind == CURVES.name:
        return f"{segment.row_count} points of curves of units {segment.key_min} to {segment.key_max}, {when}"
    names = await connection.fetch(
        "SELECT DISTINCT name FROM signal WHERE channel BETWEEN $1 AND $2 ORDER BY name",
        segment.key_min,
        segment.key_max,
    )
    return f"{segment.row_count} samples of {_listed([each['name'] for each in names])}, {when}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_MAX} others among them" if len(names) > _NAMES_MAX else ""
    return ", ".join(names[:_NAMES_MAX]) + more


def _foreign(root: Path, path: str) -> Damage:
    return Damage(
        path=str(root / path),
        problem="no manifest names this file, and the database does not know what is in it",
        lost="nothing that this database acknowledged; the file may be the only copy of what a newer database acknowledged",
        advice="if the database was restored from a backup, restore a newer one; else move the file out of this folder",
    )


def _moment(time_us: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="seconds").replace("+00:00", "Z")
    except OverflowError:
        return f"{time_us} us"
