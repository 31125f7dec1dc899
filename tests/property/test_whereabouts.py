"""Packs that travel at random: whoever tells what, a pack is in one place at a time, and so it was at any time."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cellwright.model.answers import Receipt, Refusal
from cellwright.model.commands import (
    AssignCode,
    Command,
    Disposition,
    DispositionAction,
    InstallPack,
    RemovePack,
    ReturnUnits,
    ShipUnits,
)
from cellwright.model.ids import is_given_code, is_vin
from cellwright.rules.dated import GivenCodeRow, InstallationRow, ShipmentRow
from cellwright.rules.state import UnitRow, UnitStatus
from cellwright.testing.flow import Driver, replay, rows_of
from cellwright.testing.stories_whereabouts import VINS, packs

PACK = st.integers(0, 2)
HOUR_US = 3_600_000_000
EVER_US = 2**62


class TravelMachine(RuleBasedStateMachine):
    """Three packs, two vehicles of two places, two partners."""

    @initialize()
    def begin(self) -> None:
        self.driver = Driver()
        self.packs = packs(self.driver, 3)
        self.names: dict[str, list[str]] = {code: [code] for code in self.packs}
        self.driver.wait(10 * 3600)

    def submit(self, command: Command) -> bool:
        known = len(self.driver.envelopes)
        answer = self.driver.submit(command)
        if isinstance(answer, Refusal):
            assert answer.reasons
            assert not self.driver.last_rows
        assert len(self.driver.envelopes) == known + 1
        return isinstance(answer, Receipt)

    def named(self, pack: int, pick: int) -> str:
        """Return one of the codes of a pack."""
        names = self.names[self.packs[pack]]
        return names[pick % len(names)]

    @rule(pack=PACK, pick=st.integers(0, 5), partner=st.sampled_from(["OEM-1", "OEM-2"]))
    def ship(self, pack: int, pick: int, partner: str) -> None:
        before = self.driver.unit(self.packs[pack]).status
        accepted = self.submit(ShipUnits(units=(self.named(pack, pick),), partner=partner))
        assert accepted == (before is UnitStatus.FINISHED)

    @rule(pack=PACK, pick=st.integers(0, 5))
    def bring_back(self, pack: int, pick: int) -> None:
        before = self.driver.unit(self.packs[pack]).status
        accepted = self.submit(ReturnUnits(units=(self.named(pack, pick),), reason="doubt"))
        assert accepted == (before is UnitStatus.SHIPPED)

    @rule(pack=PACK)
    def let_be_used_again(self, pack: int) -> None:
        unit = self.driver.unit(self.packs[pack])
        command = Disposition(units=(self.packs[pack],), action=DispositionAction.REUSE, reason="looks good")
        assert self.submit(command) == (unit.status is UnitStatus.REMOVED)

    @rule(
        chosen=st.lists(PACK, min_size=1, max_size=2, unique=True),
        vehicle=st.sampled_from(VINS[:2]),
        position=st.sampled_from(["", "2"]),
        ago_h=st.sampled_from([None, 0, 1, 20]),
    )
    def install(self, chosen: list[int], vehicle: str, position: str, ago_h: int | None) -> None:
        columns = {
            "packs": tuple(self.named(pack, 1) for pack in chosen),
            "vehicles": (vehicle,) * len(chosen),
            "positions": (position, "3")[: len(chosen)],
            "times_us": () if ago_h is None else (self.driver.now_us - ago_h * HOUR_US,) * len(chosen),
        }
        self.submit(InstallPack(**columns))  # type: ignore[arg-type] # columns by name

    @rule(chosen=st.lists(PACK, min_size=1, max_size=2, unique=True), ago_h=st.sampled_from([None, 0, 1]))
    def remove(self, chosen: list[int], ago_h: int | None) -> None:
        times_us = () if ago_h is None else (self.driver.now_us - ago_h * HOUR_US,) * len(chosen)
        self.submit(RemovePack(packs=tuple(self.packs[pack] for pack in chosen), times_us=times_us, reason="swap"))

    @rule(pack=PACK, number=st.integers(1, 4))
    def give_a_code(self, pack: int, number: int) -> None:
        code = f"TESPB010{number}G110000001"
        is_free = all(code not in names for names in self.names.values())
        assert self.submit(AssignCode(units=(self.packs[pack],), codes=(code,), reason="second use")) == is_free
        if is_free:
            self.names[self.packs[pack]].append(code)

    @rule(hours=st.sampled_from([0, 1, 5]))
    def wait(self, hours: int) -> None:
        self.driver.wait(hours * 3600)

    @invariant()
    def nothing_is_in_two_places_at_any_time(self) -> None:
        rows = list(self.driver.state.rows(InstallationRow))
        by_pack = [[row for row in rows if row.pack == pack] for pack in {row.pack for row in rows}]
        places = {(row.vehicle, row.position) for row in rows}
        by_place = [[row for row in rows if (row.vehicle, row.position) == place] for place in places]
        shipped = list(self.driver.state.rows(ShipmentRow))
        by_unit = [[row for row in shipped if row.unit == unit] for unit in {row.unit for row in shipped}]
        found: list[list[InstallationRow] | list[ShipmentRow]] = [*by_pack, *by_place, *by_unit]
        for each in found:
            intervals = sorted((row.from_us, row.to_us or EVER_US) for row in each)
            assert all(start < end for start, end in intervals)
            assert all(a[1] <= b[0] for a, b in pairwise(intervals))

    @invariant()
    def a_pack_is_where_its_status_says(self) -> None:
        state = self.driver.state
        for code in self.packs:
            unit = self.driver.unit(code)
            assert (unit.status is UnitStatus.INSTALLED) == (state.installations.open(unit.id) is not None)
            assert unit.status is not UnitStatus.SHIPPED or state.shipments.open(unit.id) is not None
            if unit.status in (UnitStatus.FINISHED, UnitStatus.REMOVED):
                assert state.shipments.open(unit.id) is None

    @invariant()
    def every_code_names_its_pack(self) -> None:
        rows = {row.code: row.unit for row in self.driver.state.rows(GivenCodeRow)}
        given = {code: self.driver.unit(own).id for own, names in self.names.items() for code in names[1:]}
        assert rows == given

    def teardown(self) -> None:
        if hasattr(self, "driver"):
            facts_alone = replay(self.driver.plant, self.driver.envelopes)
            assert rows_of(facts_alone)["UnitRow"] == rows_of(self.driver.state)["UnitRow"]
            assert rows_of(facts_alone) == rows_of(self.driver.state)
            assert {row.kind for row in facts_alone.rows(UnitRow) if row.status is UnitStatus.SHIPPED} <= {"pack"}


TravelMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestTravel = TravelMachine.TestCase


def test_a_vin_has_17_digits_and_capitals_without_those_that_look_like_digits() -> None:
    assert all(map(is_vin, VINS))
    wrong = ("", VINS[0][:-1], VINS[0] + "1", VINS[0].lower(), *(VINS[0][:-1] + each for each in "IOQ -é١"))
    assert not [each for each in wrong if is_vin(each)]


def test_a_given_code_is_16_to_25_digits_and_capitals() -> None:
    assert all(is_given_code("A1" * 12 + "B"[: length - 24]) for length in (24, 25))
    assert not [
        each for each in ("A" * 15, "A" * 26, "a" * 20, "A" * 19 + " ", "A" * 19 + "\uff11") if is_given_code(each)
    ]
