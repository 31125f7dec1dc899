"""Writes the documents of the station contract anew: `python -m cellwright.testing.station_documents`."""

import re
from pathlib import Path

from cellwright.links.opcua.nodeset import GROUPS, method_table, node_table, nodeset_xml, status_table

ROOT = Path(__file__).parents[3]
PAGE = Path("docs/reference/station-contract.md")
NODESET = Path("docs/reference/cellwright-station.NodeSet2.xml")

_BLOCK = re.compile(r"<!-- nodes: (\S+) -->\n.*?<!-- end -->", re.DOTALL)


def with_tables(page: str) -> str:
    """Return the reference page with its node tables as the contract has them now."""
    tables = {name: node_table(nodes) for name, nodes in GROUPS}
    tables |= {"JobOrderControl": method_table(), "ReturnStatus": status_table()}
    return _BLOCK.sub(lambda block: f"<!-- nodes: {block[1]} -->\n\n{tables[block[1]]}\n\n<!-- end -->", page)


def groups_in(page: str) -> list[str]:
    """Return the names of the tables that a page holds."""
    return [block[1] for block in _BLOCK.finditer(page)]


def write_station_documents(root: Path = ROOT) -> None:
    """Bring the reference page's tables and the NodeSet file of a checkout up to date."""
    page = root / PAGE
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
    (root / NODESET).write_text(nodeset_xml(), encoding="utf-8")


if __name__ == "__main__":
    write_station_documents()
