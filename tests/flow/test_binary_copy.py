from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from cellwright.database.pool import Connection, connect
from cellwright.testing.binary_copy import (
    Arrays,
    Column,
    Digits,
    Numbers,
    RaggedArrays,
    Texts,
    constant,
    copy_rows,
    encode_rows,
)

COUNT = 1000


@pytest.fixture(name="connection")
async def fixture_connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await connect(database_url)
    yield opened
    await opened.close()


async def copied(connection: Connection, kinds: dict[str, str], columns: dict[str, Column]) -> list[tuple[Any, ...]]:
    """Copy columns into a table of these types and read it back in the order of the rows."""
    fields = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    await connection.execute(f"CREATE TEMPORARY TABLE copied (place bigint GENERATED ALWAYS AS IDENTITY, {fields})")
    assert await copy_rows(connection, "copied", columns) == next(iter(columns.values())).rows_count
    rows = await connection.fetch(f"SELECT {', '.join(kinds)} FROM copied ORDER BY place")  # noqa: S608
    await connection.execute("DROP TABLE copied")
    return [tuple(row) for row in rows]


def extremes(dtype: Any) -> np.ndarray[Any, np.dtype[Any]]:
    info = np.iinfo(dtype)
    random = np.random.default_rng(1).integers(info.min, info.max, COUNT, dtype=dtype, endpoint=True)
    random[:3] = info.min, info.max, -1
    return random


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("boolean", np.arange(COUNT) % 3 == 0),
        ("smallint", extremes(np.int16)),
        ("integer", extremes(np.int32)),
        ("bigint", extremes(np.int64)),
        ("double precision", np.random.default_rng(2).normal(0, 1e9, COUNT)),
    ],
)
async def test_numbers_arrive(connection: Connection, kind: str, values: np.ndarray[Any, np.dtype[Any]]) -> None:
    assert await copied(connection, {"v": kind}, {"v": Numbers(values)}) == [(each,) for each in values.tolist()]
    nulls = np.arange(COUNT) % 7 < 2
    found = await copied(connection, {"v": kind}, {"v": Numbers(values, nulls=nulls)})
    assert found == [(None if null else each,) for each, null in zip(values.tolist(), nulls, strict=True)]


async def test_texts_arrive(connection: Connection) -> None:
    words = ["", "can", "electrolyte", "电解液", "a\tb\\N"]
    numbers = np.random.default_rng(3).integers(0, len(words), COUNT)
    columns = {
        "word": Texts(words, numbers),
        "same": Texts(["ab", "cd"], numbers % 2),
        "station": constant("WIND-01", COUNT),
        "code": Digits("LOT-", numbers * 1000, digits=9),
    }
    found = await copied(connection, dict.fromkeys(columns, "text"), columns)
    assert found == [
        (words[each], ["ab", "cd"][each % 2], "WIND-01", f"LOT-{each * 1000:09d}") for each in numbers.tolist()
    ]


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
async def test_arrays_arrive_with_their_bounds(connection: Connection, dtype: Any) -> None:
    kind = {np.int16: "smallint[]", np.int32: "integer[]", np.int64: "bigint[]"}[dtype]
    matrix = extremes(dtype).reshape(100, 10)
    lengths = np.random.default_rng(4).integers(0, 15, 100)
    lengths[:3] = 0, 0, 14
    offsets = np.insert(np.cumsum(lengths), 0, 0)
    flat = np.resize(extremes(dtype), offsets[-1])
    columns = {
        "fixed": Arrays(matrix, lower=0),
        "plain": Arrays(matrix),
        "ragged": RaggedArrays(flat, offsets, lower=0),
    }
    found = await copied(connection, dict.fromkeys(columns, kind), columns)
    parts = [flat[low:high].tolist() for low, high in pairwise(offsets)]
    assert found == [(row, row, part) for row, part in zip(matrix.tolist(), parts, strict=True)]
    await connection.execute(f"CREATE TEMPORARY TABLE bounds (fixed {kind}, ragged {kind}, plain {kind})")
    await copy_rows(connection, "bounds", columns)
    rows = await connection.fetch(
        "SELECT array_lower(fixed, 1) AS f, array_lower(plain, 1) AS p, array_lower(ragged, 1) AS r, ndims, fixed[0:1]"
        " FROM bounds CROSS JOIN LATERAL (SELECT array_ndims(ragged) AS ndims) AS n"
    )
    assert {(row["f"], row["p"]) for row in rows} == {(0, 1)}
    assert {(row["r"], row["ndims"]) for row in rows} == {(0, 1), (None, None)}
    assert [row["fixed"] for row in rows] == matrix[:, :2].tolist()


async def test_long_ragged_arrays_arrive(connection: Connection) -> None:
    lengths = np.array([1024, 0, 1, 1024, 300])
    offsets = np.insert(np.cumsum(lengths), 0, 0)
    values = np.arange(offsets[-1], dtype=np.int32)
    found = await copied(
        connection,
        {"a": "integer[]", "n": "bigint"},
        {"a": RaggedArrays(values, offsets), "n": Numbers(np.arange(5, dtype=np.int64))},
    )
    expected = [values[low:high].tolist() for low, high in pairwise(offsets)]
    assert found == list(zip(expected, range(5), strict=True))


def mixed(count: int) -> list[Column]:
    numbers = np.arange(count)
    return [
        Numbers(numbers, nulls=numbers % 2 == 0),
        Texts(["one", "three"], numbers % 2),
        Arrays(np.stack([numbers, -numbers], axis=1)),
        RaggedArrays(np.repeat(numbers, numbers % 4), np.insert(np.cumsum(numbers % 4), 0, 0)),
        Digits("", numbers, digits=5),
    ]


@pytest.mark.parametrize("chunk_rows", [1, 7, 100, 101])
@pytest.mark.parametrize("count", [0, 1, 100])
def test_chunks_join_to_the_same_rows(chunk_rows: int, count: int) -> None:
    chunks = list(encode_rows(mixed(count), chunk_rows=chunk_rows))
    assert len(chunks) == 2 + -(-count // chunk_rows)
    assert b"".join(chunks) == b"".join(encode_rows(mixed(count)))


def test_wide_rows_make_small_chunks() -> None:
    wide = Arrays(np.zeros((10_000, 1024), np.int32))
    assert max(len(chunk) for chunk in encode_rows([wide])) < 70_000_000


async def test_no_rows_are_no_rows(connection: Connection) -> None:
    assert await copied(connection, {"v": "bigint"}, {"v": Numbers(np.empty(0, np.int64))}) == []


def test_what_has_no_binary_form_is_refused() -> None:
    with pytest.raises(ValueError, match="uint64"):
        Numbers(np.zeros(3, np.uint64))
    with pytest.raises(ValueError, match="float64 has no array"):
        Arrays(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="RaggedArrays"):
        Arrays(np.zeros((3, 0), np.int32))
    with pytest.raises(ValueError, match="do not fit 2 digits"):
        Digits("", np.array([100]), digits=2)
    with pytest.raises(ValueError, match=r"\[2, 3\] rows"):
        list(encode_rows([Numbers(np.zeros(2)), Numbers(np.zeros(3))]))
