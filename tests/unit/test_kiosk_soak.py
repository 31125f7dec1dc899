"""When a heap has settled, and of what its growth is made."""

from collections import Counter

import pytest

from cellwright.testing.kiosk_soak import classes_of, grown_classes, is_settled


@pytest.mark.parametrize(
    ("heap_bytes", "expected"),
    [
        ([], False),
        ([1000, 1001], False),
        ([1000, 1001, 1002], True),
        ([1000, 1100, 1101], False),
        ([1000, 1100, 1101, 1102], True),
        ([1000, 1009, 1025], False),
        ([1000, 985, 984], False),
    ],
)
def test_a_heap_settles_when_three_checkpoints_are_alike(heap_bytes: list[int], *, expected: bool) -> None:
    assert is_settled(heap_bytes) == expected


def test_a_snapshot_is_counted_by_class_and_name() -> None:
    snapshot = {
        "snapshot": {
            "meta": {
                "node_fields": ["type", "name", "id", "self_size"],
                "node_types": [["code", "object", "string", "concatenated string"], "string", "number", "number"],
            }
        },
        "nodes": [0, 0, 1, 100, 1, 1, 3, 20, 1, 1, 5, 24, 2, 2, 7, 8, 3, 3, 9, 4],
        "strings": ["Code", "Map", "a text", "another"],
    }
    found = {("code", "Code"): 100, ("object", "Map"): 44, ("string", ""): 8, ("concatenated string", ""): 4}
    assert classes_of(snapshot) == found


def test_a_leak_is_data_and_named() -> None:
    before = Counter({("code", "Code"): 1000, ("object", "Map"): 100, ("array", ""): 100, ("native", "Node"): 10})
    after = Counter({("code", "Code"): 1100, ("object", "Map"): 140, ("array", ""): 100, ("native", "Node"): 900})
    told = grown_classes(before, after)
    assert told["code"]["growth"] == 1.1
    assert told["data"] == {"bytes_before": 200, "bytes_after": 240, "growth": 1.2}
    assert set(told["classes"]) == {"array", "code", "object"}
    assert [each["name"] for each in told["grew_most"]] == ["Code", "Map"]
