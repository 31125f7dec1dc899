"""The documents of the station contract say what the table says, and other tools can load them."""

from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server

from cellwright.links.opcua.contract import (
    METHODS,
    NAMESPACE_URI,
    NODES,
    RETURN_STATUS,
    STATIONS_FOLDER,
    ArgumentSpec,
    MethodSpec,
    NodeSpec,
    Writer,
)
from cellwright.links.opcua.jobs import STATUS_MEANINGS, HeldState, ReturnStatus
from cellwright.links.opcua.nodeset import GROUPS, TYPE_NAME, nodeset_xml
from cellwright.links.opcua.values import node_id, variant_type
from cellwright.testing.station_documents import NODESET, PAGE, groups_in, with_tables

pytestmark = pytest.mark.asyncio(loop_scope="module")
REMAKE = "run: python -m cellwright.testing.station_documents"


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / PAGE).read_text(encoding="utf-8")


async def test_the_page_holds_every_table_once(page: str) -> None:
    assert sorted(groups_in(page)) == sorted(["JobOrderControl", "ReturnStatus", *(name for name, _ in GROUPS)])
    assert sum(len(nodes) for _, nodes in GROUPS) == len(NODES)


async def test_the_tables_of_the_page_are_those_of_the_contract(page: str) -> None:
    assert page == with_tables(page), REMAKE


async def test_the_nodeset_file_is_that_of_the_contract(checkout: Path) -> None:
    assert (checkout / NODESET).read_text(encoding="utf-8") == nodeset_xml(), REMAKE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def press(checkout: Path) -> Node:
    """A station made from the NodeSet file by a server that knows nothing of ours."""
    server = Server()
    await server.init()
    await server.import_xml(str(checkout / NODESET))
    index = await server.get_namespace_index(NAMESPACE_URI)
    stations = server.get_node(node_id(STATIONS_FOLDER, index))
    type_id = node_id(TYPE_NAME, index)
    return await stations.add_object(node_id("PRESS-01", index), ua.QualifiedName("PRESS-01", index), type_id)


async def test_the_folder_of_stations_is_below_objects(press: Node) -> None:
    folder = await press.get_parent()
    assert folder is not None
    assert (await folder.read_browse_name()).Name == STATIONS_FOLDER
    above = await folder.get_parent()
    assert above is not None
    assert above.nodeid.Identifier == ua.ObjectIds.ObjectsFolder


@pytest.mark.parametrize("spec", NODES, ids=lambda spec: spec.path)
async def test_a_station_made_from_the_nodeset_has_every_node(press: Node, spec: NodeSpec) -> None:
    index = press.nodeid.NamespaceIndex
    node = await press.get_child([f"{index}:{name}" for name in spec.path.split("/")])
    assert await node.read_data_type_as_variant_type() == variant_type(spec)
    assert await node.read_value_rank() == (1 if spec.is_array else -1)
    may_write = ua.AccessLevel.CurrentWrite in await node.get_user_access_level()
    assert may_write == (spec.writer is Writer.MES)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
async def test_a_station_made_from_the_nodeset_has_every_method_with_its_arguments(
    press: Node, method: MethodSpec
) -> None:
    index = press.nodeid.NamespaceIndex
    node = await press.get_child([f"{index}:{name}" for name in method.path.split("/")])
    assert await node.read_node_class() == ua.NodeClass.Method
    inputs, outputs = [
        await (await node.get_child(f"0:{name}")).read_value() for name in ("InputArguments", "OutputArguments")
    ]
    assert [signature(each) for each in inputs] == [signature_of(spec) for spec in method.inputs]
    assert [signature(each) for each in outputs] == [signature_of(RETURN_STATUS)]


def signature(argument: ua.Argument) -> tuple[object, ...]:
    return argument.Name, argument.DataType.Identifier, argument.ValueRank, argument.Description.Text


def signature_of(spec: ArgumentSpec) -> tuple[object, ...]:
    return spec.name, getattr(ua.ObjectIds, spec.type), 1 if spec.is_array else -1, spec.meaning


async def test_every_status_and_state_of_job_orders_is_in_the_page(page: str) -> None:
    assert list(STATUS_MEANINGS) == list(ReturnStatus)
    assert ", ".join(list(HeldState)[:-1]) + f" or {HeldState.ABORTED}" in page
