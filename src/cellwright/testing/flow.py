"""A gate without database: keeps a state, decides commands one after another, and remembers every fact."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import structs

from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import (
    AddPerson,
    CheckIn,
    CheckOut,
    Command,
    Consumed,
    LoadCarrier,
    LoadMaterial,
    QualifyPerson,
    ReceiveLot,
    RecordCalibration,
    ReleasePlant,
    Result,
    Submission,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.facts import Envelope, Fact
from cellwright.model.plant import Plant
from cellwright.rules.apply import apply
from cellwright.rules.decide import decide
from cellwright.rules.materials import operation_uses
from cellwright.rules.state import ROW_TYPES, LoadingRow, Row, State, UnitRow
from cellwright.testing.plants import route_texts, small_plant

START_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""

_US_PER_S = 1_000_000


class RefusedError(AssertionError):
    """A command that a test counts on was refused."""


class Driver:
    """Submits commands as the gate would; `now_us` is the plant's time (UTC us) and moves only by `wait`."""

    def __init__(self, plant: Plant | None = None) -> None:
        """Begin with the tiny plant (or another) and its routes released."""
        self.plant = small_plant() if plant is None else plant
        self.state = State(self.plant)
        self.now_us = START_US
        self.envelopes: list[Envelope] = []
        self.last_facts: tuple[Fact, ...] = ()
        self.last_rows: list[Row] = []
        self._seq = 0
        self.must(ReleasePlant(plant=self.plant.code, routes=route_texts(self.plant)))

    def adopt(self, plant: Plant) -> None:
        """Go on with changed files of the plant: a new state holds the same rows, its routes are released."""
        changed = State(plant)
        for kind in ROW_TYPES:
            changed.load(self.state.rows(kind))
        self.plant, self.state = plant, changed
        self.must(ReleasePlant(plant=plant.code, routes=route_texts(plant)))

    def wait(self, seconds: float) -> None:
        """Let plant time pass."""
        self.now_us += round(seconds * _US_PER_S)

    def submit(self, command: Command, *, actor: str = "tester", time_us: int | None = None) -> Answer:
        """Decide a command, fold its facts, and return the answer; `time_us` None = the plant's time."""
        self._seq += 1
        submission = Submission(
            source="test",
            epoch=1,
            seq=self._seq,
            time_us=self.now_us if time_us is None else time_us,
            actor=actor,
            command=command,
        )
        decision = decide(self.state, submission, self.now_us)
        self.last_facts, self.last_rows = decision.facts, []
        for fact in decision.facts:
            envelope = Envelope(
                source=submission.source,
                epoch=submission.epoch,
                seq=submission.seq,
                time_us=submission.time_us,
                recorded_us=self.now_us,
                actor=actor,
                fact=fact,
            )
            rows = apply(self.state, envelope)
            self.state.absorb(rows)
            self.last_rows += rows
            self.envelopes.append(envelope)
        return decision.answer

    def must(self, command: Command, *, actor: str = "tester", time_us: int | None = None) -> Admit | Receipt:
        """Submit a command that has to be accepted; raises RefusedError with every reason."""
        answer = self.submit(command, actor=actor, time_us=time_us)
        if isinstance(answer, Refusal):
            raise RefusedError("; ".join(f"{each.code}: {each.text}" for each in answer.reasons))
        return answer

    # --- material ---------------------------------------------------------------------------

    def receive(self, lot: str, material: str, quantity: int, **fields: Any) -> Admit | Receipt:
        """Receive a lot with a certificate, unless `certificate_sha256` says otherwise."""
        fields = {"certificate_sha256": "c" * 64, "supplier": "SUP"} | fields
        return self.must(ReceiveLot(lot=lot, material=material, quantity=quantity, **fields))

    def load(self, station: str, position: str, lot: str, quantity: int) -> Admit | Receipt:
        """Put a quantity of a lot on a position."""
        return self.must(LoadMaterial(station=station, position=position, lot=lot, quantity=quantity))

    def unload(self, station: str, position: str) -> Admit | Receipt:
        """Take the rest of a lot off a position."""
        return self.must(UnloadMaterial(station=station, position=position))

    def supply(self, cells: int = 20, **coated: Any) -> None:
        """Receive and load what this many cells and some modules need; the web is coated here, and reported with fields."""
        self.receive("FOIL-1", "foil", 100_000)
        self.load("COAT-01", "foil", "FOIL-1", 100_000)
        web = self.coat((cells + 1) * 1000, **coated)[0]
        self.load("WIND-01", "cathode", web, (cells + 1) * 1000)
        self.receive("SEP-1", "separator", (cells + 1) * 1100)
        self.load("WIND-01", "separator", "SEP-1", (cells + 1) * 1100)
        self.receive("CAN-1", "can", 1000)
        for station in ("ASM-01", "ASM-02", "CELL-01"):
            self.load(station, "can", "CAN-1", 100)
        self.receive("KIT-1", "kit", 10)
        self.load("MOD-01", "kit", "KIT-1", 10)

    def coat(self, length_mm: int, count: int = 1, **fields: Any) -> tuple[str, ...]:
        """Coat `count` lanes of this length; returns the codes of the web lots. Fields go to the check-out."""
        lots = self.check_in("COAT-01", count=count).lots
        start = self.loading("COAT-01", "foil").consumed_to
        consumed = Consumed(
            positions=("foil",) * count,
            outputs=tuple(range(count)),
            starts=(start,) * count,
            ends=(start + length_mm,) * count,
            output_starts=(0,) * count,
            output_ends=(length_mm,) * count,
            lanes=tuple(range(1, count + 1)),
        )
        self.check_out("COAT-01", lots=lots, quantities=(length_mm,) * count, consumed=consumed, **fields)
        return lots

    def loading(self, station: str, position: str) -> LoadingRow:
        """Return what stands at a position."""
        return self.state.get(LoadingRow, (station, position)) or LoadingRow(station, position)

    # --- work -------------------------------------------------------------------------------

    def ask(self, station: str, **fields: Any) -> CheckIn:
        """Return a check-in command with the released recipe read back, unless `recipe_digest` is given."""
        known = self.plant.stations.get(station)
        only = known.operations[0] if known is not None and known.operations else ""
        recipe = self.plant.recipes.get(fields.get("operation") or only)
        return CheckIn(**{"station": station, "recipe_digest": recipe.digest if recipe else "", **fields})

    def check_in(self, station: str, **fields: Any) -> Admit:
        """Check in; has to be admitted."""
        answer = self.must(self.ask(station, **fields))
        if not isinstance(answer, Admit):
            raise RefusedError("no admission")
        return answer

    def check_out(self, station: str, **fields: Any) -> Receipt:
        """Check out; has to be received."""
        answer = self.must(CheckOut(station=station, **fields))
        if not isinstance(answer, Receipt):
            raise RefusedError("no receipt")
        return answer

    def takes(self, station: str, count: int, *, operation: str = "") -> Consumed:
        """Return what `count` units take one after another, each its nominal use, from where the counters stand."""
        uses = operation_uses(self.plant, operation or self.plant.stations[station].operations[0])
        rows = [
            (use.position, index, self.loading(station, use.position).consumed_to + index * use.quantity, use.quantity)
            for use in uses
            if not use.optional
            for index in range(count)
        ]
        return Consumed(
            positions=tuple(row[0] for row in rows),
            outputs=tuple(row[1] for row in rows),
            starts=tuple(row[2] for row in rows),
            ends=tuple(row[2] + row[3] for row in rows),
        )

    def wind(self, count: int) -> tuple[str, ...]:
        """Wind good cells; returns their codes."""
        units = self.check_in("WIND-01", count=count).units
        self.check_out("WIND-01", units=units, consumed=self.takes("WIND-01", count))
        return units

    def work(self, station: str, units: Sequence[str], **fields: Any) -> Receipt:
        """Check units in and out at a station, with nominal use; further fields go to the check-out."""
        operation = fields.get("operation", "")
        self.check_in(station, units=tuple(units), operation=operation, person=fields.get("person", ""))
        consumed = self.takes(station, len(units), operation=operation)
        return self.check_out(station, units=tuple(units), **{"consumed": consumed, **fields})

    def sealed(self, count: int) -> tuple[str, ...]:
        """Make good cells up to sealing; returns their codes."""
        units = self.wind(count)
        self.work("ASM-01", units)
        self.work("SEAL-01", units, results=(results(leak_pamin=[1.0] * count)))
        return units

    def tray(self, units: Sequence[str], carrier: str = "TRAY-1") -> None:
        """Put units into a carrier, slot by slot."""
        slots = tuple(range(len(units)))
        self.must(LoadCarrier(station="TRAY-01", carrier=carrier, units=tuple(units), slots=slots))

    def graded(self, count: int, carrier: str = "TRAY-1", **fields: Any) -> tuple[str, ...]:
        """Make cells of grade A, which stand in a tray at the end of their route; returns their codes. Fields go to the last report."""
        until_us = self.now_us + 7 * 86400 * _US_PER_S
        self.must(RecordCalibration(station="GRADE-01", valid_until_us=until_us))
        units = self.sealed(count)
        self.tray(units, carrier)
        self.wait(900)
        self.check_in("FORM-01", carrier=carrier)
        self.wait(3600)
        self.check_out("FORM-01", carrier=carrier)
        self.check_in("GRADE-01", carrier=carrier)
        self.check_out("GRADE-01", carrier=carrier, **{"results": results(capacity_ah=[6.2] * count), **fields})
        return units

    def module(self) -> tuple[str, tuple[str, ...]]:
        """Join four cells of grade A from a magazine; returns the module's code and its cells'."""
        cells = self.graded(4)
        self.must(UnloadCarrier(station="TRAY-01", carrier="TRAY-1"))
        self.tray(cells, "MAG-1")
        units = self.check_in("MOD-01", carrier="MAG-1").units
        self.check_out("MOD-01", units=units, consumed=self.takes("MOD-01", 1))
        return units[0], cells

    def person(self, code: str, *roles: str, qualification: str = "") -> None:
        """Make a person known, with a qualification for a year if named."""
        self.must(AddPerson(person=code, roles=roles or ("operator",)))
        if qualification:
            until_us = self.now_us + 365 * 86400 * _US_PER_S
            self.must(QualifyPerson(person=code, qualification=qualification, valid_until_us=until_us))

    def unit(self, code: str) -> UnitRow:
        """Return the row of a unit by its code."""
        return next(row for row in self.state.rows(UnitRow) if self.state.code_of(row.id) == code)


def results(**columns: Sequence[float | None]) -> tuple[Result, ...]:
    """Return columns of measured values by characteristic."""
    return tuple(Result(name, tuple(values)) for name, values in columns.items())


def replay(plant: Plant, envelopes: Iterable[Envelope]) -> State:
    """Return the state that the facts alone give."""
    state = State(plant)
    for envelope in envelopes:
        state.absorb(apply(state, envelope))
    return state


def rows_of(state: State) -> Mapping[str, Mapping[Any, tuple[Any, ...]]]:
    """Return every row of a state by type and key, to compare."""
    return {kind.__name__: {row.key: structs.astuple(row) for row in state.rows(kind)} for kind in ROW_TYPES}
