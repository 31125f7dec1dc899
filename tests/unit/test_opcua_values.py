import math

import pytest
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from hypothesis import given
from hypothesis import strategies as st

from cellwright.links.opcua.contract import BY_PATH, NODES, NodeSpec, ValueType
from cellwright.links.opcua.station import SNAPSHOT_SPECS, Snapshot, decode_snapshot
from cellwright.links.opcua.values import Problem, Value, from_data_value, to_variant, variant_type

SEQUENCE = BY_PATH["Request/Sequence"]
UNITS = BY_PATH["Request/Units"]
RESULTS = BY_PATH["Request/ResultValues"]
KIND = BY_PATH["Request/Kind"]
ELEMENTS: dict[ValueType, st.SearchStrategy[bool | int | float | str]] = {
    ValueType.BOOLEAN: st.booleans(),
    ValueType.INT32: st.integers(-(2**31), 2**31 - 1),
    ValueType.UINT32: st.integers(0, 2**32 - 1),
    ValueType.INT64: st.integers(-(2**63), 2**63 - 1),
    ValueType.DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    ValueType.STRING: st.text(max_size=30),
}


@st.composite
def specs_and_values(draw: st.DrawFn) -> tuple[NodeSpec, Value]:
    spec = draw(st.sampled_from(NODES))
    one = ELEMENTS[spec.type]
    return spec, draw(st.lists(one, max_size=5).map(tuple) if spec.is_array else one)


@given(specs_and_values())
def test_every_value_comes_back_as_it_went(case: tuple[NodeSpec, Value]) -> None:
    spec, value = case
    variant = to_variant(spec, value)
    assert variant.VariantType == variant_type(spec)
    assert from_data_value(spec, ua.DataValue(variant)) == value


def refused(spec: NodeSpec, data: ua.DataValue) -> Problem:
    found = from_data_value(spec, data)
    assert isinstance(found, Problem)
    assert found.path == spec.path
    return found


@pytest.mark.parametrize("code", [StatusCodes.Bad, StatusCodes.UncertainLastUsableValue, StatusCodes.BadNodeIdUnknown])
def test_a_doubtful_status_is_a_passing_problem(code: int) -> None:
    data = ua.DataValue(to_variant(SEQUENCE, 7), StatusCode=ua.StatusCode(ua.UInt32(code)))
    assert refused(SEQUENCE, data).is_passing


def test_a_wrong_type_is_a_lasting_problem_that_names_both_types() -> None:
    found = refused(SEQUENCE, ua.DataValue(ua.Variant(7, ua.VariantType.Int32)))
    assert not found.is_passing
    assert found.text == "type is Int32, expected Int64"


UNKNOWN = ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(StatusCodes.BadNodeIdUnknown)))


def test_an_optional_node_that_a_station_does_not_have_is_empty() -> None:
    optional = [spec for spec in NODES if spec.is_optional]
    assert [from_data_value(spec, UNKNOWN) for spec in optional] == [() if spec.is_array else None for spec in optional]
    assert refused(optional[0], BAD).is_passing, "a node that is there, but doubtful, is waited for"


def test_a_station_without_optional_nodes_makes_whole_requests() -> None:
    snapshot = snapshot_with({spec.path: UNKNOWN for spec in NODES if spec.is_optional})
    assert snapshot.request is not None
    assert (snapshot.problems, snapshot.request.profiles_values, snapshot.request.marks_starts) == ((), (), ())


def test_an_array_is_no_scalar_and_a_scalar_no_array() -> None:
    assert (
        refused(SEQUENCE, ua.DataValue(ua.Variant([7], ua.VariantType.Int64))).text == "type is Int64[], expected Int64"
    )
    assert (
        refused(UNITS, ua.DataValue(ua.Variant("x", ua.VariantType.String))).text == "type is String, expected String[]"
    )


def test_a_number_never_written_is_a_problem() -> None:
    assert refused(SEQUENCE, ua.DataValue()).text == "type is empty, expected Int64"


def test_text_and_lists_never_written_are_empty() -> None:
    assert from_data_value(KIND, ua.DataValue()) == ""
    assert from_data_value(UNITS, ua.DataValue()) == ()
    assert from_data_value(UNITS, ua.DataValue(ua.Variant([None, "a"], ua.VariantType.String))) == ("", "a")


def test_nan_is_not_measured_in_results_and_a_problem_in_recipes() -> None:
    values = ua.DataValue(ua.Variant([1.5, math.nan], ua.VariantType.Double))
    assert from_data_value(RESULTS, values) == (1.5, None)
    assert from_data_value(BY_PATH["Request/Profiles/Values"], values) == (1.5, None)
    assert "not finite" in refused(BY_PATH["Recipe/Active/Values"], values).text


def test_an_infinite_result_is_a_problem() -> None:
    assert "not finite" in refused(RESULTS, ua.DataValue(ua.Variant([math.inf], ua.VariantType.Double))).text


def snapshot_with(changes: dict[str, ua.DataValue]) -> Snapshot:
    first: dict[ValueType, Value] = {ValueType.STRING: "", ValueType.BOOLEAN: False}
    values = [
        changes.get(spec.path, ua.DataValue(to_variant(spec, () if spec.is_array else first.get(spec.type, 0))))
        for spec in SNAPSHOT_SPECS
    ]
    return decode_snapshot("S-1", values)


BAD = ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(StatusCodes.BadNotConnected)))


def test_a_snapshot_of_good_values_has_no_problems() -> None:
    snapshot = snapshot_with({"Request/Sequence": ua.DataValue(to_variant(SEQUENCE, 4))})
    assert (snapshot.sequence, snapshot.epoch, snapshot.answered, snapshot.problems) == (4, 0, 0, ())
    assert snapshot.request is not None
    assert (snapshot.request.station, snapshot.request.sequence) == ("S-1", 4)


def test_a_bad_status_in_the_request_makes_the_whole_request_wait() -> None:
    snapshot = snapshot_with({"Request/Units": BAD})
    assert snapshot.request is None
    assert [each.path for each in snapshot.problems] == ["Request/Units"]


def test_a_bad_sequence_or_epoch_is_no_number() -> None:
    assert snapshot_with({"Request/Sequence": BAD}).sequence is None
    assert snapshot_with({"Epoch": BAD}).epoch is None


def test_a_wrong_type_in_the_request_travels_with_it() -> None:
    snapshot = snapshot_with({"Request/Count": ua.DataValue(ua.Variant(3, ua.VariantType.Int64))})
    assert snapshot.request is not None
    assert [each.text for each in snapshot.request.problems] == ["type is Int64, expected UInt32"]
    assert snapshot.request.count == 0


def test_a_recipe_that_cannot_be_read_is_no_recipe() -> None:
    names = ua.DataValue(ua.Variant(["a_mm"], ua.VariantType.String))
    assert snapshot_with({"Recipe/Active/Code": BAD}).active is None
    assert snapshot_with({"Recipe/Active/Names": names}).active is None, "a name without a value"
