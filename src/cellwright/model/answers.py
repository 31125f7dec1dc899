"""Answers of the gate: admitted, received, or refused with every failing reason."""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType


class RefusalCode(StrEnum):
    """Why the gate said no; each code is explained in docs/reference/refusals.md."""

    PAYLOAD_TOO_LARGE = "payload_too_large"
    PAYLOAD_MALFORMED = "payload_malformed"
    SEQUENCE_CONFLICT = "sequence_conflict"
    CLOCK_SKEWED = "clock_skewed"
    STATION_UNKNOWN = "station_unknown"
    STATION_WRONG = "station_wrong"
    STATION_FULL = "station_full"
    OPERATION_UNKNOWN = "operation_unknown"
    CODE_MALFORMED = "code_malformed"
    CODE_TAKEN = "code_taken"
    UNIT_UNKNOWN = "unit_unknown"
    UNIT_REPEATED = "unit_repeated"
    UNIT_EARLY = "unit_early"
    UNIT_PAST = "unit_past"
    UNIT_HELD = "unit_held"
    UNIT_SCRAPPED = "unit_scrapped"
    UNIT_ASSEMBLED = "unit_assembled"
    UNIT_FINISHED = "unit_finished"
    UNIT_CLAIMED = "unit_claimed"
    UNIT_NOT_CLAIMED = "unit_not_claimed"
    UNIT_REMOVED = "unit_removed"
    UNIT_SHIPPED = "unit_shipped"
    UNIT_INSTALLED = "unit_installed"
    UNIT_NOT_AWAY = "unit_not_away"
    UNIT_IN_PROCESS = "unit_in_process"
    QUEUE_TIME_EXCEEDED = "queue_time_exceeded"
    QUEUE_TIME_SHORT = "queue_time_short"
    RETEST_LIMIT = "retest_limit"
    POSITION_UNKNOWN = "position_unknown"
    POSITION_OCCUPIED = "position_occupied"
    POSITION_IN_USE = "position_in_use"
    MATERIAL_UNKNOWN = "material_unknown"
    MATERIAL_MISSING = "material_missing"
    MATERIAL_WRONG = "material_wrong"
    LOT_UNKNOWN = "lot_unknown"
    LOT_REPEATED = "lot_repeated"
    LOT_UNRELEASED = "lot_unreleased"
    LOT_HELD = "lot_held"
    LOT_EXPIRED = "lot_expired"
    LOT_EXHAUSTED = "lot_exhausted"
    LOT_NOT_CLAIMED = "lot_not_claimed"
    LOT_INVALID = "lot_invalid"
    LOT_CYCLIC = "lot_cyclic"
    EXPOSURE_EXCEEDED = "exposure_exceeded"
    INTERVAL_INVALID = "interval_invalid"
    RECIPE_MISSING = "recipe_missing"
    RECIPE_MISMATCH = "recipe_mismatch"
    TOOL_WORN = "tool_worn"
    TOOL_UNKNOWN = "tool_unknown"
    CALIBRATION_EXPIRED = "calibration_expired"
    SAMPLE_OVERDUE = "sample_overdue"
    SAMPLE_FAILED = "sample_failed"
    SAMPLE_INVALID = "sample_invalid"
    QUALIFICATION_MISSING = "qualification_missing"
    CARRIER_UNKNOWN = "carrier_unknown"
    CARRIER_EMPTY = "carrier_empty"
    CARRIER_WRONG = "carrier_wrong"
    SLOT_INVALID = "slot_invalid"
    SLOT_TAKEN = "slot_taken"
    MEMBER_WRONG = "member_wrong"
    MEMBER_COUNT_WRONG = "member_count_wrong"
    MEMBER_ABSENT = "member_absent"
    PAGE_MISMATCH = "page_mismatch"
    COUNT_INVALID = "count_invalid"
    VEHICLE_MALFORMED = "vehicle_malformed"
    VEHICLE_OCCUPIED = "vehicle_occupied"
    TIME_INVALID = "time_invalid"
    HOLD_UNKNOWN = "hold_unknown"
    SIGNATURE_MISSING = "signature_missing"
    PERSON_UNKNOWN = "person_unknown"
    DISPOSITION_INVALID = "disposition_invalid"
    RECALL_INVALID = "recall_invalid"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_REPEATED = "order_repeated"
    ORDER_CLOSED = "order_closed"
    ORDER_INVALID = "order_invalid"
    PRODUCT_UNKNOWN = "product_unknown"
    UNIT_RESERVED = "unit_reserved"
    JOB_UNKNOWN = "job_unknown"
    JOB_REPEATED = "job_repeated"
    JOB_INVALID = "job_invalid"
    JOB_MISSING = "job_missing"
    JOB_MISMATCH = "job_mismatch"
    JOB_UNPROVED = "job_unproved"
    JOB_ENDED = "job_ended"
    CALL_UNKNOWN = "call_unknown"
    CALL_INVALID = "call_invalid"
    CORRECTION_INVALID = "correction_invalid"
    RECORD_CORRECTION_INVALID = "record_correction_invalid"
    RECORD_DIFFERS = "record_differs"
    STRETCH_TAKEN = "stretch_taken"


class Reason(Struct, frozen=True):
    """One failing test: its code, a sentence that says what was expected, and the evidence."""

    code: RefusalCode
    text: str
    evidence: dict[str, str | int | float | None] = {}


class Refusal(Struct, frozen=True, tag=True):
    """No: nothing changed; `reasons` holds every failing test."""

    reasons: tuple[Reason, ...]

    @property
    def codes(self) -> frozenset[str]:
        """The set of refusal codes."""
        return frozenset(str(reason.code) for reason in self.reasons)


class Admit(Struct, frozen=True, tag=True, kw_only=True):
    """Yes, work: the admitted page in order, codes for what is to be made, and the recipe to run."""

    operation: str
    units: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    recipe: str = ""
    recipe_revision: int = 0
    due: tuple[str, ...] | UnsetType = UNSET
    """Operations of which a sample is due at the station."""


class Receipt(Struct, frozen=True, tag=True, kw_only=True):
    """Recorded; `routing` tells per unit the next operation, or done, hold or scrap."""

    routing: tuple[str, ...] = ()
    notes: tuple[str, ...] | UnsetType = UNSET
    """What whoever asked should know or do next, in sentences."""
    due: tuple[str, ...] | UnsetType = UNSET
    """Operations of which a sample is due at the station."""


Answer = Admit | Receipt | Refusal
