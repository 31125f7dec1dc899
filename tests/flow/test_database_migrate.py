import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cellwright.database.migrate import Migration, migrate, own_migrations, pending, read_migrations
from cellwright.database.pool import connect
from cellwright.errors import MigrationError
from cellwright.testing.database import Databases, installations


@pytest.fixture(scope="module", params=installations(), ids=lambda found: f"pg{found.major}")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    started = asyncio.run(Databases.start(installation=request.param, migrations=[]))
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def url(databases: Databases) -> AsyncIterator[str]:
    async with databases.fresh(migrated=False) as address:
        yield address


def write(folder: Path, **files: str) -> list[Migration]:
    for name, sql in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(sql, "utf-8")
    return read_migrations(folder)


async def ask(url: str, query: str) -> object:
    connection = await connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_migrations_are_applied_in_order_once(url: str, tmp_path: Path) -> None:
    first = write(tmp_path, m0001_cells="CREATE TABLE cell (id bigint);")
    assert await migrate(url, first) == [1]
    both = write(tmp_path, m0002_index="CREATE INDEX cell_id ON cell (id);\nINSERT INTO cell VALUES (7);")
    assert await migrate(url, both) == [2]
    assert await migrate(url, both) == []
    assert await ask(url, "SELECT sum(id)::int FROM cell") == 7
    row = await ask(url, "SELECT string_agg(version || name || sha256, ',' ORDER BY version) FROM schema_version")
    assert row == f"1cells{both[0].sha256},2index{both[1].sha256}"


async def test_two_programs_at_once_apply_each_migration_once(url: str, tmp_path: Path) -> None:
    wanted = write(tmp_path, m0001_cells="SELECT pg_sleep(0.1); CREATE TABLE cell (id bigint);")
    applied = await asyncio.gather(*(migrate(url, wanted) for _ in range(4)))
    assert sorted(applied) == [[], [], [], [1]]


async def test_a_changed_file_is_refused(url: str, tmp_path: Path) -> None:
    await migrate(url, write(tmp_path, m0001_cells="CREATE TABLE cell (id bigint);"))
    changed = write(tmp_path, m0001_cells="CREATE TABLE cell (id integer);", m0002_more="SELECT 1;")
    with pytest.raises(MigrationError, match=r"0001_cells\.sql .* must not change"):
        await migrate(url, changed)
    assert await ask(url, "SELECT max(version) FROM schema_version") == 1


async def test_a_renamed_file_is_refused(url: str, tmp_path: Path) -> None:
    await migrate(url, write(tmp_path, m0001_cells="SELECT 1;"))
    (tmp_path / "0001_cells.sql").rename(tmp_path / "0001_units.sql")
    with pytest.raises(MigrationError, match=r"0001_cells\.sql .* 0001_units\.sql"):
        await migrate(url, read_migrations(tmp_path))


async def test_a_newer_database_is_refused(url: str, tmp_path: Path) -> None:
    both = write(tmp_path, m0001_cells="SELECT 1;", m0002_later="SELECT 2;")
    await migrate(url, both)
    with pytest.raises(MigrationError, match=r"0002_later\.sql, this program knows 1 .* install the newer program"):
        await migrate(url, both[:1])


async def test_a_failing_file_leaves_nothing_and_is_named_with_its_line(url: str, tmp_path: Path) -> None:
    wanted = write(tmp_path, m0001_good="CREATE TABLE good ();", m0002_bad="CREATE TABLE bad ();\nSELEC 1;\n")
    with pytest.raises(MigrationError, match=r"0002_bad\.sql, line 2: .*nothing of it stays"):
        await migrate(url, wanted)
    assert await ask(url, "SELECT to_regclass('good') IS NOT NULL AND to_regclass('bad') IS NULL") is True
    mended = write(tmp_path, m0002_bad="CREATE TABLE bad ();")
    assert await migrate(url, mended) == [2]


async def test_a_file_that_commits_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="take COMMIT out"):
        await migrate(url, write(tmp_path, m0001_sly="CREATE TABLE sly ();\nCOMMIT;\nSELECT 1;"))


async def test_pending_tells_what_is_missing(url: str, tmp_path: Path) -> None:
    both = write(tmp_path, m0001_cells="SELECT 1;", m0002_later="SELECT 2;")
    connection = await connect(url)
    try:
        assert await pending(connection, both) == both
        await migrate(url, both[:1])
        assert await pending(connection, both) == both[1:]
    finally:
        await connection.close()


async def test_the_migrations_of_this_release_apply_twice(url: str) -> None:
    numbers = [migration.version for migration in own_migrations()]
    assert await migrate(url) == numbers
    assert await migrate(url) == []


async def test_a_fresh_database_is_a_copy_of_the_migrated_one(databases: Databases) -> None:
    async with databases.fresh() as one, databases.fresh() as other:
        assert await ask(one, "SELECT count(*) FROM schema_version") == 0
        assert await ask(one, "SELECT current_database()") != await ask(other, "SELECT current_database()")
        assert await ask(one, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_line_ends_do_not_change_the_hash(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\nSELECT 2;\n")
    plain = read_migrations(tmp_path)
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert read_migrations(tmp_path) == plain


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["0002_late.sql"], r"0002_late\.sql: expected number 0001"),
        (["0001_a.sql", "0003_c.sql"], r"0003_c\.sql: expected number 0002"),
        (["0001_a.sql", "0001_b.sql"], r"0001_b\.sql: expected number 0002"),
        (["1_a.sql"], r"1_a\.sql: must be named"),
        (["0001_Big.sql"], r"0001_Big\.sql: must be named"),
    ],
)
def test_a_folder_out_of_order_is_refused(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;", "ascii")
    with pytest.raises(MigrationError, match=complaint):
        read_migrations(tmp_path)
