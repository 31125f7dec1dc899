"""What a driver did in memory, done again by a real gate on a real database."""

import time
from typing import Any

from cellwright.database.pool import connect
from cellwright.model.answers import Answer
from cellwright.model.commands import (
    CloseOrder,
    Command,
    Disposition,
    DispositionAction,
    HoldSubject,
    Marks,
    PlaceHold,
    Profile,
    ReleaseHold,
    ReleaseOrder,
    Submission,
)
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.plant import Plant
from cellwright.plant.gate import Gate
from cellwright.rules.state import LotRow
from cellwright.testing.flow import START_US, Driver, results
from cellwright.views.people import catch_up


class RecordingDriver(Driver):
    """A driver that keeps every submission with the plant's time (UTC us) and the answer it got."""

    def __init__(self, plant: Plant | None = None) -> None:
        """Begin as a driver does."""
        self.submissions: list[tuple[int, Submission, Answer]] = []
        super().__init__(plant)

    def submit(self, command: Command, **fields: Any) -> Answer:
        """Decide a command and keep it."""
        answer = super().submit(command, **fields)
        submission = Submission(
            source="test",
            epoch=1,
            seq=len(self.submissions) + 1,
            time_us=fields.get("time_us") or self.now_us,
            actor=fields.get("actor", "tester"),
            command=command,
        )
        self.submissions.append((self.now_us, submission, answer))
        return answer


def long_story() -> RecordingDriver:
    """Tell a story that puts at least one row into every inline table."""
    driver = RecordingDriver()
    weights = Profile(characteristic="areal_weight_gsm", lane=1, step=1000, values=(200.5, None, 199.0))
    driver.supply(profiles=(weights,), marks=Marks(defects=("streak",), outputs=(0,), starts=(500,), ends=(900,)))
    driver.must(ReleaseOrder(order="WO-1", product="cell", quantity=3, due_us=driver.now_us + 1))
    driver.must(ReleaseOrder(order="WO-2", product="cell", quantity=5))
    driver.must(ReleaseOrder(order="WO-3", product="module", quantity=2))
    driver.person("P-1", "quality", qualification="hv_work")
    driver.person("P-2", "quality")
    module, _ = driver.module()
    driver.work("TEST-01", [module], person="P-1", results=results(voltage_v=[13.2]))
    driver.wait(60)
    more = driver.wind(6)
    driver.submit(driver.ask("SEAL-01", units=more[:1]))
    driver.submit(driver.ask("WIND-99", count=1))
    driver.work("ASM-01", more)
    driver.work("SEAL-01", more, verdicts=(True, False, True, True, True, True), results=results(leak_pamin=[1.0] * 6))
    driver.must(PlaceHold(subject=HoldSubject.UNIT, codes=more[:2], reason="look"), actor="P-1")
    driver.must(PlaceHold(subject=HoldSubject.LOT, codes=("SEP-1",), reason="odour"), actor="P-1")
    driver.must(ReleaseHold(hold=1, reason="fine", second_person="P-2"), actor="P-1")
    driver.must(Disposition(units=more[2:3], action=DispositionAction.SCRAP, reason="dropped"), actor="P-1")
    _correct(driver, more)
    driver.receive("BARE-1", "foil", 1000, certificate_sha256="")
    driver.check_in("ASM-02", units=more[1:2])
    driver.must(CloseOrder(order="WO-3", reason="one is enough"), actor="P-2")
    return driver


def _correct(driver: RecordingDriver, units: tuple[str, ...]) -> None:
    driver.receive("CAN-2", "can", 50)
    can = CorrectRuns(
        position="can",
        firsts=units[2:3],
        lasts=units[3:4],
        recorded=("CAN-1",),
        lots=("CAN-2",),
        starts=(3,),
        reason="two cans of the other box",
        second_person="P-2",
    )
    driver.must(can, actor="P-1")
    web = driver.state.page(LotRow, [driver.loading("WIND-01", "cathode").lot])[0].code
    part = CorrectParts(lots=(web,), numbers=(1,), tolerances=(80,), reason="counter checked", second_person="P-2")
    driver.must(part, actor="P-1")


async def through_gate(url: str, driver: RecordingDriver) -> None:
    """Submit all again, one after another, to a gate on a database; every answer has to be the same."""
    now = [START_US]
    gate = Gate(
        lambda: connect(url, name="gate"),
        driver.plant,
        lambda: now[0],
        monotonic_s=time.monotonic,
    )
    async with gate:
        for now_us, submission, expected in driver.submissions:
            now[0] = now_us
            answer = await gate.submit(submission)
            assert answer == expected, (submission, answer)  # noqa: S101 the kit's purpose


async def caught_up(url: str) -> None:
    """Let the views for people follow the journal to its end."""
    connection = await connect(url)
    await catch_up(connection)
    await connection.close()
