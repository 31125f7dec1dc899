"""The documents of the station contract say what the table says, and other tools can load them."""

from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server

from cellwright.links.opcua.contract import NAMESPACE_URI, NODES, STATIONS_FOLDER, NodeSpec, Writer
from cellwright.links.opcua.nodeset import GROUPS, TYPE_NAME, nodeset_xml
from cellwright.links.opcua.values import node_id, variant_type
from cellwright.testing.station_documents import NODESET, PAGE, groups_in, with_tables

pytestmark = pytest.mark.asyncio(loop_scope="module")
REMAKE = "run: python -m cellwright.testing.station_documents"


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / PAGE).read_text(encoding="utf-8")


async def test_the_page_holds_every_table_once(page: str) -> None:
    assert sorted(groups_in(page)) == sorted(name for name, _ in GROUPS)
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
