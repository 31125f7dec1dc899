from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cellwright.testing.live import apply_change
from cellwright.web.live.channels import Channel, Seat
from cellwright.web.live.frames import change_between

KEYS = {"stations": ("code",), "buffers": ("product", "operation")}

values = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2) | st.lists(st.integers(0, 3))
codes = st.sampled_from("abcdef")
stations = st.lists(st.fixed_dictionaries({"code": codes, "count": values}), max_size=6)
buffers = st.lists(st.fixed_dictionaries({"product": codes, "operation": codes, "count": values}), max_size=6)
states = st.fixed_dictionaries(
    {}, optional={"stations": stations | values, "buffers": buffers, "facts_count": values, "refusals": stations}
)


def as_sent(message: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(message))


@given(states, states)
def test_a_change_leads_from_one_state_to_the_next(before: dict[str, Any], after: dict[str, Any]) -> None:
    change = change_between(before, after, KEYS)
    if change is None:
        assert before.keys() - after.keys()
    else:
        assert as_sent(apply_change(as_sent(before), as_sent(change))) == as_sent(after)


@given(states)
def test_nothing_changed_is_nothing_said(state: dict[str, Any]) -> None:
    assert as_sent(change_between(state, state, KEYS)) == {}


@given(st.lists(st.tuples(states, st.booleans(), st.booleans()), max_size=12))
def test_whoever_reads_now_and_then_knows_the_newest_state(steps: list[tuple[dict[str, Any], bool, bool]]) -> None:
    """Two clients read at moments of their own; each knows the state of its last reading, whatever it missed."""
    channel = Channel("line", KEYS, 1)
    seats = [Seat(channel, lambda _: None) for _ in range(2)]
    known: list[Any] = [None, None]
    newest: Any = None
    for state, *reads in steps:
        channel.publish(state, 0)
        newest = as_sent(state)
        for index, is_reading in enumerate(reads):
            message = seats[index].take() if is_reading else None
            if message is not None:
                frame = msgspec.json.decode(message.text)
                whole = frame["kind"] == "snapshot"
                known[index] = frame["data"] if whole else apply_change(known[index], frame["data"])
            if is_reading:
                assert known[index] == newest
                assert seats[index].take() is None
