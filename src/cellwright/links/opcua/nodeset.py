"""The contract as documents: a NodeSet2 file for a machine builder's tools, and the tables of the reference page."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from cellwright.links.opcua.contract import (
    ANSWER_NODES,
    CONTRACT_VERSION,
    JOB_CONTROL_PATH,
    JOB_NODES,
    METHODS,
    NAMESPACE_URI,
    NODES,
    RECIPE_ACTIVE_NODES,
    RECIPE_SET_NODES,
    REQUEST_NODES,
    RETURN_STATUS,
    STATION_NODES,
    STATIONS_FOLDER,
    VERSION_PATH,
    ArgumentSpec,
    MethodSpec,
    NodeSpec,
    ValueType,
    Writer,
    folders,
    paths_above,
)
from cellwright.links.opcua.jobs import STATUS_MEANINGS

TYPE_NAME = "StationType"
_NODESET = "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"
_TYPES = "http://opcfoundation.org/UA/2008/02/Types.xsd"
_PUBLISHED = "2026-01-01T00:00:00Z"
_BASE_MODEL = {
    "ModelUri": "http://opcfoundation.org/UA/",
    "Version": "1.04",
    "PublicationDate": "2018-05-15T00:00:00Z",
}
# Numeric ids of OPC 10000-6, Annex A.
_ALIASES = {
    "Boolean": "i=1",
    "Int32": "i=6",
    "UInt32": "i=7",
    "Int64": "i=8",
    "UInt64": "i=9",
    "Double": "i=11",
    "String": "i=12",
    "Organizes": "i=35",
    "HasModellingRule": "i=37",
    "HasTypeDefinition": "i=40",
    "HasSubtype": "i=45",
    "HasProperty": "i=46",
    "HasComponent": "i=47",
}
_OBJECTS_FOLDER = "i=85"
_BASE_OBJECT_TYPE = "i=58"
_FOLDER_TYPE = "i=61"
_BASE_DATA_VARIABLE_TYPE = "i=63"
_PROPERTY_TYPE = "i=68"
_ARGUMENT, _ARGUMENT_AS_XML = "i=296", "i=297"
_MANDATORY, _OPTIONAL = "i=78", "i=80"
_READ, _READ_WRITE = "1", "3"

_NEEDED = frozenset(
    path for spec in NODES if not spec.is_optional for path in (spec.path, *paths_above(spec.path))
)  # fmt: skip
"""Paths that every station has: its nodes that are not optional, and the folders above them."""

GROUPS: tuple[tuple[str, Sequence[NodeSpec]], ...] = (
    ("Station", STATION_NODES),
    ("Request", REQUEST_NODES),
    ("Recipe/Set", RECIPE_SET_NODES),
    ("Recipe/Active", RECIPE_ACTIVE_NODES),
    ("Answer", ANSWER_NODES),
    ("Jobs", JOB_NODES),
)
"""The nodes as the reference page shows them."""


def node_table(nodes: Sequence[NodeSpec]) -> str:
    """Return a Markdown table of nodes."""
    rows = [
        f"| `{node.path}` | {node.type_text} | {node.writer} | {node.meaning}{' Optional.' if node.is_optional else ''} |"
        for node in nodes
    ]
    return "\n".join(["| node | type | written by | meaning |", "|---|---|---|---|", *rows])


def method_table() -> str:
    """Return a Markdown table of the methods and their arguments."""
    rows = [
        f"| `{method.path}` | `{spec.name}` | {spec.type_text} | {spec.meaning} |"
        for method in METHODS
        for spec in method.inputs
    ]
    return "\n".join(["| method | argument | type | meaning |", "|---|---|---|---|", *rows])


def status_table() -> str:
    """Return a Markdown table of what the methods return."""
    rows = [
        f"| {int(status).bit_length() - 1} | {int(status):#x} | {meaning} |"
        for status, meaning in STATUS_MEANINGS.items()
    ]
    return "\n".join(["| bit | value | meaning |", "|---|---|---|", *rows])


def nodeset_xml() -> str:
    """Return the NodeSet2 document: object type `StationType` with every node, and the folder `Stations`."""
    root = ET.Element("UANodeSet", {"xmlns": _NODESET})
    ET.SubElement(ET.SubElement(root, "NamespaceUris"), "Uri").text = NAMESPACE_URI
    models = ET.SubElement(root, "Models")
    version = {"Version": f"{CONTRACT_VERSION}.0.0", "PublicationDate": _PUBLISHED}
    model = ET.SubElement(models, "Model", {"ModelUri": NAMESPACE_URI, **version})
    ET.SubElement(model, "RequiredModel", _BASE_MODEL)
    aliases = ET.SubElement(root, "Aliases")
    for name, identifier in _ALIASES.items():
        ET.SubElement(aliases, "Alias", {"Alias": name}).text = identifier
    _add_folder(root)
    _add_type(root)
    ET.indent(root, "  ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _add_folder(root: ET.Element) -> None:
    node = _node(root, "UAObject", STATIONS_FOLDER, {})
    _references(node, [("HasTypeDefinition", _FOLDER_TYPE, True), ("Organizes", _OBJECTS_FOLDER, False)])


def _add_type(root: ET.Element) -> None:
    node = _node(root, "UAObjectType", TYPE_NAME, {})
    _references(node, [("HasSubtype", _BASE_OBJECT_TYPE, False)])
    for path in folders():
        _add_component(root, "UAObject", path, _BASE_OBJECT_TYPE, {})
    for spec in NODES:
        variable = _add_component(root, "UAVariable", spec.path, _BASE_DATA_VARIABLE_TYPE, _attributes(spec))
        _add_value(variable, spec)
        ET.SubElement(variable, "Description").text = spec.meaning
        variable[:] = sorted(variable, key=lambda each: _ORDER.index(each.tag))
    _add_component(root, "UAObject", JOB_CONTROL_PATH, _BASE_OBJECT_TYPE, {})
    for method in METHODS:
        _add_method(root, method)


def _add_method(root: ET.Element, method: MethodSpec) -> None:
    node = _add_component(root, "UAMethod", method.path, "", {})
    ET.SubElement(node, "Description").text = method.meaning
    node[:] = sorted(node, key=lambda each: _ORDER.index(each.tag))
    _add_arguments(root, method.path, "InputArguments", method.inputs)
    _add_arguments(root, method.path, "OutputArguments", (RETURN_STATUS,))


def _add_arguments(root: ET.Element, path: str, name: str, specs: Sequence[ArgumentSpec]) -> None:
    parent = f"ns=1;s={TYPE_NAME}/{path}"
    rank = {"ValueRank": "1", "ArrayDimensions": str(len(specs))}
    node = _node(
        root, "UAVariable", f"{TYPE_NAME}/{path}/{name}", {"ParentNodeId": parent, "DataType": _ARGUMENT, **rank}
    )
    node.set("BrowseName", name)  # of the standard's own namespace
    references = [("HasTypeDefinition", _PROPERTY_TYPE, True), ("HasModellingRule", _MANDATORY, True)]
    _references(node, [*references, ("HasProperty", parent, False)])
    holder = ET.SubElement(ET.SubElement(node, "Value"), "ListOfExtensionObject", {"xmlns": _TYPES})
    for spec in specs:
        extension = ET.SubElement(holder, "ExtensionObject")
        ET.SubElement(ET.SubElement(extension, "TypeId"), "Identifier").text = _ARGUMENT_AS_XML
        argument = ET.SubElement(ET.SubElement(extension, "Body"), "Argument")
        ET.SubElement(argument, "Name").text = spec.name
        ET.SubElement(ET.SubElement(argument, "DataType"), "Identifier").text = _ALIASES[spec.type]
        ET.SubElement(argument, "ValueRank").text = "1" if spec.is_array else "-1"
        ET.SubElement(argument, "ArrayDimensions")
        ET.SubElement(ET.SubElement(argument, "Description"), "Text").text = spec.meaning


_ORDER = ("DisplayName", "Description", "References", "Value")


def _attributes(spec: NodeSpec) -> dict[str, str]:
    access = _READ_WRITE if spec.writer is Writer.MES else _READ
    rank = {"ValueRank": "1", "ArrayDimensions": "0"} if spec.is_array else {"ValueRank": "-1"}
    return {"DataType": spec.type.value, **rank, "AccessLevel": access, "UserAccessLevel": access}


def _add_value(variable: ET.Element, spec: NodeSpec) -> None:
    value = ET.SubElement(variable, "Value")
    if spec.is_array:
        ET.SubElement(value, f"ListOf{spec.type}", {"xmlns": _TYPES})
    else:
        ET.SubElement(value, spec.type.value, {"xmlns": _TYPES}).text = _first(spec)


def _first(spec: NodeSpec) -> str:
    if spec.path == VERSION_PATH:
        return str(CONTRACT_VERSION)
    return {ValueType.STRING: "", ValueType.BOOLEAN: "false"}.get(spec.type, "0")


def _add_component(root: ET.Element, tag: str, path: str, definition: str, attributes: dict[str, str]) -> ET.Element:
    above = path.rpartition("/")[0]
    parent = f"ns=1;s={TYPE_NAME}/{above}" if above else f"ns=1;s={TYPE_NAME}"
    node = _node(root, tag, f"{TYPE_NAME}/{path}", {"ParentNodeId": parent, **attributes})
    rule = _MANDATORY if path in _NEEDED else _OPTIONAL
    references = [("HasTypeDefinition", definition, True)] if definition else []
    _references(node, [*references, ("HasModellingRule", rule, True), ("HasComponent", parent, False)])
    return node


def _node(root: ET.Element, tag: str, key: str, attributes: dict[str, str]) -> ET.Element:
    name = key.rpartition("/")[2]
    node = ET.SubElement(root, tag, {"NodeId": f"ns=1;s={key}", "BrowseName": f"1:{name}", **attributes})
    ET.SubElement(node, "DisplayName").text = name
    return node


def _references(node: ET.Element, references: Sequence[tuple[str, str, bool]]) -> None:
    holder = ET.SubElement(node, "References")
    for kind, target, is_forward in references:
        direction = {} if is_forward else {"IsForward": "false"}
        ET.SubElement(holder, "Reference", {"ReferenceType": kind, **direction}).text = target
