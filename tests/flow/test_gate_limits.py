"""What does not fit is refused and journaled, and a database belongs to one plant."""

import asyncpg
import msgspec
import pytest
from msgspec import structs

from cellwright.errors import ConfigurationError
from cellwright.model.answers import Receipt, Refusal, RefusalCode
from cellwright.plant.check import check
from cellwright.testing.flow import START_US
from cellwright.testing.gates import make_gate
from cellwright.testing.plants import small_plant


def payload(**command: object) -> bytes:
    """One received lot as JSON, with some fields changed."""
    lot = {"type": "ReceiveLot", "lot": "L-1", "material": "foil", "quantity": 10} | command
    return msgspec.json.encode({"source": "test", "epoch": 1, "seq": 1, "time_us": 1, "actor": "test", "command": lot})


@pytest.mark.parametrize(
    "wrong",
    [{"lot": "L" * 9000}, {"supplier": "S" * 129}, {"lot": "L\r\n\x1b[31m"}, {"material": "\0"}, {"quantity": 2**70}],
    ids=["long code", "long supplier", "control characters", "null", "huge number"],
)
async def test_what_cannot_be_a_code_or_number_is_refused_and_journaled(
    database_url: str, wrong: dict[str, object]
) -> None:
    plant = small_plant()
    async with make_gate(database_url, plant, lambda: START_US) as gate:
        answer = await gate.submit_payload(payload(**wrong), "test")
        assert isinstance(answer, Refusal)
        assert answer.codes == {RefusalCode.PAYLOAD_MALFORMED}
        assert isinstance(await gate.submit_payload(payload(), "test"), Receipt)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM fact WHERE kind = 'Refused'") == 1
    assert (await check(connection, plant)).equal
    await connection.close()


async def test_a_database_belongs_to_one_plant(database_url: str) -> None:
    plant = small_plant()
    async with make_gate(database_url, plant, lambda: START_US):
        pass
    other = make_gate(database_url, structs.replace(plant, code="OTHER"), lambda: START_US)
    with pytest.raises(ConfigurationError, match=f"belongs to plant {plant.code}, not to OTHER"):
        await other.start()
    await other.stop()
