"""The certificate of a unit: what was tested on it and on all that is in it, against which limits, and what is missing."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from cellwright.model.codes import CodeField
from cellwright.model.ids import UnitKind
from cellwright.model.quantities import Characteristic
from cellwright.model.routes import Grade, Route


class CertificateVerdict(StrEnum):
    """What all tests together say; `open` = not all is known yet."""

    GOOD = "good"
    NOT_GOOD = "not_good"
    OPEN = "open"


class LackKind(StrEnum):
    """Why a certificate is not complete."""

    NOT_DONE = "not_done"
    NOT_GOOD = "not_good"
    NOT_MEASURED = "not_measured"
    OUTSIDE = "outside"
    NOT_CALIBRATED = "not_calibrated"
    NO_PERSON = "no_person"
    NO_LOT = "no_lot"
    NO_MEMBER = "no_member"
    TWICE = "twice"
    BAD_CODE = "bad_code"
    HELD = "held"
    SCRAPPED = "scrapped"


class Lack(Struct, frozen=True, kw_only=True):
    """Something that a complete certificate has and this one has not, alike for several units."""

    kind: LackKind
    text: str
    """What is missing, what was expected, and what to do."""
    units: tuple[str, ...]
    operation: str = ""
    name: str = ""
    """Characteristic or position of material; "" = none in particular."""


class Calibration(Struct, frozen=True, kw_only=True):
    """The calibration of a station that was the last recorded one at some time (UTC us)."""

    valid_until_us: int
    certificate_sha256: str = ""


class Judged(Struct, frozen=True, kw_only=True):
    """A measured characteristic with the limits that held for the unit; values in the characteristic's unit."""

    characteristic: Characteristic
    value: float | None
    """As the station reported it; None = not measured."""
    is_good: bool


class Tested(Struct, frozen=True, kw_only=True):
    """One attempt at an operation; repeated ones stay. Times in UTC us, None = not known; "" = none."""

    operation: str
    name: str
    attempt: int
    is_good: bool
    is_last: bool
    """Whether no later attempt took its place."""
    defect: str
    grade: str
    station: str
    tools: tuple[str, ...]
    carrier: str
    channel: int | None
    recipe: str
    recipe_revision: int | None
    person: str
    began_us: int | None
    ended_us: int
    is_calibration_needed: bool
    calibration: Calibration | None
    """As it was recorded when the test began; None = none was."""
    values: tuple[Judged, ...]


class BoundLot(Struct, frozen=True, kw_only=True):
    """A lot of which the unit took something at an operation; "" = not known."""

    operation: str
    position: str
    material: str
    lot: str
    supplier: str


class GradingColumn(Struct, frozen=True, kw_only=True):
    """What a grading operation measured on members, with the limits of the route's revision."""

    operation: str
    route: str
    revision: int
    characteristic: Characteristic


class GradedMember(Struct, frozen=True, kw_only=True):
    """A member in its slot by its grading; `values` by column, in the column's unit, None = not measured."""

    slot: int
    code: str
    product: str
    grade: str
    tests_count: int
    failed_count: int
    """Attempts that were not good, repaired since or not."""
    is_good: bool
    values: tuple[float | None, ...]


class CertifiedUnit(Struct, frozen=True, kw_only=True):
    """One unit of a certificate: its tests in order, the lots bound in it, and its members without members of their own."""

    code: str
    kind: UnitKind
    product: str
    slot: int | None
    """Of its parent; None = the unit that the certificate is of."""
    route: str
    revision: int
    grade: str
    made_from_us: int | None
    made_to_us: int | None
    tests: tuple[Tested, ...]
    lots: tuple[BoundLot, ...]
    columns: tuple[GradingColumn, ...]
    grades: tuple[Grade, ...]
    """Bins of the members' grading, with their limits."""
    members: tuple[GradedMember, ...]


class Incident(Struct, frozen=True, kw_only=True):
    """A repair, hold, disposition or further code on the way; shown, never hidden."""

    kind: str
    """Type of the fact."""
    time_us: int
    unit: str
    actor: str
    reason: str
    others: tuple[str, ...]
    """Units that came in."""
    replaced: tuple[str, ...]
    """Units that went out."""


class Certificate(Struct, frozen=True, kw_only=True):
    """The birth certificate of a pack, module or cell. Times in UTC us; None and "" = not known or none."""

    plant: str
    code: str
    fields: tuple[CodeField, ...]
    """What the code says by GB/T 34014; empty = it is none."""
    warnings: tuple[str, ...]
    """What is unsure about the code, and limits whose source nobody said."""
    kind: UnitKind
    product: str
    product_name: str
    order: str
    made_from_us: int | None
    made_to_us: int | None
    verdict: CertificateVerdict
    is_complete: bool
    """Whether nothing is missing and all is good; else it is a draft."""
    lacks: tuple[Lack, ...]
    units: tuple[CertifiedUnit, ...]
    """The unit itself, then its members that have members, by slot."""
    incidents: tuple[Incident, ...]
    sha256: str = ""
    """Of the canonical JSON without this field."""


# --- what a certificate is made from ----------------------------------------------------------------


class WorkRecord(Struct, frozen=True, kw_only=True):
    """A completed operation of one unit as the journal says it."""

    operation: str
    station: str
    attempt: int
    is_good: bool
    ended_us: int
    began_us: int | None = None
    defect: str = ""
    grade: str = ""
    tools: tuple[str, ...] = ()
    carrier: str = ""
    channel: int | None = None
    recipe: str = ""
    recipe_revision: int | None = None
    person: str = ""
    calibration: Calibration | None = None
    values: Mapping[str, float | None] = {}
    lots: tuple[BoundLot, ...] = ()


class UnitRecord(Struct, frozen=True, kw_only=True):
    """A unit with the revision of its route that it began on, what was done to it in order, and its members by slot."""

    code: str
    kind: UnitKind
    product: str
    route: Route
    slot: int | None = None
    grade: str = ""
    is_held: bool = False
    is_scrapped: bool = False
    made_from_us: int | None = None
    step: int = 0
    """Index of the operation that it waits for; the route's length when it is through."""
    works: tuple[WorkRecord, ...] = ()
    members: tuple["UnitRecord", ...] = ()


def canonical_json(certificate: Certificate) -> bytes:
    """Return the JSON of which `sha256` is the hash: without it, keys sorted, without spaces, UTF-8."""
    content = msgspec.to_builtins(certificate)
    del content["sha256"]
    return msgspec.json.encode(content, order="sorted")
