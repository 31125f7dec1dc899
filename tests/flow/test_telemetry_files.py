"""Files of samples that are damaged, gone, or nobody's: what the store, a reader and `check` say, and what may be done."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncpg
import numpy as np
import pytest

from cellwright.database.disk import DiskState
from cellwright.database.pool import Connection, connect
from cellwright.errors import ConfigurationError, DamagedSegmentError, TelemetryError, TelemetryFullError
from cellwright.model.samples import BatchKey, SampleBlock
from cellwright.telemetry import store as store_module
from cellwright.telemetry.checking import TelemetryVerdict, give_up, verify_telemetry
from cellwright.telemetry.contract import Scan
from cellwright.telemetry.features import StepFeatures, find_features, save_features
from cellwright.telemetry.segments import files_below
from cellwright.telemetry.settings import Settings, read_settings
from cellwright.telemetry.store import SegmentStore, open_store
from cellwright.testing.telemetry import SIGNALS, START_US, random_block, random_page

DAY_US = 86_400_000_000
NAMES = [signal.name for signal in SIGNALS]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "telemetry"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await connect(database_url)
    yield opened
    await opened.close()


@asynccontextmanager
async def opened(
    url: str, root: Path, *, settings: Settings | None = None, now_us: int = START_US
) -> AsyncIterator[SegmentStore]:
    async with open_store(url, root, lambda: now_us, settings=settings) as store:
        yield store


async def fill(store: SegmentStore, *, first: int = 1) -> None:
    """Two segments of samples and one of curves."""
    channels = await store.define(SIGNALS)
    for seq in (first, first + 1):
        await store.write(random_block(BatchKey("oven", 1, seq), channels[:3], Random(seq), rows=200))
        await store.tidy(everything=True)
    await store.write_curves(random_page(BatchKey("formation", 1, first), Random(first), units=3))
    await store.tidy(everything=True)


def samples(root: Path) -> list[Path]:
    return sorted((root / "samples").rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)


def spoil_gone(path: Path) -> None:
    path.unlink()


def spoil_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def spoil_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def spoil_emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [spoil_gone, spoil_cut, spoil_bit, spoil_emptied])
async def test_a_damaged_file_is_named_with_what_is_lost_and_what_to_do(
    spoil: Callable[[Path], None], database_url: str, root: Path, connection: Connection
) -> None:
    async with opened(database_url, root) as store:
        await fill(store)
    path = samples(root)[0]
    spoil(path)
    verdict = await verify_telemetry(connection, root)
    (damage,) = verdict.damaged
    assert not verdict.whole
    assert damage.path == str(path)
    assert damage.lost.startswith("200 samples of oven.pressure, oven.temperature, press.force, from 2026-")
    assert f"telemetry give-up {path.relative_to(root)}" in damage.advice

    async with opened(database_url, root) as store:
        # A trend shows the rest, and says what is missing; an answer from a part of the rows would be wrong.
        trends = await store.read(NAMES[:3], 0, 1 << 58)
        assert sum(each.count for each in trends) == 200
        assert all([(lost.path, lost.count) for lost in each.lost] == [(str(path), 200)] for each in trends)
        with pytest.raises(DamagedSegmentError, match=str(path)):
            await store.scan(Scan(sql="SELECT count(*) FROM samples"))
        (unconcerned,) = await store.read([NAMES[3]], 0, 1 << 58)
        assert unconcerned.lost == ()

        lost = await give_up(connection, root, path.relative_to(root).as_posix())
        assert lost == damage.lost
        assert (await verify_telemetry(connection, root)).whole
        assert [each.lost for each in await store.read(NAMES[:3], 0, 1 << 58)] == [(), (), ()]
        assert (await store.scan(Scan(sql="SELECT count(*) AS n FROM samples")))["n"].to_pylist() == [200]
    assert path.exists() is False
    assert path.with_name(path.name + ".damaged").exists() is (spoil is not spoil_gone)


async def test_a_curve_in_a_damaged_file_is_an_error_and_not_nothing(database_url: str, root: Path) -> None:
    async with opened(database_url, root) as store:
        await fill(store)
        (path,) = (root / "curves").rglob("*.parquet")
        spoil_cut(path)
    async with opened(database_url, root) as store:
        with pytest.raises(DamagedSegmentError, match=r"a curve of unit 2 may be in this file"):
            await store.curve(2, "formation")
        assert await store.curve(77, "formation") is None


async def test_a_whole_file_is_not_given_up(database_url: str, root: Path, connection: Connection) -> None:
    async with opened(database_url, root) as store:
        await fill(store)
    with pytest.raises(TelemetryError, match="is whole"):
        await give_up(connection, root, samples(root)[0].relative_to(root).as_posix())
    with pytest.raises(TelemetryError, match="in no manifest"):
        await give_up(connection, root, "samples/none.parquet")
    assert (await verify_telemetry(connection, root)).whole


async def test_a_file_that_only_a_newer_database_knows_is_kept_and_told(
    database_url: str, root: Path, connection: Connection
) -> None:
    async with opened(database_url, root) as store:
        await fill(store)
    newest = samples(root)[1]
    # What a database restored from an older backup looks like.
    path = newest.relative_to(root).as_posix()
    batch = await connection.fetchval("DELETE FROM telemetry_segment WHERE path = $1 RETURNING batch_max", path)
    await connection.execute("DELETE FROM telemetry_batch WHERE number = $1", batch)
    async with opened(database_url, root):
        assert newest.exists()
    (foreign,) = (await verify_telemetry(connection, root)).damaged
    assert foreign.path == str(newest)
    assert "only copy" in foreign.lost


async def test_a_folder_of_another_database_is_refused_and_untouched(
    database_url: str, root: Path, connection: Connection
) -> None:
    async with opened(database_url, root) as store:
        await fill(store)
    before = list(files_below(root))
    await connection.execute("UPDATE telemetry_store SET id = gen_random_uuid()")
    with pytest.raises(ConfigurationError, match="samples of another database"):
        async with opened(database_url, root):
            pass
    assert list(files_below(root)) == before
    assert not (await verify_telemetry(connection, root)).whole


async def test_a_folder_that_is_not_mounted_is_not_begun_anew(
    database_url: str, root: Path, connection: Connection
) -> None:
    async with opened(database_url, root) as store:
        await fill(store)
    shutil.rmtree(root)
    with pytest.raises(ConfigurationError, match="mount or restore the folder") as refused:
        async with opened(database_url, root):
            pass
    # It says how to go on without.
    number = str(refused.value).split("by writing ")[1].split()[0]
    root.mkdir()
    (root / "store.id").write_text(number)
    async with opened(database_url, root) as store:
        await fill(store, first=10)
    assert len((await verify_telemetry(connection, root)).damaged) == 3


async def test_rows_that_vanish_from_the_tables_are_counted(
    database_url: str, root: Path, connection: Connection
) -> None:
    async with opened(database_url, root) as store:
        channels = await store.define(SIGNALS)
        await store.write(random_block(BatchKey("oven", 1, 1), channels[:3], Random(1)))
    await connection.execute("DELETE FROM telemetry_fresh")
    verdict = await verify_telemetry(connection, root)
    assert "samples: 40 rows were acknowledged, but 0 are in segments, 0 wait" in verdict.problems[0]


async def test_a_plant_that_never_kept_a_sample_is_whole(root: Path, connection: Connection) -> None:
    assert await verify_telemetry(connection, root) == TelemetryVerdict(
        whole=True, segments=0, rows=0, bytes=0, fresh_rows=0
    )
    assert not root.exists()


async def test_samples_grow_old_and_curves_do_not(database_url: str, root: Path, connection: Connection) -> None:
    settings = Settings(keep_samples_days=30)
    async with opened(database_url, root, settings=settings) as store:
        await fill(store)
        await store.tidy()
        assert len(samples(root)) == 2
    async with opened(database_url, root, settings=settings, now_us=START_US + 31 * DAY_US) as store:
        await store.tidy()
        assert [each.count for each in await store.read(NAMES, 0, 1 << 58)] == [0, 0, 0, 0]
        assert (
            await store.curve(2, "formation") or await store.curve(1, "formation") or await store.curve(3, "formation")
        )
    assert samples(root) == []
    assert (await verify_telemetry(connection, root)).whole


async def test_a_full_store_refuses_and_says_why(
    database_url: str, root: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database_url, root, settings=Settings(disk_limit_gib=1, seal_rows=10)) as store:
        channels = await store.define(SIGNALS)
        block = random_block(BatchKey("oven", 1, 1), channels[:3], Random(1), rows=160)
        await store.write(block)
        await store.look_at_room()
        with pytest.raises(TelemetryFullError, match="160 rows wait to be sealed"):
            await store.write(block)
        await store.tidy()
        await store.write(block)
        await connection.execute("UPDATE telemetry_segment SET byte_count = 1 << 30")
        await store.look_at_room()
        with pytest.raises(TelemetryFullError, match="limit of 1 GiB; raise disk_limit_gib"):
            await store.write(block)
        await connection.execute("UPDATE telemetry_segment SET byte_count = 100")
        monkeypatch.setattr(store_module, "disk_state", lambda _: DiskState.CRITICAL)
        await store.look_at_room()
        with pytest.raises(TelemetryFullError, match="nearly full"):
            await store.write(block)


async def test_a_question_reads_nothing_but_samples(database_url: str, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    async with opened(database_url, root) as store:
        await fill(store)
        channels = await store.define(SIGNALS)
        await store.write(random_block(BatchKey("oven", 1, 9), channels[:3], Random(9), rows=50))
        for bad in (
            f"FROM read_csv('{secret}')",
            f"COPY samples TO '{tmp_path / 'stolen.csv'}'",
            f"ATTACH '{tmp_path / 'a.duckdb'}'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
            "SELECT nothing FROM samples",
        ):
            with pytest.raises(TelemetryError, match="cannot be answered"):
                await store.scan(Scan(sql=bad))
        counted = await store.scan(Scan(sql="SELECT count(*) AS n FROM samples WHERE state <> $1", parameters=[77]))
        assert counted["n"].to_pylist() == [450]
        part = await store.scan(
            Scan(sql="SELECT min(channel) a, max(channel) b, min(time_us) c, max(time_us) d FROM samples", key_from=2, key_to=3,
                 from_us=START_US + 5000, to_us=START_US + 20_000)
        )  # fmt: skip
        assert part.to_pylist() == [{"a": 2, "b": 2, "c": START_US + 5000, "d": START_US + 19_000}]
        curves = await store.scan(
            Scan(sql="SELECT count(*) n, count(DISTINCT unit) u FROM curves WHERE voltage_v IS NOT NULL")
        )
        assert curves["u"].to_pylist()[0] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.csv", "telemetry"]


async def test_readers_are_right_while_files_are_merged_away(database_url: str, root: Path) -> None:
    settings = Settings(seal_rows=20, segment_rows=60, merge_count=2)
    async with (
        opened(database_url, root, settings=settings) as store,
        opened(database_url, root, settings=settings) as reader,
    ):
        channels = await store.define(SIGNALS)
        for seq in range(1, 8):
            await store.write(random_block(BatchKey("oven", 1, seq), channels[:1], Random(seq), rows=20))
            await store.tidy(everything=True)
        stale = reader._queries._find

        async def find_then_merge(*arguments: object) -> object:
            found = await stale(*arguments)  # type: ignore[arg-type]
            reader._queries._find = stale  # type: ignore[method-assign]
            before = samples(root)
            await store.write(random_block(BatchKey("oven", 1, 8), channels[:1], Random(8), rows=20))
            await store.tidy(everything=True)
            assert set(before) - set(samples(root))
            return found

        reader._queries._find = find_then_merge  # type: ignore[method-assign, assignment]
        (trend,) = await reader.read([NAMES[0]], 0, 1 << 58)
        assert (trend.count, trend.lost) == (160, ())


async def test_the_last_value_is_the_newest_not_the_last_to_come(database_url: str, root: Path) -> None:
    async with opened(database_url, root) as store:
        (channel,) = await store.define(SIGNALS[2:3])
        for seq, (time_us, count) in enumerate([(50, 1), (90, 2), (70, 3), (90, 4), (10, 5)]):
            one = np.array([1])
            await store.write(SampleBlock(BatchKey("p", 1, seq), one * channel, one * time_us, one * count, one * 0))
            if seq % 2:
                await store.tidy(everything=True)
            (last,) = await store.last([SIGNALS[2].name])
            assert last is not None
            expected = [(50, 0.25), (90, 0.5), (90, 0.5), (90, 1.0), (90, 1.0)][seq]
            assert (last.time_us, last.value) == expected


async def test_features_of_steps_are_kept_and_replaced(connection: Connection) -> None:
    step = StepFeatures(7, "formation", 1, 2, "steps 1", {"charge_ah": 31.5, "end_v": None})
    await save_features(connection, [step, StepFeatures(7, "formation", 1, 1, "steps 1", {"rise_v": 0.5})])
    again = StepFeatures(7, "formation", 1, 2, "steps 2", {"charge_ah": 31.6})
    await save_features(connection, [again])
    assert (await find_features(connection, [7, 8], "formation"))[1:] == [again]
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("UPDATE step_feature SET names = '{}'")


def test_settings_say_what_is_wrong(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    path = tmp_path / "telemetry.toml"
    path.write_text("disk_limit_gib = 200\nkeep_samples_days = 90\n")
    assert read_settings(tmp_path) == Settings(disk_limit_gib=200, keep_samples_days=90)
    for text, complaint in (
        ("disk_limit = 1", "unknown field `disk_limit`"),
        ("seal_rows = 0", "seal_rows is 0, expected 1 or more"),
        ("seal_rows = 'many'", "Expected `int`"),
        ("seal_rows = ", "expected whole numbers under: disk_limit_gib"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=complaint):
            read_settings(tmp_path)
