"""Frames of GB/T 32960 against what the standard says, byte by byte."""

import datetime as dt
from pathlib import Path

import pytest

from cellwright.links.gb32960 import decode_gb32960, encode_gb32960
from cellwright.links.gb32960.columns import ColumnDecoder
from cellwright.links.gb32960.commands import Answer, Command
from cellwright.links.gb32960.composing import unit_from
from cellwright.links.gb32960.described import describe
from cellwright.links.gb32960.fields import BEIJING, State, time_bytes
from cellwright.links.gb32960.frames import Decoded, Message, Status, bcc_of, decode_frame
from cellwright.links.gb32960.tables import Edition
from cellwright.testing.docs_gb32960 import gb32960_page
from cellwright.testing.gb32960 import MOMENT, VIN, ordinary, report

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "gb32960.md"

TIME = "1a 03 04 05 06 07"
SIZES = [
    (Edition.E2016, 0, 0, 101),
    (Edition.E2016, 192, 32, 534),
    (Edition.E2016, 96, 24, 334),
    (Edition.E2025, 0, 0, 84),
    (Edition.E2025, 96, 24, 314),
]


def frame_of(edition: Edition, command: int, data: str, answer: int = 0xFE) -> bytes:
    """Return a frame put together by hand, not by the encoder."""
    body = bytes([command, answer]) + VIN + b"\x01" + len(bytes.fromhex(data)).to_bytes(2) + bytes.fromhex(data)
    return (b"##" if edition is Edition.E2016 else b"$$") + body + bytes([bcc_of(body)])


def said_by(frame: bytes) -> Decoded:
    decoded = decode_gb32960(frame)
    assert isinstance(decoded, Decoded)
    return decoded


@pytest.mark.parametrize(("edition", "cells_count", "probes_count", "size"), SIZES)
def test_frames_have_the_sizes_that_the_standard_gives(
    edition: Edition, cells_count: int, probes_count: int, size: int
) -> None:
    assert len(encode_gb32960(ordinary(edition, cells_count=cells_count, probes_count=probes_count))) == size


def test_a_vehicle_of_2016_is_read_by_the_table_of_2016() -> None:
    data = "01 01 03 01 02 78 00 07 5b 59 02 16 2a 3f 40 01 2e 20 08 fe 65"
    vehicle = describe(said_by(frame_of(Edition.E2016, 2, f"{TIME} {data}"))).units["vehicle"]
    assert vehicle == {
        "vehicle_state": "on",
        "charge_state": "not_charging",
        "running_mode": "electric",
        "speed_km_per_h": 63.2,
        "odometer_km": 48213.7,
        "voltage_v": 53.4,
        "current_a": 81.5,
        "soc_percent": 64,
        "dcdc_state": "on",
        "gear_bits": 0x2E,
        "insulation_kohm": 8200,
        "accelerator_percent": None,
        "brake_percent": "pressed",
        "states": {"accelerator_percent": "abnormal"},
        "gear": "D",
        "is_driving": True,
        "is_braking": False,
    }


def test_the_zero_of_current_differs_between_editions_and_is_kept_in_subsystems() -> None:
    for edition, zero_a in ((Edition.E2016, -1000), (Edition.E2025, -3000)):
        units = [
            unit_from(edition, "vehicle", current_a=zero_a),
            unit_from(edition, "voltages", subsystems=[{"subsystem_no": 1, "current_a": zero_a}]),
        ]
        message = report(edition, *units)
        assert message.units[0].values["current_a"] == 0
        described = describe(said_by(encode_gb32960(message)))
        assert described.units["vehicle"]["current_a"] == zero_a
        assert described.units["voltages"]["subsystems"][0]["current_a"] == zero_a  # type: ignore[index]


def test_the_same_number_is_another_unit_in_another_edition() -> None:
    alarms = "04 00 80 00 00 00 00 00 00"
    old = describe(said_by(frame_of(Edition.E2016, 2, f"{TIME} 07 {alarms}"))).units
    new = describe(said_by(frame_of(Edition.E2025, 2, f"{TIME} 06 {alarms} 01 17 04"))).units
    assert old["alarms"]["alarms"] == new["alarms"]["alarms"] == ["thermal_event"]
    assert new["alarms"]["levels"] == [{"alarm_bit": 23, "level": 4}]


def test_a_count_that_is_invalid_or_abnormal_counts_nothing() -> None:
    for count in ("fe", "ff"):
        decoded = said_by(frame_of(Edition.E2016, 2, f"{TIME} 02 {count} 09 00"))
        assert decoded.status is Status.OK
        assert describe(decoded).units["motors"]["motors"] == []


def test_logins_of_both_editions_name_their_packs() -> None:
    iccid, code = "38" * 20, "41" * 24
    old = describe(said_by(frame_of(Edition.E2016, 1, f"{TIME} 00 01 {iccid} 02 18 {code} {code}")))
    new = describe(said_by(frame_of(Edition.E2025, 1, f"{TIME} 00 01 {iccid} 02 01 02 {code} {code} {code}")))
    assert old.data == {
        "login_no": 1,
        "iccid": "8" * 20,
        "codes_count": 2,
        "code_size": 24,
        "pack_codes": ["A" * 24] * 2,
    }
    assert new.data == {
        "login_no": 1,
        "iccid": "8" * 20,
        "bms_count": 2,
        "packs_by_bms": [1, 2],
        "pack_codes": ["A" * 24] * 3,
    }
    assert old.time == new.time == "2026-03-04T05:06:07+08:00"


def test_parameters_have_the_widths_of_their_edition_and_a_host_the_length_that_was_said() -> None:
    old = frame_of(Edition.E2016, 0x80, f"{TIME} 04 02 00 0a 03 03 e8 04 04 05 74 65 73 74", answer=1)
    new = frame_of(Edition.E2025, 0x80, f"{TIME} 04 02 0a 03 01 04 04 05 74 65 73 74", answer=1)
    for frame, alarm in ((old, {"alarm_report_period_ms": 1000}), (new, {"alarm_report_period_s": 1})):
        decoded = said_by(frame)
        assert decoded.status is Status.OK
        assert describe(decoded).data == {
            "parameters_count": 4,
            "parameters": [
                {"parameter_id": 2, "report_period_s": 10},
                {"parameter_id": 3, **alarm},
                {"parameter_id": 4, "host_size": 4},
                {"parameter_id": 5, "host": "test"},
            ],
        }


def test_a_platform_may_have_a_chinese_name() -> None:
    name, password = "测试平台".encode("gb18030").hex(), b"secret".hex()
    data = f"{TIME} 00 01 {name:0<24} {password:0<40} 01"
    described = describe(said_by(frame_of(Edition.E2016, 5, data)))
    assert described.data == {"login_no": 1, "user": "测试平台", "password": "secret", "encryption_rule": 1}


@pytest.mark.parametrize(
    ("answer", "data", "expected"), [(1, TIME, {}), (2, "", {}), (1, f"{TIME} 00 05", {"login_no": 5})]
)
def test_an_answer_has_the_time_alone_or_what_was_sent(answer: int, data: str, expected: dict[str, object]) -> None:
    decoded = said_by(frame_of(Edition.E2016, 4, data, answer=answer))
    assert decoded.status is Status.OK
    assert (describe(decoded).data or {}) == expected


def test_a_unit_that_nobody_defined_ends_the_units_and_is_kept() -> None:
    decoded = said_by(frame_of(Edition.E2025, 2, f"{TIME} 04 0b b8 20 01 02 03"))
    assert decoded.status is Status.UNKNOWN_UNIT
    assert decoded.message is not None
    assert decoded.message.tail == b"\x20\x01\x02\x03"
    assert describe(decoded).units["engine"] == {"speed_rpm": 3000}
    assert describe(decoded).tail_hex == "20010203"
    assert "unit 0x20" in decoded.problems[0].text
    assert decoded.problems[0].offset == 24 + 6 + 3


def test_a_unit_of_a_maker_is_kept_with_its_length() -> None:
    described = describe(said_by(frame_of(Edition.E2016, 2, f"{TIME} 81 00 02 aa bb 04 01 00 10 00 20")))
    assert described.units["user_81"] == {"content_size": 2, "content": "aabb"}
    assert "engine" in described.units


def test_content_that_is_shorter_than_its_counts_keeps_what_came_before() -> None:
    decoded = said_by(frame_of(Edition.E2016, 2, f"{TIME} 04 01 00 10 00 20 09 01 01 00 05 41 42"))
    assert decoded.status is Status.BAD_STRUCTURE
    assert list(describe(decoded).units) == ["engine"]
    assert "unit 0x09 (temperatures): probes_c needs 5 bytes, and 2 are left" in decoded.problems[0].text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]), Status.BAD_BCC),
        (lambda frame: frame[:-5], Status.BAD_LENGTH),
        (lambda frame: frame[:20], Status.BAD_LENGTH),
        (lambda frame: frame + b"\r\n", Status.TRAILING_BYTES),
        (lambda frame: b"@@" + frame[2:], Status.BAD_STRUCTURE),
        (lambda frame: frame[:23] + bytes([frame[23] ^ 1]) + frame[24:-1] + bytes([frame[-1] ^ 1]), Status.BAD_LENGTH),
        (lambda _: b"", Status.BAD_STRUCTURE),
    ],
    ids=["bcc", "cut", "head", "trailing", "start", "length", "empty"],
)
def test_what_is_wrong_with_a_frame_is_named(change: object, status: Status) -> None:
    assert callable(change)
    frame = encode_gb32960(ordinary(Edition.E2016))
    decoded = decode_frame(change(frame))
    assert decoded.status is status
    assert all(each.text for each in decoded.problems)


def test_a_frame_with_a_wrong_bcc_is_decoded_all_the_same() -> None:
    frame = encode_gb32960(ordinary(Edition.E2016))
    spoiled = frame[:4] + b"X" * 17 + frame[21:]
    described = describe(decode_frame(spoiled))
    assert not described.bcc_ok
    assert described.units["vehicle"]["soc_percent"] == 64


def test_an_encrypted_data_unit_is_kept_as_it_was_sent_and_read_with_a_key() -> None:
    plain = encode_gb32960(ordinary(Edition.E2025))[24:-1]
    secret = bytes(each ^ 0x55 for each in plain)
    message = Message(
        edition=Edition.E2025, command=Command.REALTIME, answer=Answer.COMMAND, identity=VIN, encryption=5, tail=secret
    )
    frame = encode_gb32960(message)
    assert decode_frame(frame).message == message
    read = decode_frame(frame, lambda _, data: bytes(each ^ 0x55 for each in data))
    assert read.message is not None
    assert read.message.units == ordinary(Edition.E2025).units


def test_times_are_of_beijing_whatever_the_zone_of_the_machine() -> None:
    assert time_bytes(MOMENT) == bytes.fromhex(TIME)
    assert time_bytes(MOMENT.astimezone(dt.UTC)) == bytes.fromhex(TIME)
    assert MOMENT.tzinfo is BEIJING


def test_a_value_beyond_its_field_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match=r"speed_km_per_h is 7000; give 0\.0 to 6553\.3 km/h, or None for invalid"):
        unit_from(Edition.E2016, "vehicle", speed_km_per_h=7000)
    with pytest.raises(ValueError, match=r"there is no speed; give vehicle_state"):
        unit_from(Edition.E2016, "vehicle", speed=7000)
    with pytest.raises(ValueError, match=r"edition 2025 has no unit extremes"):
        unit_from(Edition.E2025, "extremes")


def test_columns_have_physical_values_and_states() -> None:
    reports = [report(Edition.E2016, unit_from(Edition.E2016, "engine", speed_rpm=each)) for each in (900, None)]
    reports.append(report(Edition.E2016, unit_from(Edition.E2016, "engine", speed_rpm=State.ABNORMAL)))
    batch = ColumnDecoder().decode([encode_gb32960(each) for each in reports])
    (group,) = batch.groups
    assert group.physical("engine.speed_rpm").tolist()[0] == 900
    assert group.is_state("engine.speed_rpm").tolist() == [False, True, True]
    with pytest.raises(KeyError, match="time is no number"):
        group.physical("time")


def test_the_page_says_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == gb32960_page(), "run python -m cellwright.testing.regenerate"
