"""The server side of the station contract: the nodes that a machine offers (for simulators and test doubles)."""

from collections.abc import Callable, Mapping, Sequence

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds

from cellwright.links.opcua.contract import (
    BY_PATH,
    CONTRACT_VERSION,
    JOB_NODES,
    NAMESPACE_URI,
    NODES,
    STATE_PATH,
    STATIONS_FOLDER,
    VERSION_PATH,
    NodeSpec,
    State,
    ValueType,
    Writer,
    folders,
    node_key,
)
from cellwright.links.opcua.serverside_jobs import JobReceiver, add_job_control
from cellwright.links.opcua.values import Value, node_id, to_variant

_EMPTY: dict[ValueType, Value] = {
    ValueType.BOOLEAN: False,
    ValueType.INT32: 0,
    ValueType.UINT32: 0,
    ValueType.INT64: 0,
    ValueType.UINT64: 0,
    ValueType.DOUBLE: 0.0,
    ValueType.STRING: "",
}
_FIRST: dict[str, Value] = {VERSION_PATH: CONTRACT_VERSION, STATE_PATH: State.NOT_EXECUTING.value}

Listener = Callable[[str, Value], None]
"""Called with (path, value) at the moment a node is written."""


class StationServer:
    """One station's nodes inside a running server: the machine's own view, without a network in between."""

    def __init__(self, server: Server, index: int, code: str, *, takes_jobs: bool = False) -> None:
        """Bind to the nodes of station `code` in namespace `index`."""
        self.code = code
        self.takes_jobs = takes_jobs
        self._server = server
        self._receiver: JobReceiver | None = None
        self._ids = {spec.path: node_id(node_key(code, spec.path), index) for spec in NODES}

    async def write(self, values: Mapping[str, Value]) -> None:
        """Write nodes in the order given: put Request/Sequence last. Raises UaError for a wrong type."""
        for path, value in values.items():
            await self.write_raw(path, ua.DataValue(to_variant(BY_PATH[path], value)))

    async def write_raw(self, path: str, value: ua.DataValue) -> None:
        """Write one node with a status or type of its own, as a faulty machine would."""
        await self._server.iserver.write_attribute_value(self._ids[path], value)

    def read(self, path: str) -> Value:
        """Return the present value of a node, arrays as tuples."""
        value = self._server.iserver.read_attribute_value(self._ids[path]).Value
        content = None if value is None else value.Value
        return tuple(content) if isinstance(content, list) else content

    def read_many(self, paths: Sequence[str]) -> dict[str, Value]:
        """Return the present values of several nodes by path."""
        return {path: self.read(path) for path in paths}

    def receive_jobs(self, receiver: JobReceiver | None) -> None:
        """Give calls of JobOrderControl to a receiver, None = the machine is not ready."""
        self._receiver = receiver

    def receiver(self) -> JobReceiver | None:
        """Return who takes calls of JobOrderControl now."""
        return self._receiver

    def listen(self, path: str, listener: Listener) -> None:
        """Call `listener(path, value)` whenever a node is written, by either side."""

        async def on_write(_handle: int, _value: ua.DataValue) -> None:
            listener(path, self.read(path))

        aspace = self._server.iserver.aspace
        status, _ = aspace.add_datachange_callback(self._ids[path], AttributeIds.Value, on_write)
        status.check()


async def build_station(server: Server, code: str, *, takes_jobs: bool = False) -> StationServer:
    """Add a station's objects and variables to a server; MES-written nodes are writable for users, no others.

    With `takes_jobs` the station has JobOrderControl and the columns below Jobs too.
    """
    index = await server.register_namespace(NAMESPACE_URI)
    station = await _add_object(await _stations_folder(server, index), code, code)
    parents = {"": station}
    specs = [spec for spec in NODES if takes_jobs or spec not in JOB_NODES]
    for path in folders(specs):
        above, _, name = path.rpartition("/")
        parents[path] = await _add_object(parents[above], node_key(code, path), name)
    for spec in specs:
        above, _, name = spec.path.rpartition("/")
        await _add_variable(parents[above], node_key(code, spec.path), name, spec)
    made = StationServer(server, index, code, takes_jobs=takes_jobs)
    if takes_jobs:
        await add_job_control(station, code, made.receiver)
    return made


async def _stations_folder(server: Server, index: int) -> Node:
    node = server.get_node(node_id(STATIONS_FOLDER, index))
    if node.nodeid not in server.iserver.aspace:
        await server.nodes.objects.add_folder(node.nodeid, ua.QualifiedName(STATIONS_FOLDER, index))
    return node


async def _add_object(parent: Node, key: str, name: str) -> Node:
    index = int(parent.nodeid.NamespaceIndex)
    return await parent.add_object(node_id(key, index), ua.QualifiedName(name, index))


async def _add_variable(parent: Node, key: str, name: str, spec: NodeSpec) -> None:
    index = int(parent.nodeid.NamespaceIndex)
    first = () if spec.is_array else _FIRST.get(spec.path, _EMPTY[spec.type])
    variant = to_variant(spec, first)
    node = await parent.add_variable(node_id(key, index), ua.QualifiedName(name, index), variant)
    rank = ua.ValueRank.OneDimension if spec.is_array else ua.ValueRank.Scalar
    await node.write_attribute(AttributeIds.ValueRank, ua.DataValue(ua.Variant(rank.value, ua.VariantType.Int32)))
    if spec.writer is Writer.MES:
        await node.set_writable()
