import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from cellwright.database.opening import open_database
from cellwright.database.pool import check_server, connect, create_pool, without_password
from cellwright.errors import DatabaseError, DatabaseUnavailableError
from cellwright.testing.database import Databases


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start(migrations=[]))
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def url(databases: Databases) -> AsyncIterator[str]:
    async with databases.fresh() as address:
        yield address


async def test_a_session_has_our_settings_and_json_stays_text(url: str) -> None:
    connection = await connect(url, name="gate", statement_timeout_ms=1500)
    try:
        for setting, expected in {
            "jit": "off",
            "timezone": "UTC",
            "statement_timeout": "1500ms",
            "application_name": "gate",
        }.items():
            assert await connection.fetchval("SELECT current_setting($1)", setting) == expected
        assert await connection.fetchval("""SELECT '{"a": 1}'::jsonb""") == '{"a": 1}'
        assert await check_server(connection) >= 150_000
    finally:
        await connection.close()


async def test_a_statement_past_its_time_is_ended(url: str) -> None:
    connection = await connect(url, statement_timeout_ms=50)
    try:
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.execute("SELECT pg_sleep(5)")
    finally:
        await connection.close()


async def test_a_pool_has_the_same_settings_and_heals_when_its_connections_are_ended(
    url: str, databases: Databases
) -> None:
    pool = await create_pool(url, size=2, name="web")
    try:
        assert await pool.fetchval("SELECT current_setting('application_name')") == "web"
        administrator = await connect(databases.server.admin_url)
        try:
            await administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'web'"
            )
        finally:
            await administrator.close()
        await asyncio.sleep(0.1)
        assert await pool.fetchval("SELECT 1") == 1
    finally:
        await pool.close()


async def test_a_wrong_password_is_refused_and_not_repeated(url: str) -> None:
    password = urlsplit(url).password
    assert password
    with pytest.raises(DatabaseUnavailableError, match="check user and password") as caught:
        await connect(url.replace(password, "wrong-secret"))
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (("/fresh_", "/missing_"), "createdb"),
        (("port=5432", "port=5433"), "check that the server runs"),
        (("postgresql://", "mysql://"), "postgresql://user:password@host"),
    ],
)
async def test_an_address_that_leads_nowhere_says_what_to_do(url: str, change: tuple[str, str], advice: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match=advice):
        await connect(url.replace(*change))
    with pytest.raises(DatabaseUnavailableError, match=advice):
        _ = await create_pool(url.replace(*change))


async def test_an_operators_own_server_is_used_and_left_running(url: str, tmp_path: Path) -> None:
    async with await open_database(tmp_path, url) as database:
        assert database.url == url
        assert database.server is None
        assert database.version >= 150_000
    assert list(tmp_path.iterdir()) == []
    await (await connect(url)).close()


async def test_a_database_in_another_encoding_is_refused(databases: Databases, tmp_path: Path) -> None:
    administrator = await connect(databases.server.admin_url)
    try:
        await administrator.execute(
            "CREATE DATABASE latin OWNER cellwright ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
        )
    finally:
        await administrator.close()
    with pytest.raises(DatabaseError, match="LATIN1"):
        await open_database(tmp_path, databases.server.cluster.url("cellwright", "latin"))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://plant:secret@db:5432/plant", "postgresql://plant:***@db:5432/plant"),
        (
            "postgresql://db/plant?user=plant&password=secret&port=1",
            "postgresql://db/plant?user=plant&password=***&port=1",
        ),
        ("postgresql://db/plant", "postgresql://db/plant"),
    ],
)
def test_passwords_are_kept_out_of_messages(address: str, shown: str) -> None:
    assert without_password(address) == shown
