"""Guessing gets slow, for an account at a source and for a source; nobody is locked out everywhere."""

from hypothesis import given
from hypothesis import strategies as st

from cellwright.web.access.throttle import (
    HALF_LIFE_US,
    WAIT_US_MAX,
    Failures,
    Tally,
    Throttle,
    source_of,
    wait_us,
)

NOW_US = 1_790_000_000_000_000
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US


def guess(throttle: Throttle, account: str, source: str, *, now_us: int) -> int:
    return throttle.begin(account, source, now_us=now_us)


def guesses_in(throttle: Throttle, account: str, source: str, *, length_us: int, step_us: int) -> int:
    """Count the guesses that get through when somebody never stops."""
    return sum(
        not guess(throttle, account, source, now_us=NOW_US + passed_us) for passed_us in range(0, length_us, step_us)
    )


def test_some_mistakes_are_free() -> None:
    throttle = Throttle()
    assert [guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US) for _ in range(4)] == [0] * 4
    assert guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US) == SECOND_US


def test_each_failure_doubles_the_wait() -> None:
    throttle, now_us, waits = Throttle(), NOW_US, []
    for _ in range(16):
        pause_us = guess(throttle, "B-1", "10.0.0.1", now_us=now_us)
        if pause_us:
            waits.append(pause_us // SECOND_US)
            now_us += pause_us
            assert guess(throttle, "B-1", "10.0.0.1", now_us=now_us) == 0
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) <= WAIT_US_MAX // SECOND_US


def test_many_at_once_do_not_pass_together() -> None:
    throttle = Throttle()
    passed = [guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US) for _ in range(100)].count(0)
    assert passed == 4


def test_a_day_of_guessing_gets_few_guesses() -> None:
    passed = guesses_in(Throttle(), "B-1", "10.0.0.1", length_us=24 * HOUR_US, step_us=5 * SECOND_US)
    assert passed < 700


def test_the_owner_elsewhere_is_never_locked_out() -> None:
    throttle = Throttle()
    for number in range(5000):
        guess(throttle, "B-1", f"10.1.{number % 200}.{number % 250}", now_us=NOW_US + number * 1000)
    assert guess(throttle, "B-1", "10.0.0.99", now_us=NOW_US + 5_000_000) == 0


def test_an_account_under_attack_leaves_each_source_fewer_free_guesses() -> None:
    throttle = Throttle()
    for number in range(40):
        guess(throttle, "B-1", f"10.1.0.{number}", now_us=NOW_US)
    assert [guess(throttle, "B-1", "10.2.0.1", now_us=NOW_US) for _ in range(2)] == [0, SECOND_US]
    assert [guess(throttle, "B-2", "10.2.0.1", now_us=NOW_US) for _ in range(4)] == [0] * 4


def test_spraying_many_accounts_from_one_source_gets_slow() -> None:
    throttle = Throttle()
    passed = [guess(throttle, f"B-{number}", "10.0.0.1", now_us=NOW_US) for number in range(1000)].count(0)
    assert passed == 20


def test_who_signed_in_from_there_before_is_not_slowed_by_a_neighbour() -> None:
    throttle = Throttle()
    assert guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US) == 0
    throttle.succeed("B-1", "10.0.0.1", now_us=NOW_US)
    for number in range(1000):
        guess(throttle, f"X-{number}", "10.0.0.1", now_us=NOW_US)
    assert guess(throttle, "X-5000", "10.0.0.1", now_us=NOW_US) > 0
    assert guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US) == 0


def test_success_forgets_the_mistakes_before() -> None:
    throttle = Throttle()
    for _ in range(4):
        guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US)
    throttle.succeed("B-1", "10.0.0.1", now_us=NOW_US)
    assert [guess(throttle, "B-1", "10.0.0.1", now_us=NOW_US) for _ in range(4)] == [0] * 4


def test_time_forgets_too() -> None:
    assert Failures(8, NOW_US, NOW_US).at(NOW_US + HALF_LIFE_US - 1) == 8
    assert Failures(8, NOW_US, NOW_US).at(NOW_US + HALF_LIFE_US) == 4
    assert Failures(8, NOW_US, NOW_US).at(NOW_US + 1000 * HALF_LIFE_US) == 0


def test_who_fails_slowly_is_halved_all_the_same() -> None:
    failures = Failures()
    for number in range(100):
        failures = failures.and_one(NOW_US + number * (HALF_LIFE_US * 9 // 10))
    assert failures.count <= 3


def test_memory_is_bounded() -> None:
    throttle = Throttle()
    for number in range(60_000):
        throttle.begin(f"B-{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", now_us=NOW_US)
        throttle.succeed(f"K-{number}", "10.0.0.1", now_us=NOW_US)
    assert throttle.size <= 80_000


COUNTS = st.integers(0, 10**6)


@given(st.tuples(COUNTS, COUNTS, COUNTS), st.sampled_from((True, False)), st.integers(-HOUR_US, HOUR_US))
def test_a_wait_is_bounded_and_grows_with_failures(
    counts: tuple[int, int, int], known: object, elapsed_us: int
) -> None:
    def tally(more: int) -> Tally:
        pair, source, account = (Failures(count + more, NOW_US, NOW_US) for count in counts)
        return Tally(pair=pair, source=source, account=account, is_known=bool(known))

    waited_us = wait_us(tally(0), NOW_US + elapsed_us)
    assert 0 <= waited_us <= WAIT_US_MAX + max(0, -elapsed_us)
    assert wait_us(tally(5), NOW_US + elapsed_us) >= waited_us


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_failures_elsewhere_never_make_a_fresh_source_wait(elsewhere: int, elapsed_us: int) -> None:
    assert wait_us(Tally(account=Failures(elsewhere, NOW_US, NOW_US)), NOW_US + elapsed_us) == 0


def test_a_network_of_one_house_is_one_source() -> None:
    assert source_of("2001:db8:1:2:aaaa::1") == source_of("2001:db8:1:2:bbbb::2") != source_of("2001:db8:1:3::1")
    assert source_of("::ffff:10.0.0.1") == source_of("10.0.0.1") == "10.0.0.1"
    assert len(source_of("x" * 1000)) == 64
