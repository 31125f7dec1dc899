"""Passwords: what is refused and why, and hashes that cost the same whether or not there is an account."""

import asyncio
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.web.access.password_words import WALKS, WORDS
from cellwright.web.access.passwords import LENGTH_MAX, LENGTH_MIN, Passwords, own_part, password_faults

KNOWN = ("B-1717", "LFP32700", "Harbour plant")
CHEAP_KIB, CHEAP_PASSES = 64, 1


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd2026!!",
        "Passw0rdPassw0rd",
        "qwertyuiop12",
        "1q2w3e4r5t6y",
        "123456789012",
        "987654321098",
        "aaaaaaaaaaaaaaa",
        "abababababab",
        "abcdefghijklmnop",
        "letmeinletmein",
        "administrator1",
        "iloveyou2024!!",
        "Cellwright2026!",
        "cellwrightcellwright",
        "Battery-Plant-1",
        "lithiumphosphate1",
        "woaini5201314",
        "zhongguo1234567",
        "Winter2025Winter",
        "LFP32700-2026",
        "B-1717B-1717B-1717",
        "harbourplant12",
        "Monday!!!!!!!1",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert password_faults(password, known=KNOWN)


@pytest.mark.parametrize(
    "password",
    [
        "winter-kettle-stolen-9",
        "correct horse battery staple",
        "xK9#mQ2$vL7p",
        "Tr0ub4dor&3xq",
        "my badge is not B-1717",
        "lange Nacht am Kanal",
        "我的密码是很长的一句话啊真的",
        "пароль длинный и скучный",
        "🦊🐻🍎🚲🎻🧭 in a boat",
    ],
)
def test_what_nobody_else_has_is_taken(password: str) -> None:
    assert password_faults(password, known=KNOWN) == []


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("xK9#mQ2$vL7", "has 11 characters"),
        ("e\u0301xK9#mQ2$vL", "has 11 characters"),  # a letter and its accent are one character
        ("xK9#mQ2$vL7p" * 11, "has 132 characters"),
    ],
)
def test_length_is_counted_in_characters(password: str, fault: str) -> None:
    assert [fault in each for each in password_faults(password)] == [True]


def test_every_fault_says_what_to_do() -> None:
    for password in ("short", "a" * 200, "aaaaaaaaaaaa", "password1234"):
        assert all("use" in fault or "add" in fault for fault in password_faults(password))


@given(st.text(min_size=LENGTH_MIN, max_size=LENGTH_MAX))
def test_every_text_gets_an_answer(password: str) -> None:
    assert own_part(password, KNOWN) >= 0
    assert isinstance(password_faults(password, known=KNOWN), list)


def test_random_passwords_are_never_refused() -> None:
    source = random.Random(7)
    letters = string.ascii_letters + string.digits
    for _ in range(2000):
        password = "".join(source.choice(letters) for _ in range(16))
        assert password_faults(password) == [], password


def test_every_listed_word_and_walk_alone_is_refused() -> None:
    for word in (*WORDS, *(walk[:12] for walk in WALKS)):
        password = (word * 12)[: max(LENGTH_MIN, len(word))]
        assert password_faults(password), password


def test_the_list_is_ours_and_compact() -> None:
    assert 300 < len(WORDS) < 1000
    assert all(word == word.lower() for word in WORDS)


async def test_a_hash_is_argon2id_with_the_costs_that_are_set() -> None:
    made = await Passwords().make_hash("winter-kettle-stolen-9")
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert made != await Passwords().make_hash("winter-kettle-stolen-9")


async def test_a_password_is_verified_in_whatever_form_it_is_typed() -> None:
    passwords = Passwords(memory_kib=CHEAP_KIB, passes=CHEAP_PASSES)
    kept = await passwords.make_hash("caf\u00e9 on the corner")
    assert await passwords.verify(kept, "cafe\u0301 on the corner")
    assert not await passwords.verify(kept, "cafe on the corner")
    assert not await passwords.verify(kept, "")
    assert not await passwords.verify("no hash at all", "caf\u00e9 on the corner")


async def test_without_an_account_nothing_is_right_but_the_work_is_done() -> None:
    passwords = Passwords(memory_kib=CHEAP_KIB, passes=CHEAP_PASSES)
    calls: list[str] = []
    verify = passwords._verify

    def counted(kept: str, password: bytes) -> bool:
        calls.append(kept)
        return verify(kept, password)

    passwords._verify = counted  # type: ignore[method-assign] # counts, then does the same
    assert not await passwords.verify("", "nobody has this password")
    assert not await passwords.verify("", "anything")
    assert [kept.startswith("$argon2id$") for kept in calls] == [True, True]


async def test_at_most_two_hashes_are_made_at_once() -> None:
    passwords = Passwords(memory_kib=CHEAP_KIB, passes=CHEAP_PASSES)
    running = most = 0
    verify = passwords._verify

    def counted(kept: str, password: bytes) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        result = verify(kept, password)
        running -= 1
        return result

    passwords._verify = counted  # type: ignore[method-assign] # counts, then does the same
    kept = await passwords.make_hash("x")
    assert await asyncio.gather(*(passwords.verify(kept, str(number)) for number in range(20))) == [False] * 20
    assert 1 <= most <= 2


async def test_a_hash_of_other_costs_is_out_of_date_but_good() -> None:
    cheap = Passwords(memory_kib=CHEAP_KIB, passes=CHEAP_PASSES)
    kept = await cheap.make_hash("winter-kettle-stolen-9")
    today = Passwords()
    assert await today.verify(kept, "winter-kettle-stolen-9")
    assert today.is_outdated(kept)
    assert not cheap.is_outdated(kept)
