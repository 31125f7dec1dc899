"""Every store of samples keeps the contract, and goes on keeping it while its rows move from place to place."""

from pathlib import Path
from random import Random

import pytest

from cellwright.model.samples import BatchKey
from cellwright.telemetry.settings import Settings
from cellwright.telemetry.store import open_store
from cellwright.testing.telemetry import (
    CONTRACT,
    SIGNALS,
    START_US,
    Contract,
    MemoryStore,
    expect_same,
    random_block,
    random_page,
)

# So small that everything happens to a few hundred rows: many segments, merges of merges, cuts by key.
TINY = Settings(seal_rows=50, segment_rows=300, merge_count=2)


@pytest.mark.parametrize("sentence", CONTRACT)
async def test_the_oracle_keeps_the_contract(sentence: Contract) -> None:
    await sentence(MemoryStore(), Random(1))


@pytest.mark.parametrize("sentence", CONTRACT)
async def test_the_store_keeps_the_contract(sentence: Contract, database_url: str, tmp_path: Path) -> None:
    async with open_store(database_url, tmp_path / "telemetry", lambda: START_US) as store:
        await sentence(store, Random(1))


@pytest.mark.parametrize("seed", range(4))
async def test_a_store_at_work_says_what_the_oracle_says(seed: int, database_url: str, tmp_path: Path) -> None:
    random, oracle = Random(seed), MemoryStore()
    await oracle.define(SIGNALS)
    async with (
        open_store(database_url, tmp_path / "telemetry", lambda: START_US, settings=TINY) as store,
        open_store(database_url, tmp_path / "telemetry", lambda: START_US, settings=TINY) as reader,
    ):
        channels = await store.define(SIGNALS)
        assert channels == (1, 2, 3, 4)
        for seq in range(1, 31):
            if random.random() < 0.7:
                block = random_block(BatchKey("oven", seed, seq), channels[:3], random, rows=random.randint(1, 90))
                assert await store.write(block) == await oracle.write(block)
            else:
                page = random_page(BatchKey("formation", seed, seq), random)
                assert (await store.write_curves(page)).count == (await oracle.write_curves(page)).count
            if random.random() < 0.4:
                await random.choice((store, reader)).tidy(everything=random.random() < 0.5)
            if seq % 10 == 0:
                await expect_same(store, oracle)
                await expect_same(reader, oracle)
        await store.tidy(everything=True)
        await expect_same(reader, oracle)
    merged = list((tmp_path / "telemetry" / "samples").rglob("*.parquet"))
    assert 0 < len(merged) < 25
