"""Why a BMS was not made ready, as a value: a code, a sentence, and the negative response where there was one."""

from enum import StrEnum

from msgspec import Struct

from cellwright.links.contract import LinkError


class FailureCode(StrEnum):
    """What went wrong; docs/reference/bms.md says what to do about each."""

    BUS = "bus"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    WRONG_ANSWER = "wrong_answer"
    WRONG_HASH = "wrong_hash"
    WRONG_PART = "wrong_part"
    WRONG_SOFTWARE = "wrong_software"
    IMAGE_SIZE = "image_size"
    BAD_VALUE = "bad_value"
    NOT_ERASED = "not_erased"
    NOT_VERIFIED = "not_verified"
    NOT_EQUAL = "not_equal"
    STOPPED = "stopped"


class Failure(Struct, frozen=True, kw_only=True):
    """A failure: in which step, why, and the negative response code of ISO 14229 (0 = there was none)."""

    code: FailureCode
    step: str
    text: str
    response: int = 0


class UdsError(LinkError):
    """A step with a BMS failed; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.text)
        self.failure = failure


RESPONSES = {
    0x10: "general reject: it does not say why",
    0x11: "it does not have this service; compare the contract with its software",
    0x12: "it does not have this sub-function; compare the contract with its software",
    0x13: "the message has a wrong length or format; compare the contract with its software",
    0x14: "the answer would be too long",
    0x21: "it is busy; try again",
    0x22: "conditions are not correct: contactors closed, voltage out of range, or the wrong step before",
    0x24: "the sequence of requests is wrong",
    0x25: "a part of the vehicle's network did not answer it",
    0x26: "a fault that it has keeps it from doing this; read its trouble codes",
    0x31: "a value, identifier or address is out of its range",
    0x33: "security access is needed, and was not given",
    0x34: "authentication is needed",
    0x35: "the key is wrong: another secret, or another algorithm, than this BMS has",
    0x36: "too many wrong keys; it answers again after its delay",
    0x37: "its delay after wrong keys is not over; wait and try again",
    0x70: "it does not accept a download now",
    0x71: "the transfer was suspended: a size or address was wrong, or a fault came up",
    0x72: "it could not program its memory; if this repeats, its flash is worn or broken",
    0x73: "a block came out of sequence",
    0x7E: "it does not do this in the session that it is in",
    0x7F: "it does not have this service in the session that it is in",
    0x92: "its supply voltage is too high",
    0x93: "its supply voltage is too low",
}
"""Negative response codes of ISO 14229-1 in words."""


def in_words(response: int) -> str:
    """Return a negative response code in words."""
    if response in RESPONSES:
        return RESPONSES[response]
    return "a code of its maker; see its documentation" if 0xF0 <= response <= 0xFE else "a code that is not known here"
