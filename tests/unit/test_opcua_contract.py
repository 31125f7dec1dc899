import msgspec

from cellwright.links.opcua.contract import (
    ANSWER_NODES,
    BY_PATH,
    NODES,
    RECIPE_ACTIVE_NODES,
    RECIPE_SET_NODES,
    REQUEST_NODES,
    Writer,
    folders,
    node_key,
)
from cellwright.links.opcua.session import _NODES_PER_CALL_MAX
from cellwright.links.opcua.station import SNAPSHOT_SPECS, AnswerOut, RecipeValues, Request


def fields_of(struct: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(struct)}


def test_paths_are_unique() -> None:
    assert len(BY_PATH) == len(NODES)


def test_sequences_are_written_last() -> None:
    assert REQUEST_NODES[-1].path == "Request/Sequence"
    assert ANSWER_NODES[-1].path == "Answer/Sequence"
    assert RECIPE_SET_NODES[-1].path == "Recipe/Set/Revision"


def test_sequence_is_read_first() -> None:
    assert SNAPSHOT_SPECS[0].path == "Request/Sequence"


def test_every_request_node_has_its_field_and_every_field_its_node() -> None:
    beside = {"station", "epoch", "problems"}
    assert {spec.field for spec in REQUEST_NODES} == fields_of(Request) - beside


def test_answers_and_recipes_have_the_fields_of_their_nodes() -> None:
    assert {spec.field for spec in ANSWER_NODES} == fields_of(AnswerOut) | {"sequence"}
    assert {spec.field for spec in RECIPE_SET_NODES} == fields_of(RecipeValues)
    assert {spec.field for spec in RECIPE_ACTIVE_NODES} == fields_of(RecipeValues)


def test_the_mes_writes_answers_and_recipes_and_nothing_else() -> None:
    written = {spec.path for spec in NODES if spec.writer is Writer.MES}
    assert written == {spec.path for spec in (*ANSWER_NODES, *RECIPE_SET_NODES)}


def test_folders_come_before_what_they_hold() -> None:
    request = ("Request", "Request/Consumed", "Request/Profiles", "Request/Marks")
    assert folders() == (*request, "Recipe", "Recipe/Set", "Recipe/Active", "Answer", "Jobs")


def test_only_what_a_station_may_do_without_is_optional() -> None:
    optional = {spec.path.rpartition("/")[0] for spec in NODES if spec.is_optional and spec.writer is Writer.MACHINE}
    assert optional == {"Request/Profiles", "Request/Marks", "Jobs"}
    assert [spec.path for spec in NODES if spec.is_optional and spec.writer is Writer.MES] == ["Answer/SamplesDue"]


def test_node_key_joins_station_and_path() -> None:
    assert node_key("WIND-01", "Request/Sequence") == "WIND-01/Request/Sequence"


def test_a_snapshot_is_read_in_one_call() -> None:
    assert len(SNAPSHOT_SPECS) <= _NODES_PER_CALL_MAX
