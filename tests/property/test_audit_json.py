"""The canonical JSON of the audit trail is what the standard library makes of it, whatever people are called."""

import hashlib
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cellwright.journal.audit import NO_HASH, AuditRow

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
CONTENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS), CONTENTS, CONTENTS, NUMBERS)
def test_anybody_can_hash_a_row(texts: tuple[str, ...], old: Any, new: Any, recorded_us: int) -> None:
    sort = msgspec.json.Encoder(order="sorted").encode
    row = AuditRow(
        action=texts[0],
        actor=texts[1],
        new=msgspec.Raw(sort(new)),
        object=texts[2],
        old=msgspec.Raw(sort(old)),
        reason=texts[3],
        recorded_us=recorded_us,
        request_id=texts[4],
        seq=1,
        terminal=texts[5],
    )
    fields = {name: getattr(row, name) for name in AuditRow.__struct_fields__} | {"old": old, "new": new}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row.hash_after(NO_HASH) == hashlib.sha256(NO_HASH + text.encode()).digest()
