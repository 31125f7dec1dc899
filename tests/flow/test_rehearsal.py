"""A rehearsal says what the gate then says, and leaves nothing behind."""

from cellwright.database.pool import connect
from cellwright.model.answers import Admit, Refusal
from cellwright.model.commands import CheckIn, Command, LoadMaterial, Submission
from cellwright.plant.rehearsal import rehearse
from cellwright.testing.gates import make_gate
from cellwright.testing.line_story import tell_line
from cellwright.testing.replay import through_gate


async def test_a_rehearsal_answers_as_the_gate_does(database_url: str) -> None:
    driver, told = tell_line()
    await through_gate(database_url, driver)
    plant, now_us = driver.plant, driver.now_us
    join = CheckIn(station="MOD-01", units=told.members, recipe_digest=plant.recipes["join"].digest)
    commands: tuple[Command, ...] = (
        join,
        CheckIn(station="ASM-01", units=(told.tested,), recipe_digest=plant.recipes["assemble"].digest),
        CheckIn(station="ASM-01", units=("NO-SUCH-UNIT",)),
        LoadMaterial(station="ASM-01", position="can", lot="CAN-1", quantity=10),
        CheckIn(station="WIND-01", count=1, recipe_digest=plant.recipes["wind"].digest),
    )
    connection = await connect(database_url)
    facts_count = await connection.fetchval("SELECT count(*) FROM fact")
    said = [await rehearse(connection, plant, each, person="P-1", now_us=now_us) for each in commands]
    assert await connection.fetchval("SELECT count(*) FROM fact") == facts_count
    await connection.close()
    assert [type(each) for each in said] == [Refusal] * 4 + [Admit]
    async with make_gate(database_url, plant, lambda: now_us) as gate:
        for seq, (command, expected) in enumerate(zip(commands, said, strict=True), 1):
            sent = Submission(source="real", epoch=1, seq=seq, time_us=now_us, actor="P-1", command=command)
            assert await gate.submit(sent) == expected
