"""The virtual BMS by the bytes of its messages: it refuses what a real one refuses."""

from hashlib import sha256

import pytest
from msgspec import structs

from cellwright.links.uds.keys import cmac_key
from cellwright.sim.bms import BmsFault, BmsState, VirtualBms, software_image
from cellwright.sim.bms_flash import FlashState
from cellwright.sim.bms_trial import parse
from cellwright.testing.bms import CONTRACT, SECRET

KEY_OF = cmac_key(SECRET)
ERASE = bytes.fromhex("3101ff0044 08008000 00000100")
DOWNLOAD = bytes.fromhex("340044 08008000 00000100")
SOFTWARE = software_image("A", 256)
VERIFY = bytes.fromhex("31010202") + sha256(SOFTWARE).digest()


def asked(bms: VirtualBms, request: str | bytes) -> bytes:
    """Return the last answer: what comes before is "pending"."""
    answers = list(bms.answer(bytes.fromhex(request) if isinstance(request, str) else request))
    assert all(each[0] == 0x7F and each[2] == 0x78 for each in answers[:-1])
    return answers[-1]


def refusal(bms: VirtualBms, request: str | bytes) -> int:
    answer = asked(bms, request)
    assert answer[0] == 0x7F, answer.hex()
    return answer[2]


def unlocked(session: int) -> VirtualBms:
    bms = VirtualBms(CONTRACT, KEY_OF)
    asked(bms, bytes((0x10, session)))
    seed = asked(bms, "2701")[2:]
    assert asked(bms, b"\x27\x02" + KEY_OF(1, seed)) == b"\x67\x02"
    return bms


def downloading() -> VirtualBms:
    bms = unlocked(2)
    assert asked(bms, ERASE) == bytes.fromhex("7101ff0000")
    assert asked(bms, DOWNLOAD) == bytes.fromhex("74200102")
    return bms


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ("85", 0x11),
        ("10", 0x13),
        ("1007", 0x12),
        ("1107", 0x12),
        ("22f1", 0x13),
        ("22ffff", 0x31),
        ("2701", 0x7F),
        ("2efd200010", 0x7F),
        ("3101ff00", 0x7F),
        ("3601", 0x7F),
        ("37", 0x7F),
    ],
)
def test_nothing_is_written_in_the_default_session(request_: str, response: int) -> None:
    assert refusal(VirtualBms(CONTRACT, KEY_OF), request_) == response


@pytest.mark.parametrize("request_", ["2efd200010", ERASE.hex(), DOWNLOAD.hex(), "3601aa", "37"])
def test_without_a_key_nothing_is_written(request_: str) -> None:
    bms = VirtualBms(CONTRACT, KEY_OF)
    asked(bms, "1003" if request_.startswith("2e") else "1002")
    assert refusal(bms, request_) == 0x33


def test_a_key_opens_one_session_and_a_seed_is_good_for_one_key() -> None:
    bms = unlocked(3)
    assert asked(bms, "2701")[2:] == bytes(16)
    asked(bms, "1003")
    first, second = asked(bms, "2701")[2:], asked(bms, "2701")[2:]
    assert first != second
    assert refusal(bms, b"\x27\x02" + KEY_OF(1, first)) == 0x35
    assert refusal(bms, b"\x27\x02" + KEY_OF(1, second)) == 0x24
    assert refusal(bms, "2705") == 0x12


def test_a_key_is_that_of_its_level() -> None:
    assert KEY_OF(1, bytes(16)) != KEY_OF(3, bytes(16))


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        ("3101ff0044 08008000 00000000", 0x31),
        ("3101ff0044 08008000 10000000", 0x31),
        ("3101ff0044 00000000 00000100", 0x31),
        ("3101ff0033 008000 000100", 0x13),
        ("3102ff00", 0x12),
        ("31010505", 0x31),
        (DOWNLOAD.hex(), 0x70),
        ("3601aa", 0x24),
        ("37", 0x24),
    ],
)
def test_memory_is_guarded_before_it_was_erased(request_: str, response: int) -> None:
    assert refusal(unlocked(2), request_) == response


def test_a_download_counts_its_blocks_and_bytes() -> None:
    bms = downloading()
    assert refusal(bms, b"\x36\x02" + SOFTWARE[:100]) == 0x73
    assert asked(bms, b"\x36\x01" + SOFTWARE[:100]) == b"\x76\x01"
    assert asked(bms, b"\x36\x01" + SOFTWARE[:100]) == b"\x76\x01"
    assert refusal(bms, b"\x36\x02" + bytes(157)) == 0x71
    assert refusal(bms, b"\x36\x02") == 0x71
    assert refusal(bms, "37") == 0x24
    assert asked(bms, b"\x36\x02" + SOFTWARE[100:]) == b"\x76\x02"
    assert bms.state.flash.software == SOFTWARE
    assert refusal(bms, "3700") == 0x24
    assert asked(bms, "37") == b"\x77"
    assert asked(bms, "22fd00")[3] == FlashState.INCOMPLETE
    assert asked(bms, VERIFY[:-1] + b"\x00") == bytes.fromhex("7101020201")
    assert asked(bms, VERIFY) == bytes.fromhex("7101020200")
    assert asked(bms, "22fd00")[3] == FlashState.COMPLETE


def test_what_is_in_flash_outlives_the_supply_and_a_begun_download_does_not() -> None:
    bms = downloading()
    asked(bms, b"\x36\x01" + SOFTWARE[:100])
    bms.power_cycle()
    assert asked(bms, "22fd00") == bytes.fromhex("62fd0002")
    asked(bms, "1002")
    seed = asked(bms, "2701")[2:]
    asked(bms, b"\x27\x02" + KEY_OF(1, seed))
    assert refusal(bms, b"\x36\x02" + SOFTWARE[100:]) == 0x24


def test_values_are_kept_with_software_and_have_their_length() -> None:
    bms = unlocked(3)
    assert refusal(bms, "2efd200010") == 0x22
    bms.state.flash.software, bms.state.flash.state = SOFTWARE, FlashState.COMPLETE
    assert refusal(bms, "2efd2010") == 0x13
    assert refusal(bms, "2ef18710") == 0x31
    assert asked(bms, "2efd200010") == bytes.fromhex("6efd20")
    bms.power_cycle()
    assert asked(bms, "22fd20") == bytes.fromhex("62fd200010")


def test_it_says_nothing_when_it_is_dead() -> None:
    bms = downloading()
    bms.faults.add(BmsFault.DIES_IN_FLASH)
    assert list(bms.answer(b"\x36\x01" + SOFTWARE[:100]))
    assert not list(bms.answer(b"\x36\x02" + SOFTWARE[100:]))
    assert bms.is_dead


def test_a_trial_has_its_options() -> None:
    options = parse(["--secret", "00ff" * 8, "--fault", "bad_flash", "--part", "X"])
    assert (options.secret, options.fault, options.part) == (b"\x00\xff" * 8, [BmsFault.BAD_FLASH], "X")
    assert options.channel == "vcan0"


def test_two_bms_share_nothing() -> None:
    first, second = BmsState(), BmsState()
    first.values[1], first.cell_v[0] = b"x", 0.0
    assert second.values == {}
    assert second.cell_v[0] > 3
    assert structs.asdict(second.flash)["software"] == b""
