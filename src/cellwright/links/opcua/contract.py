"""The station contract, version 1, as one table: every node, its type, who writes it and what it means.

The client, the server side, the reference page and the NodeSet file are all made from `NODES` and `METHODS`. A node's
id is the string `<STATION>/<path>` in the namespace `NAMESPACE_URI`.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

NAMESPACE_URI = "urn:cellwright:station:1"
CONTRACT_VERSION = 1
STATIONS_FOLDER = "Stations"


class ValueType(StrEnum):
    """Built-in OPC UA data type of a node, by its standard name."""

    BOOLEAN = "Boolean"
    INT32 = "Int32"
    UINT32 = "UInt32"
    INT64 = "Int64"
    UINT64 = "UInt64"
    DOUBLE = "Double"
    STRING = "String"


class Writer(StrEnum):
    """Which side writes a node; the other side only reads it."""

    MACHINE = "machine"
    MES = "MES"


class State(StrEnum):
    """Machine state: the values of MachineryItemState in OPC 40001-1."""

    NOT_AVAILABLE = "NotAvailable"
    OUT_OF_SERVICE = "OutOfService"
    NOT_EXECUTING = "NotExecuting"
    EXECUTING = "Executing"


class Kind(StrEnum):
    """What a request asks for or reports."""

    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    RECEIVE = "receive"
    LOAD = "load"
    UNLOAD = "unload"
    CARRIER_LOAD = "carrier_load"
    CARRIER_UNLOAD = "carrier_unload"
    SAMPLE = "sample"


class NodeSpec(Struct, frozen=True):
    """One variable of a station: path below the station, type, array or scalar, writer, meaning."""

    path: str
    type: ValueType
    is_array: bool
    writer: Writer
    meaning: str
    is_optional: bool = False
    """Whether a station may do without the node; then it counts as empty."""

    @property
    def field(self) -> str:
        """Name of the matching field in `station.Request`, `station.Recipe` or `station.AnswerOut`."""
        stem = _PREFIX.sub("", self.path)
        return _HUMP.sub("_", stem.replace("/", "")).lower()

    @property
    def type_text(self) -> str:
        """Type as the reference prints it; arrays end in []."""
        return f"{self.type}[]" if self.is_array else str(self.type)


class ArgumentSpec(Struct, frozen=True):
    """One argument of a method: name, type, array or scalar, meaning."""

    name: str
    type: ValueType
    is_array: bool
    meaning: str

    @property
    def type_text(self) -> str:
        """Type as the reference prints it; arrays end in []."""
        return f"{self.type}[]" if self.is_array else str(self.type)


class MethodSpec(Struct, frozen=True):
    """One method of a station: path below the station, input arguments, meaning; it returns `RETURN_STATUS`."""

    path: str
    inputs: tuple[ArgumentSpec, ...]
    meaning: str

    @property
    def name(self) -> str:
        """Name as the standard gives it."""
        return self.path.rpartition("/")[2]


_PREFIX = re.compile(r"^(Request|Answer|Recipe/Set|Recipe/Active)/")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _machine(path: str, type_: ValueType, meaning: str) -> NodeSpec:
    return NodeSpec(path, type_, is_array=False, writer=Writer.MACHINE, meaning=meaning)


def _machine_array(path: str, type_: ValueType, meaning: str) -> NodeSpec:
    return NodeSpec(path, type_, is_array=True, writer=Writer.MACHINE, meaning=meaning)


def _optional_array(path: str, type_: ValueType, meaning: str) -> NodeSpec:
    return NodeSpec(path, type_, is_array=True, writer=Writer.MACHINE, meaning=meaning, is_optional=True)


def _mes(path: str, type_: ValueType, meaning: str) -> NodeSpec:
    return NodeSpec(path, type_, is_array=False, writer=Writer.MES, meaning=meaning)


def _mes_array(path: str, type_: ValueType, meaning: str) -> NodeSpec:
    return NodeSpec(path, type_, is_array=True, writer=Writer.MES, meaning=meaning)


_BOOLEAN, _INT32, _UINT32 = ValueType.BOOLEAN, ValueType.INT32, ValueType.UINT32
_INT64, _DOUBLE, _STRING = ValueType.INT64, ValueType.DOUBLE, ValueType.STRING

VERSION_PATH = "ContractVersion"
STATE_PATH = "State"
EPOCH_PATH = "Epoch"
SEQUENCE_PATH = "Request/Sequence"
ANSWER_SEQUENCE_PATH = "Answer/Sequence"

STATION_NODES = (
    _machine(VERSION_PATH, _UINT32, "Version of this contract that the station obeys: 1."),
    _machine(STATE_PATH, _STRING, "NotAvailable, OutOfService, NotExecuting or Executing (OPC 40001-1)."),
    _machine(EPOCH_PATH, _INT64, "Random id, 1 or more; a new one whenever the machine lost its sequence counter."),
)

REQUEST_NODES = (
    _machine("Request/Kind", _STRING, ", ".join(Kind) + "."),
    _machine("Request/TimeUs", _INT64, "Time of the machine when it made the request, UTC microseconds."),
    _machine("Request/Person", _STRING, "Badge of the person at the station; empty = none."),
    _machine_array("Request/Units", _STRING, "Codes of the units in the page, in page order (24 characters each)."),
    _machine_array("Request/Lots", _STRING, "Lot codes: outputs at check_out; the lot at receive, load and unload."),
    _machine("Request/Carrier", _STRING, "Code of the tray or magazine; empty = none."),
    _machine_array("Request/Slots", _INT32, "Slot of each unit, counted from 0 (carrier_load)."),
    _machine("Request/Count", _UINT32, "Units or lots to be made (check_in where units or lots begin)."),
    _machine("Request/Operation", _STRING, "Operation code; empty = the station's only one."),
    _machine("Request/Position", _STRING, "Material position (load, unload)."),
    _machine("Request/Material", _STRING, "Material code (receive)."),
    _machine_array("Request/Quantity", _INT64, "receive, load: one; check_out: one per output lot; mm, mg or count."),
    _machine("Request/ExpiresUs", _INT64, "receive: when the lot expires, UTC microseconds; 0 = never."),
    _machine("Request/Certificate", _STRING, "receive: SHA-256 (hex) of the certificate; empty = none."),
    _machine("Request/Supplier", _STRING, "receive: supplier code."),
    _machine_array("Request/Verdicts", _INT32, "check_out: 1 ok, 0 not good, per unit or output lot; empty = all ok."),
    _machine_array(
        "Request/Defects",
        _STRING,
        "check_out: defect code per unit, empty string = none; sample: how each piece failed.",
    ),
    _machine_array("Request/ResultNames", _STRING, "check_out: characteristic codes; sample: the one of the plan."),
    _machine_array(
        "Request/ResultValues",
        _DOUBLE,
        "check_out: a row per characteristic, a value per unit; sample: a value per piece; NaN = not measured.",
    ),
    _machine_array(
        "Request/Consumed/Positions", _STRING, "One entry per consumed interval: the position it came from."
    ),
    _machine_array("Request/Consumed/Outputs", _INT32, "Index, from 0, of the unit or output lot that consumed it."),
    _machine_array(
        "Request/Consumed/Starts", _INT64, "Start of the interval on the parent lot, counted from its begin."
    ),
    _machine_array("Request/Consumed/Ends", _INT64, "End of the interval on the parent lot, not included."),
    _machine_array("Request/Consumed/OutputStarts", _INT64, "Lot outputs: start on the output lot; empty for units."),
    _machine_array("Request/Consumed/OutputEnds", _INT64, "Lot outputs: end on the output lot, not included."),
    _machine_array("Request/Consumed/Lanes", _INT32, "Lane of the output (slitting), else 0; empty = all 0."),
    _machine_array("Request/Consumed/Reversed", _BOOLEAN, "Output runs against the parent; empty = all false."),
    _optional_array(
        "Request/Profiles/Characteristics", _STRING, "One entry per profile along an output lot: its characteristic."
    ),
    _optional_array("Request/Profiles/Outputs", _INT32, "Index, from 0, of the output lot."),
    _optional_array("Request/Profiles/Lanes", _INT32, "Lane, from 1; 0 = the whole width."),
    _optional_array("Request/Profiles/Starts", _INT64, "Where the first value begins on the output lot."),
    _optional_array("Request/Profiles/Steps", _INT64, "Length for which one value holds, in the lot's measure."),
    _optional_array("Request/Profiles/Counts", _INT32, "How many of `Values` belong to the profile."),
    _optional_array(
        "Request/Profiles/Values", _DOUBLE, "Values of all profiles, one profile after another; NaN = not measured."
    ),
    _optional_array("Request/Marks/Defects", _STRING, "One entry per flaw seen on an output lot: its defect code."),
    _optional_array("Request/Marks/Outputs", _INT32, "Index, from 0, of the output lot."),
    _optional_array("Request/Marks/Starts", _INT64, "Where the flaw begins on the output lot."),
    _optional_array("Request/Marks/Ends", _INT64, "Where the flaw ends, not included."),
    _optional_array("Request/Marks/Lanes", _INT32, "Lane, from 1; 0 = the whole width; empty = all 0."),
    _machine(SEQUENCE_PATH, _INT64, "Written last; counts up by 1 per new request; 0 = none yet in this epoch."),
)

_RECIPE_FIELDS = (
    ("Code", _STRING, False, "recipe code"),
    ("Names", _STRING, True, "parameter names, each ending in its unit"),
    ("Values", _DOUBLE, True, "parameter values, in the order of Names"),
    ("Revision", _UINT32, False, "revision, written last"),
)

RECIPE_SET_NODES = tuple(
    NodeSpec(f"Recipe/Set/{name}", type_, is_array, Writer.MES, f"Downloaded recipe: {meaning}.")
    for name, type_, is_array, meaning in _RECIPE_FIELDS
)

RECIPE_ACTIVE_NODES = tuple(
    NodeSpec(f"Recipe/Active/{name}", type_, is_array, Writer.MACHINE, f"What the controller really uses: {meaning}.")
    for name, type_, is_array, meaning in _RECIPE_FIELDS
)

ANSWER_NODES = (
    _mes("Answer/Accepted", _BOOLEAN, "True = admitted or recorded; false = refused, nothing changed."),
    _mes_array("Answer/Codes", _STRING, "Refusal codes, all of them; empty when accepted."),
    _mes_array(
        "Answer/Texts",
        _STRING,
        "One sentence per refusal code, or what to know of an accepted report; for the operator panel.",
    ),
    _mes_array("Answer/Units", _STRING, "Admitted units in page order, or the codes given to new units."),
    _mes_array("Answer/Lots", _STRING, "Codes given to the output lots."),
    _mes("Answer/Operation", _STRING, "Admitted operation."),
    _mes_array(
        "Answer/Routing",
        _STRING,
        "After check_out, per unit: next operation code, or done, hold, scrap; after sample: good, or failed and the held units.",
    ),
    NodeSpec(
        "Answer/SamplesDue",
        _STRING,
        is_array=True,
        writer=Writer.MES,
        meaning="After check_in and check_out: operations of which a sample is due at the station.",
        is_optional=True,
    ),
    _mes(ANSWER_SEQUENCE_PATH, _INT64, "Written last: the request that this answers."),
)

JOB_REVISION_PATH = "Jobs/Revision"

JOB_COLUMN_NODES = (
    _optional_array("Jobs/Ids", _STRING, "Ids of the job orders that the machine holds, in the order of arrival."),
    _optional_array(
        "Jobs/States",
        _STRING,
        "State of each: NotAllowedToStart, AllowedToStart, Running, Interrupted, Ended or Aborted (OPC 10031-4).",
    ),
    _optional_array("Jobs/Operations", _STRING, "Operation of each; empty string = it only brings units together."),
    _optional_array("Jobs/Units", _STRING, "Units to be worked on, of all jobs, one job after another."),
    _optional_array("Jobs/UnitCounts", _INT32, "How many of `Units` belong to each job."),
    _optional_array("Jobs/Members", _STRING, "Units to be joined, in the order of slots, one job after another."),
    _optional_array("Jobs/MemberCounts", _INT32, "How many of `Members` belong to each job."),
    _optional_array("Jobs/Serves", _STRING, "Job whose members each one prepares; empty string = none."),
)
"""The machine's list of job orders, a column each."""

JOB_NODES = (
    *JOB_COLUMN_NODES,
    NodeSpec(
        JOB_REVISION_PATH,
        _INT64,
        is_array=False,
        writer=Writer.MACHINE,
        meaning="0 while the list is being changed; written last, 1 more than before.",
        is_optional=True,
    ),
)

NODES = STATION_NODES + REQUEST_NODES + RECIPE_SET_NODES + RECIPE_ACTIVE_NODES + ANSWER_NODES + JOB_NODES
"""Every variable of a station, in writing order: sequences last in their group."""

JOB_CONTROL_PATH = "JobOrderControl"
STORE_AND_START_PATH = f"{JOB_CONTROL_PATH}/StoreAndStart"
CANCEL_PATH = f"{JOB_CONTROL_PATH}/Cancel"
CLEAR_PATH = f"{JOB_CONTROL_PATH}/Clear"

_JOB_ORDER_ID = ArgumentSpec("JobOrderID", _STRING, is_array=False, meaning="Id of the job order.")

METHODS = (
    MethodSpec(
        STORE_AND_START_PATH,
        (
            _JOB_ORDER_ID,
            ArgumentSpec("Operation", _STRING, is_array=False, meaning="Operation code; empty = only bring units."),
            ArgumentSpec("Units", _STRING, is_array=True, meaning="Units to be worked on, in order."),
            ArgumentSpec("Members", _STRING, is_array=True, meaning="Units to be joined, in the order of slots."),
            ArgumentSpec("Serves", _STRING, is_array=False, meaning="Job whose members this one prepares."),
        ),
        "Put a job order on the list, allowed to start. The same again is done already: nothing happens twice.",
    ),
    MethodSpec(CANCEL_PATH, (_JOB_ORDER_ID,), "Take a job order that has not begun off the list."),
    MethodSpec(CLEAR_PATH, (_JOB_ORDER_ID,), "Take a job order that is Ended or Aborted off the list."),
)
"""The methods of a station that works on job orders: all of them, or none."""

RETURN_STATUS = ArgumentSpec("ReturnStatus", ValueType.UINT64, is_array=False, meaning="Bit map of OPC 10031-4, B.2.")

JOB_COUNT_MAX = 32
"""Job orders that a machine need not hold more of."""
JOB_CODE_COUNT_MAX = 512
"""Units, or members, of one job order."""
JOB_CODE_LENGTH_MAX = 128
"""Characters of an id or code; none of them is a control character."""

BY_PATH = {node.path: node for node in NODES}


def node_key(station: str, path: str) -> str:
    """Return the string identifier of a node: `<STATION>/<path>`."""
    return f"{station}/{path}"


def folders(nodes: Sequence[NodeSpec] = NODES) -> tuple[str, ...]:
    """Return the object paths above nodes of a station, parents before children."""
    return tuple(dict.fromkeys(path for node in nodes for path in paths_above(node.path)))


def paths_above(path: str) -> tuple[str, ...]:
    """Return the object paths above a node, parents before children."""
    names = path.split("/")[:-1]
    return tuple("/".join(names[: depth + 1]) for depth in range(len(names)))
