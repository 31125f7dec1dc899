"""What a station says and hears, as plain values: read in one call, written in one call."""

from collections.abc import Mapping, Sequence

import msgspec
from asyncua import ua

from cellwright.links.opcua.contract import (
    ANSWER_NODES,
    ANSWER_SEQUENCE_PATH,
    BY_PATH,
    EPOCH_PATH,
    RECIPE_ACTIVE_NODES,
    RECIPE_SET_NODES,
    REQUEST_NODES,
    SEQUENCE_PATH,
    STATE_PATH,
    NodeSpec,
)
from cellwright.links.opcua.values import Problem, Value, from_data_value, to_variant
from cellwright.model.routes import recipe_digest


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a station, field by field as the contract names them; key is (station, epoch, sequence)."""

    station: str
    epoch: int
    sequence: int
    kind: str = ""
    time_us: int = 0
    person: str = ""
    units: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    carrier: str = ""
    slots: tuple[int, ...] = ()
    count: int = 0
    operation: str = ""
    position: str = ""
    material: str = ""
    quantity: tuple[int, ...] = ()
    expires_us: int = 0
    certificate: str = ""
    supplier: str = ""
    verdicts: tuple[int, ...] = ()
    defects: tuple[str, ...] = ()
    result_names: tuple[str, ...] = ()
    result_values: tuple[float | None, ...] = ()
    consumed_positions: tuple[str, ...] = ()
    consumed_outputs: tuple[int, ...] = ()
    consumed_starts: tuple[int, ...] = ()
    consumed_ends: tuple[int, ...] = ()
    consumed_output_starts: tuple[int, ...] = ()
    consumed_output_ends: tuple[int, ...] = ()
    consumed_lanes: tuple[int, ...] = ()
    consumed_reversed: tuple[bool, ...] = ()
    profiles_characteristics: tuple[str, ...] = ()
    profiles_outputs: tuple[int, ...] = ()
    profiles_lanes: tuple[int, ...] = ()
    profiles_starts: tuple[int, ...] = ()
    profiles_steps: tuple[int, ...] = ()
    profiles_counts: tuple[int, ...] = ()
    profiles_values: tuple[float | None, ...] = ()
    marks_defects: tuple[str, ...] = ()
    marks_outputs: tuple[int, ...] = ()
    marks_starts: tuple[int, ...] = ()
    marks_ends: tuple[int, ...] = ()
    marks_lanes: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Fields that hold a wrong type or number, left empty here: it can only be refused."""


class RecipeValues(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe as set or read back; each parameter name carries its unit."""

    code: str
    revision: int
    names: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of code, revision and parameters, whatever their order."""
        return recipe_digest(self.code, self.revision, self.names, self.values)


class AnswerOut(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as the station reads it; codes and texts have equal length; accepted, texts say what to know or do next."""

    accepted: bool
    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    operation: str = ""
    routing: tuple[str, ...] = ()
    samples_due: tuple[str, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A station at one moment; sequence and epoch are None while they cannot be read.

    `answered` is Answer/Sequence. `request` is None while a node of it has a doubtful status, `active` (the recipe
    read back) while any of its nodes has a problem.
    """

    station: str
    sequence: int | None
    epoch: int | None
    answered: int | None
    state: str = ""
    request: Request | None = None
    active: RecipeValues | None = None
    problems: tuple[Problem, ...] = ()


HEAD_SPECS = (BY_PATH[SEQUENCE_PATH], BY_PATH[EPOCH_PATH], BY_PATH[ANSWER_SEQUENCE_PATH])
"""What tells whether a request is open: Request/Sequence (first!), Epoch, Answer/Sequence."""

_REQUEST_SPECS = tuple(spec for spec in REQUEST_NODES if spec.path != SEQUENCE_PATH)
_REQUEST_PATHS = frozenset(spec.path for spec in _REQUEST_SPECS)

# The sequence is read first: all other nodes were written before it and stay until it is answered.
SNAPSHOT_SPECS = (*HEAD_SPECS, BY_PATH[STATE_PATH], *RECIPE_ACTIVE_NODES, *_REQUEST_SPECS)
"""Every node of a snapshot, in reading order."""

WATCHED_SPECS = (*HEAD_SPECS[:2], BY_PATH[STATE_PATH], *RECIPE_ACTIVE_NODES)
"""Nodes whose change wakes the link."""


Head = tuple[int | None, int | None, int | None]
"""(sequence, epoch, answered) of a station; None = unusable."""


def decode_head(values: Sequence[ua.DataValue]) -> Head:
    """Return the head from data values in the order of HEAD_SPECS."""
    sequence, epoch, answered = (
        value if isinstance(value, int) else None for value in map(from_data_value, HEAD_SPECS, values)
    )
    return sequence, epoch, answered


def decode_snapshot(station: str, values: Sequence[ua.DataValue]) -> Snapshot:
    """Return the snapshot of data values in the order of SNAPSHOT_SPECS."""
    good: dict[str, Value] = {}
    problems: list[Problem] = []
    for spec, data in zip(SNAPSHOT_SPECS, values, strict=True):
        value = from_data_value(spec, data)
        if isinstance(value, Problem):
            problems.append(value)
        else:
            good[spec.path] = value
    return Snapshot(
        station=station,
        sequence=_integer(good.get(SEQUENCE_PATH)),
        epoch=_integer(good.get(EPOCH_PATH)),
        answered=_integer(good.get(ANSWER_SEQUENCE_PATH)),
        state=str(good.get(STATE_PATH, "")),
        request=_request(station, good, problems),
        active=_active(good),
        problems=tuple(problems),
    )


def _integer(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _fields(specs: Sequence[NodeSpec], good: Mapping[str, Value]) -> dict[str, Value]:
    return {spec.field: good[spec.path] for spec in specs if spec.path in good}


def _request(station: str, good: Mapping[str, Value], problems: Sequence[Problem]) -> Request | None:
    mine = tuple(each for each in problems if each.path in _REQUEST_PATHS)
    if any(each.is_passing for each in mine) or SEQUENCE_PATH not in good or EPOCH_PATH not in good:
        return None
    key = {"station": station, "epoch": good[EPOCH_PATH], "sequence": good[SEQUENCE_PATH], "problems": mine}
    return msgspec.convert({**_fields(_REQUEST_SPECS, good), **key}, Request)


def _active(good: Mapping[str, Value]) -> RecipeValues | None:
    fields = _fields(RECIPE_ACTIVE_NODES, good)
    if len(fields) != len(RECIPE_ACTIVE_NODES):
        return None
    active = msgspec.convert(fields, RecipeValues)
    return active if len(active.names) == len(active.values) else None


def answer_variants(sequence: int, answer: AnswerOut) -> list[ua.Variant]:
    """Return the variants of an answer in the order of ANSWER_NODES, Answer/Sequence last."""
    values = {**msgspec.structs.asdict(answer), "sequence": sequence}
    return [to_variant(spec, values[spec.field]) for spec in ANSWER_NODES]


def recipe_variants(recipe: RecipeValues) -> list[ua.Variant]:
    """Return the variants of a download in the order of RECIPE_SET_NODES, the revision last."""
    values = msgspec.structs.asdict(recipe)
    return [to_variant(spec, values[spec.field]) for spec in RECIPE_SET_NODES]
