"""Between the station contract and the gate: requests become commands, answers go back as the contract says."""

from collections.abc import Callable
from itertools import accumulate

import msgspec
from msgspec import Struct

from cellwright.links.opcua.contract import Kind
from cellwright.links.opcua.station import AnswerOut, RecipeValues, Request
from cellwright.model.answers import Admit, Answer, Receipt, Refusal
from cellwright.model.commands import (
    CheckIn,
    CheckOut,
    Command,
    Consumed,
    LoadCarrier,
    LoadMaterial,
    Marks,
    Profile,
    ReceiveLot,
    Result,
    Submission,
    UnloadCarrier,
    UnloadMaterial,
)
from cellwright.model.plant import Plant
from cellwright.model.sample_commands import RecordSample
from cellwright.plant.gate import Gate

_ENCODER = msgspec.json.Encoder()
_BEGINNINGS = (Kind.CHECK_IN, Kind.CARRIER_LOAD)
_PROOF_US = 1_000_000
"""How long a station that is quicker than the proof of its job order is kept waiting (host time)."""


def _check_in(request: Request, recipe_digest: str) -> Command:
    return CheckIn(
        station=request.station,
        operation=request.operation,
        units=request.units,
        carrier=request.carrier,
        count=request.count,
        recipe_digest=recipe_digest,
        person=request.person,
    )


def _check_out(request: Request, _: str) -> Command:
    return CheckOut(
        station=request.station,
        operation=request.operation,
        units=request.units,
        lots=request.lots,
        carrier=request.carrier,
        verdicts=tuple(verdict == 1 for verdict in request.verdicts),
        defects=request.defects,
        results=_results(request),
        quantities=request.quantity,
        consumed=Consumed(
            positions=request.consumed_positions,
            outputs=request.consumed_outputs,
            starts=request.consumed_starts,
            ends=request.consumed_ends,
            output_starts=request.consumed_output_starts,
            output_ends=request.consumed_output_ends,
            lanes=request.consumed_lanes,
            reversed=request.consumed_reversed,
        ),
        person=request.person,
        profiles=_profiles(request),
        marks=Marks(
            defects=request.marks_defects,
            outputs=request.marks_outputs,
            starts=request.marks_starts,
            ends=request.marks_ends,
            lanes=request.marks_lanes,
        ),
    )


def _profiles(request: Request) -> tuple[Profile, ...]:
    """Cut the values into one list per profile; the columns have to fit."""
    ends = list(accumulate(request.profiles_counts))
    return tuple(
        Profile(
            characteristic=name,
            output=request.profiles_outputs[index],
            lane=request.profiles_lanes[index],
            start=request.profiles_starts[index],
            step=request.profiles_steps[index],
            values=request.profiles_values[ends[index] - request.profiles_counts[index] : ends[index]],
        )
        for index, name in enumerate(request.profiles_characteristics)
    )


def _profile_faults(request: Request) -> list[str]:
    """Say of each column of profiles that does not fit what it has and what it should have."""
    count = len(request.profiles_characteristics)
    columns = {
        "Outputs": request.profiles_outputs,
        "Lanes": request.profiles_lanes,
        "Starts": request.profiles_starts,
        "Steps": request.profiles_steps,
        "Counts": request.profiles_counts,
    }
    faults = [
        f"Request/Profiles/{name} has {len(column)} entries, expected {count}, one per profile"
        for name, column in columns.items()
        if len(column) != count
    ]
    if any(each < 0 for each in request.profiles_counts):
        faults.append("Request/Profiles/Counts holds a negative number, expected how many values each profile has")
    elif (total := sum(request.profiles_counts)) != len(request.profiles_values):
        faults.append(f"Request/Profiles/Values has {len(request.profiles_values)} entries, Counts add up to {total}")
    return faults


def _results(request: Request) -> tuple[Result, ...]:
    """Cut the row-major values into one column per characteristic.

    A rest that fits no row makes the last column longer, so that the gate refuses the page by its length.
    """
    names, values = request.result_names, request.result_values
    if not names:
        return ()
    width, rest = divmod(len(values), len(names))
    columns = [values[index * width : (index + 1) * width] for index in range(len(names))]
    if rest:
        columns[-1] = values[(len(names) - 1) * width :]
    return tuple(Result(name, column) for name, column in zip(names, columns, strict=True))


def _receive(request: Request, _: str) -> Command:
    return ReceiveLot(
        lot=_first(request.lots),
        material=request.material,
        quantity=_amount(request),
        supplier=request.supplier,
        expires_us=request.expires_us,
        certificate_sha256=request.certificate,
    )


def _load(request: Request, _: str) -> Command:
    return LoadMaterial(
        station=request.station,
        position=request.position,
        lot=_first(request.lots),
        quantity=_amount(request),
    )


def _unload(request: Request, _: str) -> Command:
    return UnloadMaterial(station=request.station, position=request.position)


def _carrier_load(request: Request, _: str) -> Command:
    return LoadCarrier(station=request.station, carrier=request.carrier, units=request.units, slots=request.slots)


def _carrier_unload(request: Request, _: str) -> Command:
    return UnloadCarrier(station=request.station, carrier=request.carrier, units=request.units)


def _sample(request: Request, _: str) -> Command:
    return RecordSample(
        station=request.station,
        operation=request.operation,
        characteristic=_first(request.result_names),
        values=request.result_values,
        modes=request.defects,
        units=request.units,
        person=request.person,
    )


def _first(codes: tuple[str, ...]) -> str:
    return codes[0] if codes else ""


def _amount(request: Request) -> int:
    return request.quantity[0] if request.quantity else 0


_COMMANDS: dict[str, Callable[[Request, str], Command]] = {
    Kind.CHECK_IN: _check_in,
    Kind.CHECK_OUT: _check_out,
    Kind.RECEIVE: _receive,
    Kind.LOAD: _load,
    Kind.UNLOAD: _unload,
    Kind.CARRIER_LOAD: _carrier_load,
    Kind.CARRIER_UNLOAD: _carrier_unload,
    Kind.SAMPLE: _sample,
}


def to_submission(request: Request, recipe_digest: str) -> Submission | None:
    """Return the submission that a request stands for, None when it can only be refused as malformed."""
    make = _COMMANDS.get(request.kind)
    if make is None or request.problems or _profile_faults(request):
        return None
    return Submission(
        source=request.station,
        epoch=request.epoch,
        seq=request.sequence,
        time_us=request.time_us,
        actor=request.person or request.station,
        command=make(request, recipe_digest),
    )


def malformed_text(request: Request) -> str:
    """Return what is wrong with a request that stands for no command."""
    if request.problems:
        return "; ".join(f"{each.path} {each.text}" for each in request.problems)
    if faults := _profile_faults(request):
        return "; ".join(faults)
    return f"Request/Kind {request.kind!r} is none of {', '.join(_COMMANDS)}"


def to_answer(answer: Answer) -> AnswerOut:
    """Return an answer of the gate as a station reads it."""
    match answer:
        case Admit():
            return AnswerOut(
                accepted=True,
                units=answer.units,
                lots=answer.lots,
                operation=answer.operation,
                samples_due=answer.due or (),
            )
        case Receipt():
            return AnswerOut(
                accepted=True, routing=answer.routing, texts=answer.notes or (), samples_due=answer.due or ()
            )
        case Refusal():
            codes = tuple(str(each.code) for each in answer.reasons)
            return AnswerOut(accepted=False, codes=codes, texts=tuple(each.text for each in answer.reasons))


class MachineSign(Struct, frozen=True):
    """What a station's machine says of itself: whether it is heard, its state (OPC 40001-1), and what is wrong."""

    is_heard: bool
    state: str = ""
    fault: str = ""


class StationDesk:
    """What a link calls: puts a station's request before the gate, and knows the released recipes."""

    def __init__(self, gate: Gate, plant: Plant, answered: Callable[[str], None] = lambda _: None) -> None:
        """Bind to a gate and the plant's files; `answered` is told of each station that got an answer."""
        self._gate = gate
        self._plant = plant
        self._answered = answered

    async def handle(self, station: str, request: Request, recipe_digest: str) -> AnswerOut:
        """Answer a request; what cannot be read is refused and journaled."""
        submission = to_submission(request, recipe_digest)
        if submission is None:
            return to_answer(await self._gate.refuse_malformed(malformed_text(request), station))
        known = self._plant.stations.get(station)
        if known is not None and known.dispatched and request.kind in _BEGINNINGS:
            submission = msgspec.structs.replace(submission, patience_us=_PROOF_US)
        # By the same door as every other payload: there its limits are checked.
        answer = await self._gate.submit_payload(_ENCODER.encode(submission), station)
        self._answered(station)
        return to_answer(answer)

    def released(self, station: str, operation: str) -> RecipeValues | None:
        """Return the released recipe of an operation at a station ("" = the station's only one)."""
        known = self._plant.stations.get(station)
        only = known.operations[0] if known is not None and len(known.operations) == 1 else ""
        recipe = self._plant.recipes.get(operation or only)
        if recipe is None or not recipe.released:
            return None
        return RecipeValues(
            code=recipe.code,
            revision=recipe.revision,
            names=tuple(recipe.parameters),
            values=tuple(recipe.parameters.values()),
        )
