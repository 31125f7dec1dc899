"""Facts decode for ever; the wire's schemas and the reference pages are what the types say."""

from pathlib import Path

import msgspec
import pytest

from cellwright.model.answers import Answer, Reason, Refusal, RefusalCode
from cellwright.model.commands import CheckIn, Submission
from cellwright.model.facts import Envelope
from cellwright.testing.docs import commands_page, facts_page
from cellwright.testing.golden import FACT_TYPES, sample_envelopes, schemas
from cellwright.testing.regenerate import append_fact

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "tests" / "golden" / "facts"
HINT = "run `python -m cellwright.testing.regenerate` and look at the difference"


def test_every_fact_type_has_a_golden_file() -> None:
    assert sorted(path.stem for path in FACTS.iterdir()) == sorted(kind.__name__ for kind in FACT_TYPES), HINT


@pytest.mark.parametrize("kind", FACT_TYPES, ids=lambda kind: kind.__name__)
def test_golden_facts_decode_and_the_newest_has_every_field(kind: type) -> None:
    lines = (FACTS / f"{kind.__name__}.jsonl").read_bytes().splitlines()
    for line in lines:
        envelope = msgspec.json.decode(line, type=Envelope)
        assert type(envelope.fact) is kind
        assert msgspec.json.decode(msgspec.json.encode(envelope), type=Envelope) == envelope
    assert msgspec.json.encode(msgspec.json.decode(lines[-1], type=Envelope)) == lines[-1], HINT


def test_samples_cover_every_fact_type() -> None:
    assert list(sample_envelopes()) == [kind.__name__ for kind in FACT_TYPES]


def test_a_golden_line_is_added_only_when_a_fact_grew(tmp_path: Path) -> None:
    path = tmp_path / "Fact.jsonl"
    append_fact(path, b'{"a":1,"list":[{"b":1}]}')
    append_fact(path, b'{"list":[{"b":2},{"b":3}],"a":2}')
    append_fact(path, b'{"a":1,"list":[{"b":1,"new":2}]}')
    assert path.read_bytes() == b'{"a":1,"list":[{"b":1}]}\n{"a":1,"list":[{"b":1,"new":2}]}\n'


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schema_is_the_committed_one(name: str) -> None:
    assert (ROOT / "tests" / "golden" / "schemas" / name).read_bytes() == schemas()[name], HINT


@pytest.mark.parametrize(("name", "page"), [("commands", commands_page()), ("facts", facts_page())])
def test_reference_page_is_what_the_types_say_and_explains_every_field(name: str, page: str) -> None:
    assert (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8") == page, HINT
    assert "|  |" not in page


def test_answers_travel_with_their_reasons() -> None:
    answer = Refusal((Reason(RefusalCode.UNIT_HELD, "held", {"unit": "X", "holds": 1, "ratio": 0.5, "none": None}),))
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer
    assert answer.codes == {"unit_held"}


def submission(**fields: object) -> bytes:
    command = {"type": "CheckIn", "station": "A", "count": 1, **fields}
    return msgspec.json.encode({"source": "A", "epoch": 1, "seq": 1, "time_us": 1, "actor": "A", "command": command})


def test_submission_decodes() -> None:
    decoded = msgspec.json.decode(submission(), type=Submission)
    assert decoded.command == CheckIn(station="A", count=1)


@pytest.mark.parametrize(
    "fields", [{"surprise": 1}, {"count": 2**63}, {"count": 1.5}, {"count": True}, {"units": "ABC"}, {"type": "Format"}]
)
def test_foreign_fields_and_wrong_types_do_not_decode(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(submission(**fields), type=Submission)
