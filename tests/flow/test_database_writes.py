import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.database.pool import connect
from cellwright.database.writes import Write, array_literal, execute, execute_together
from cellwright.testing.database import Databases

TEXTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1))


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
async def connection(databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    async with databases.fresh() as url:
        opened = await connect(url)
        yield opened
        await opened.close()


async def arrived(connection: asyncpg.Connection, kind: str, value: Any) -> Any:
    return await execute_together(connection, Write(f"SELECT $1::{kind}[]", (array_literal(value),)), [])


def test_arrays_arrive_as_they_were_sent(databases: Databases) -> None:
    with asyncio.Runner() as runner:
        fresh = databases.fresh()
        opened = runner.run(connect(runner.run(fresh.__aenter__())))

        @given(
            TEXTS, NUMBERS, st.lists(st.booleans()), st.lists(NUMBERS), st.lists(st.lists(st.sampled_from('ab,}"\\')))
        )
        def check(
            texts: list[str], numbers: list[int], flags: list[bool], rows: list[list[int]], words: list[list[str]]
        ) -> None:
            assert runner.run(arrived(opened, "text", texts)) == texts
            assert runner.run(arrived(opened, "bigint", numbers)) == numbers
            assert runner.run(arrived(opened, "boolean", flags)) == flags
            for kind, nested in (("bigint", rows), ("text", words)):
                literals = array_literal([tuple(row) for row in nested])
                sql = f"SELECT coalesce(array_agg(to_json(n::{kind}[])::text), '{{}}') FROM unnest($1::text[]) AS n"  # noqa: S608
                back = runner.run(execute_together(opened, Write(sql, (literals,)), []))
                assert back == [to_json(row) for row in nested]

        check()
        runner.run(opened.close())
        runner.run(fresh.__aexit__(None, None, None))


def to_json(row: list[Any]) -> str:
    quoted = [
        str(each) if isinstance(each, int) else '"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for each in row
    ]
    return f"[{','.join(quoted)}]"


@pytest.mark.parametrize("texts", [["a\0b"], ["", "\0"], ["\0"] * 3])
def test_a_nul_is_refused_and_never_shifts_its_neighbours(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        array_literal(texts)


LOAD = """
    INSERT INTO counter (name, value) SELECT name, value + $3 FROM unnest($1::text[], $2::bigint[]) AS n (name, value)
    """


async def test_writes_together_keep_their_own_arguments(connection: asyncpg.Connection) -> None:
    writes = [
        Write(LOAD, (array_literal([f"{letter}-1", f"{letter}-2"]), "{1,2}", 10 * step))
        for step, letter in enumerate("abc")
    ]
    answer = await execute_together(connection, Write("SELECT $1::text || $2::text", ("x", "y")), writes)
    assert answer == "xy"
    rows = await connection.fetch("SELECT name, value FROM counter ORDER BY name")
    assert {row["name"]: row["value"] for row in rows} == {
        "a-1": 1, "a-2": 2, "b-1": 11, "b-2": 12, "c-1": 21, "c-2": 22,
    }  # fmt: skip


async def test_if_one_write_fails_none_has_happened(connection: asyncpg.Connection) -> None:
    good, bad = Write(LOAD, ('{"a"}', "{1}", 0)), Write(LOAD, ('{"b"}', "{-1}", 0))
    with pytest.raises(asyncpg.CheckViolationError):
        await execute_together(connection, Write("SELECT 1", ()), [good, bad])
    assert await connection.fetchval("SELECT count(*) FROM counter") == 0
    await execute(connection, good)
    assert await connection.fetchval("SELECT count(*) FROM counter") == 1


async def test_the_head_moves_once_from_each_version(connection: asyncpg.Connection) -> None:
    await connection.execute("INSERT INTO gate_head VALUES ('P', 7)")
    assert await connection.fetchval("SELECT move_head('P', 7)") == 8
    for site, version in (("P", 7), ("Q", 8)):
        with pytest.raises(asyncpg.SerializationError, match="another gate wrote since version"):
            await connection.fetchval("SELECT move_head($1, $2)", site, version)
