"""Commands of a frame by edition, and what their data units hold: GB/T 32960.3, chapters 6 to 8 and annex B."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from cellwright.links.gb32960.fields import REST, Field, Listed, Number, Opaque, Switch, Text, Time
from cellwright.links.gb32960.tables import Edition

VIN_SIZE: Final = 17
PACK_CODE_SIZE: Final = 24
"""Characters of a code of GB/T 34014."""


class Command(IntEnum):
    """What a frame asks for; from 0xC0 on a maker defines it."""

    LOGIN = 0x01
    REALTIME = 0x02
    REISSUE = 0x03
    LOGOUT = 0x04
    PLATFORM_LOGIN = 0x05
    PLATFORM_LOGOUT = 0x06
    HEARTBEAT = 0x07
    TIME_SYNC = 0x08
    ACTIVATION = 0x09
    ACTIVATION_ANSWER = 0x0A
    KEY_EXCHANGE = 0x0B
    QUERY = 0x80
    SETTING = 0x81
    CONTROL = 0x82


class Answer(IntEnum):
    """The answer flag: success, a cause of refusal, or "this is a command"."""

    SUCCESS = 0x01
    ERROR = 0x02
    VIN_DUPLICATE = 0x03
    VIN_UNKNOWN = 0x04
    SIGNATURE_WRONG = 0x05
    STRUCTURE_WRONG = 0x06
    DECRYPTION_FAILED = 0x07
    COMMAND = 0xFE


class Encryption(IntEnum):
    """How a data unit is encrypted; 4 and 5 since 2025."""

    NONE = 1
    RSA = 2
    AES = 3
    SM2 = 4
    SM4 = 5
    ABNORMAL = 0xFE
    INVALID = 0xFF


USER_COMMANDS: Final = range(0xC0, 0xFF)
REPORTS: Final = frozenset({Command.REALTIME, Command.REISSUE})
"""Commands whose data unit holds units after the time."""

_TIME = Time("time")
_SEQUENCE = Number("login_no", 2)
_ICCID = Text("iccid", 20)

_LOGIN_2016: tuple[Field, ...] = (
    _TIME,
    _SEQUENCE,
    _ICCID,
    Number("codes_count", 1),
    Number("code_size", 1),
    Listed("pack_codes", "codes_count", (Text("", "code_size"),)),
)
_LOGIN_2025: tuple[Field, ...] = (
    _TIME,
    _SEQUENCE,
    _ICCID,
    Number("bms_count", 1),
    Listed("packs_by_bms", "bms_count", (Number("", 1),)),
    Listed("pack_codes", "packs_by_bms", (Text("", PACK_CODE_SIZE),)),
)
_PLATFORM_LOGIN: tuple[Field, ...] = (
    _TIME,
    _SEQUENCE,
    Text("user", 12),
    Text("password", 20),
    Number("encryption_rule", 1),
)
_LOGOUT: tuple[Field, ...] = (_TIME, _SEQUENCE)


def _parameters(wide: int, alarm: Number) -> Mapping[int, tuple[Field, ...]]:
    return {
        0x01: (Number("storage_period_ms", 2, "ms"),),
        0x02: (Number("report_period_s", wide, "s"),),
        0x03: (alarm,),
        0x04: (Number("host_size", 1),),
        0x05: (Text("host", "host_size"),),
        0x06: (Number("port", 2),),
        0x07: (Text("hardware_version", 5),),
        0x08: (Text("firmware_version", 5),),
        0x09: (Number("heartbeat_period_s", 1, "s"),),
        0x0A: (Number("terminal_timeout_s", 2, "s"),),
        0x0B: (Number("platform_timeout_s", 2, "s"),),
        0x0C: (Number("login_wait_min", 1, "min"),),
        0x0D: (Number("public_host_size", 1),),
        0x0E: (Text("public_host", "public_host_size"),),
        0x0F: (Number("public_port", 2),),
        0x10: (Number("sampling_state", 1, codes={1: "yes", 2: "no"}),),
    }


PARAMETERS: Final[Mapping[Edition, Mapping[int, tuple[Field, ...]]]] = {
    Edition.E2016: _parameters(2, Number("alarm_report_period_ms", 2, "ms")),
    Edition.E2025: _parameters(1, Number("alarm_report_period_s", 1, "s")),
}
_CONTROL_NAMES = {
    1: "upgrade",
    2: "power_off",
    3: "reset",
    4: "factory_settings",
    5: "drop_link",
    6: "warning",
    7: "start_sampling",
}
_CONTROL: tuple[Field, ...] = (
    _TIME,
    Number("control", 1, codes=_CONTROL_NAMES, has_states=False),
    Switch(
        "control",
        {
            1: (Opaque("arguments", REST),),
            2: (),
            3: (),
            4: (),
            5: (),
            6: (Number("warning_level", 1), Text("warning", REST)),
            7: (),
            **dict.fromkeys(range(0x80, 0xFF), (Opaque("arguments", REST),)),
        },
    ),
)
_QUERY: tuple[Field, ...] = (
    _TIME,
    Number("parameters_count", 1),
    Listed("parameter_ids", "parameters_count", (Number("", 1, has_states=False),)),
)
_ACTIVATION: tuple[Field, ...] = (
    _TIME,
    Text("chip", 16),
    Number("key_size", 2),
    Opaque("public_key", "key_size"),
    Text("activated_vin", VIN_SIZE),
    Number("marker", 1, has_states=False),
    Number("algorithm", 1, codes={1: "SM2", 2: "RSA", 3: "ECC"}),
    Number("r_size", 2),
    Opaque("r", "r_size"),
    Number("s_size", 2),
    Opaque("s", "s_size"),
)
_ACTIVATION_ANSWER: tuple[Field, ...] = (
    Number("result", 1, codes={1: "ok", 2: "failed"}),
    Number("information", 1, codes={0: "ok", 1: "chip_already_active", 2: "vin_duplicate"}),
)
_KEY_EXCHANGE: tuple[Field, ...] = (
    Number("key_type", 1, codes={2: "RSA", 3: "AES", 4: "SM2", 5: "SM4"}),
    Number("key_size", 2),
    Opaque("key", "key_size"),
    Time("valid_from"),
    Time("valid_to"),
)


def _values(edition: Edition) -> tuple[Field, ...]:
    item = (Number("parameter_id", 1, has_states=False), Switch("parameter_id", PARAMETERS[edition]))
    return _TIME, Number("parameters_count", 1), Listed("parameters", "parameters_count", item)


def _data(edition: Edition) -> dict[int, tuple[Field, ...]]:
    return {
        Command.LOGIN: _LOGIN_2016 if edition is Edition.E2016 else _LOGIN_2025,
        Command.REALTIME: (_TIME,),
        Command.REISSUE: (_TIME,),
        Command.LOGOUT: _LOGOUT,
        Command.PLATFORM_LOGIN: _PLATFORM_LOGIN,
        Command.PLATFORM_LOGOUT: _LOGOUT,
        Command.HEARTBEAT: (),
        Command.TIME_SYNC: (),
        Command.QUERY: _QUERY,
        Command.SETTING: _values(edition),
        Command.CONTROL: _CONTROL,
    }


DATA: Final[Mapping[Edition, Mapping[int, tuple[Field, ...]]]] = {
    Edition.E2016: _data(Edition.E2016),
    Edition.E2025: _data(Edition.E2025)
    | {
        Command.ACTIVATION: _ACTIVATION,
        Command.ACTIVATION_ANSWER: _ACTIVATION_ANSWER,
        Command.KEY_EXCHANGE: _KEY_EXCHANGE,
    },
}
"""What the data unit of a command holds."""
ANSWERS: Final[Mapping[Edition, tuple[Field, ...]]] = {edition: _values(edition) for edition in Edition}
"""What the answer to a query of parameters holds; other answers hold the time, or what the command held."""
ANSWER_TIME: Final[tuple[Field, ...]] = (_TIME,)
