"""Lots that another system recorded come in through `cellwright import`, and every link is traced, both ways."""

import asyncio
import csv
import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec import Struct

from cellwright.database.pool import Connection, connect
from cellwright.journal.audit import Author
from cellwright.links.lotfile.columns import COLUMNS
from cellwright.model.answers import Answer, Receipt
from cellwright.model.commands import Command, ReceiveLot, Submission
from cellwright.model.facts import UNPLACED
from cellwright.plant.clock import host_clock
from cellwright.plant.config import find_plant, load_plant
from cellwright.plant.lot_import import find_standing, open_file, rehearse, submit
from cellwright.plant.runtime import open_gate
from cellwright.rules.positions import Basis
from cellwright.testing.database import Databases
from cellwright.views.history import Event, lot_history
from cellwright.views.people import catch_up
from cellwright.views.trace import Trace, find_code, trace_backward, trace_forward

GRAPH = Path("shared/data/cells/kiprobatt_genealogy.jsonl.gz")
Line = dict[str, Any]


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    started = asyncio.run(Databases.start())
    yield started
    asyncio.run(started.stop())


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with asyncio.Runner() as runner:
        fresh = databases.fresh()
        yield runner.run(fresh.__aenter__())
        runner.run(fresh.__aexit__(None, None, None))


def called(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cellwright", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def imported(url: str, path: Path, *options: str, code: int = 0) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(called("import", path, "--database", url, "--json", *options, code=code).stdout)
    return report


def asked(url: str, question: str, *arguments: Any) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question, *arguments)
        finally:
            await connection.close()

    return asyncio.run(ask())


def facts_count(url: str) -> int:
    return int(asked(url, "SELECT count(*) FROM fact"))


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Connection]:
    connection = await connect(url, name="test")
    try:
        yield connection
    finally:
        await connection.close()


def write_csv(path: Path, lines: Iterable[Line], columns: Sequence[str] = tuple(COLUMNS)) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return path


# --- the production graph of a real laboratory line -------------------------------------------------


class Graph(Struct, frozen=True):
    """Nodes by id; links are (what was made, what it was made of) with the type of the node that had the link."""

    nodes: Mapping[str, Line]
    links: Sequence[tuple[str, str, str]]

    def is_known(self, link: tuple[str, str, str]) -> bool:
        return link[1] in self.nodes


def kind_of(node: Line) -> str:
    """Return parameter, step, object or process: what a node of the graph is."""
    types = " ".join(node["@type"])
    if "Parameter" in types:
        return "parameter"
    if "ProcessStepInstance" in types:
        return "step"
    return "object" if "LabProcessObject" in types else "process"


def read_graph(path: Path) -> Graph:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        nodes = {node["@id"]: node for node in map(json.loads, file)}
    linked = ((node, kind_of(node)) for node in nodes.values() if "HasPredecessor" in node)
    links = [
        (owner_of(node) if kind == "parameter" else node["@id"], node["HasPredecessor"], kind) for node, kind in linked
    ]
    return Graph(nodes, links)


def owner_of(parameter: Line) -> str:
    """A parameter says of an object, or where it names none of a step, what went into it."""
    owner: str = parameter.get("IsObjectParameterOf") or parameter["IsProcessParameterOf"]
    return owner


def lines_of(graph: Graph, links: Iterable[tuple[str, str, str]]) -> Iterator[Line]:
    """Objects are lots counted in pieces; a step is the work as it left the step. Parameters and processes are none."""
    parents: dict[str, list[str]] = {}
    for child, parent, _ in links:
        parents.setdefault(child, []).append(parent)
    for name, node in graph.nodes.items():
        if kind_of(node) not in {"object", "step"}:
            continue
        line = {
            "lot": name,
            "material": material_of(node),
            "measure": "count",
            "made_at": node.get("HasEndDateAndTime", ""),
        }
        if node.get("HasNumberOfEntities", 0) > 0:
            line["quantity"] = f"{node['HasNumberOfEntities']:.0f}"
        yield from ({**line, "parent": parent} for parent in parents.get(name, [""]))


def material_of(node: Line) -> str:
    """`kiprobatt:ElectrodeFoil@en` is an ElectrodeFoil."""
    label: str = node.get("HasLabel", ":work_in_process")
    return label.partition(":")[2].partition("@")[0]


@pytest.fixture(scope="module")
def graph(checkout: Path) -> Graph:
    found = [parent / GRAPH for parent in checkout.parents if (parent / GRAPH).is_file()]
    if not found:
        pytest.skip(f"{GRAPH} is not beside this checkout")
    return read_graph(found[0])


def test_the_real_graph_is_what_these_tests_say_of_it(graph: Graph) -> None:
    """2,899 links: 2,357 lead to a node of the file, 542 to 209 nodes that the file does not hold; none is in a cycle."""
    assert len(graph.nodes) == 24_577
    kinds = Counter(kind_of(node) for node in graph.nodes.values())
    assert kinds == {"parameter": 17_736, "object": 4_549, "step": 1_574, "process": 718}
    assert len(graph.links) == 2_899
    targets = Counter(
        (kind, kind_of(graph.nodes[parent]) if parent in graph.nodes else "missing") for _, parent, kind in graph.links
    )
    assert targets == {
        ("parameter", "object"): 1_505,
        ("step", "step"): 852,
        ("parameter", "missing"): 476,
        ("step", "missing"): 66,
    }
    children = Counter(kind_of(graph.nodes[child]) for child, _, kind in graph.links if kind == "parameter")
    assert children == {"object": 1_971, "step": 10}
    assert len({link[1] for link in graph.links if not graph.is_known(link)}) == 209


@pytest.mark.timeout(600)
def test_every_predecessor_link_of_the_real_graph_is_traced_both_ways(url: str, graph: Graph, tmp_path: Path) -> None:
    refused = imported(url, write_csv(tmp_path / "whole.csv", lines_of(graph, graph.links)), code=1)
    assert [each["column"] for each in refused["problems"]] == ["parent"] * 542
    assert all(
        "which is known neither here nor in the import; add it, or empty it" in each["text"]
        for each in refused["problems"]
    )
    assert (refused["imported_lots"], asked(url, "SELECT count(*) FROM lot"), facts_count(url)) == (0, 0, 0)

    known = [link for link in graph.links if graph.is_known(link)]
    path = write_csv(tmp_path / "kiprobatt.csv", lines_of(graph, known))
    rehearsed = imported(url, path, "--dry-run")
    assert (rehearsed["lots"], rehearsed["parents"], facts_count(url)) == (6_123, 2_357, 0)
    report = imported(url, path)
    assert (report["imported_lots"], report["known_lots"], report["problems"]) == (6_123, 0, [])
    assert asked(url, "SELECT count(*) FROM lot WHERE status = 'unreleased' AND remaining = 0") == 6_123
    assert asked(url, "SELECT count(*) FROM lot_part") == 2_357

    before = facts_count(url)
    again = imported(url, path)
    assert (again["imported_lots"], again["known_lots"], facts_count(url)) == (0, 6_123, before)

    back, ahead = asyncio.run(traced(url, known))
    assert sum(is_linked(back[child], child, parent) for child, parent, _ in known) == 2_357
    assert sum(is_linked(ahead[parent], child, parent) for child, parent, _ in known) == 2_357
    parents, children = neighbours(known)
    assert {code: codes_in(trace) for code, trace in back.items()} == {code: walked(parents, code) for code in back}
    assert {code: codes_in(trace) for code, trace in ahead.items()} == {code: walked(children, code) for code in ahead}
    for trace in (*back.values(), *ahead.values()):
        assert {node.basis for node in trace.nodes if node.code != trace.subject} == {Basis.LOT}
    assert "equal" in called("check", "--database", url).stdout


async def traced(url: str, links: Sequence[tuple[str, str, str]]) -> tuple[dict[str, Trace], dict[str, Trace]]:
    """Trace every lot that was made backward, every lot that was used forward."""
    async with reading(url) as connection:
        numbers = {code: (await find_code(connection, code)).number for link in links for code in link[:2]}
        back = {child: await trace_backward(connection, numbers[child]) for child in {link[0] for link in links}}
        ahead = {parent: await trace_forward(connection, numbers[parent]) for parent in {link[1] for link in links}}
    return back, ahead


def is_linked(trace: Trace, child: str, parent: str) -> bool:
    return any((link.made, link.consumed) == (child, parent) for link in trace.links)


def codes_in(trace: Trace) -> set[str]:
    return {node.code for node in trace.nodes}


def neighbours(links: Iterable[tuple[str, str, str]]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    parents: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    for child, parent, _ in links:
        parents.setdefault(child, set()).add(parent)
        children.setdefault(parent, set()).add(child)
    return parents, children


def walked(onward: Mapping[str, set[str]], start: str) -> set[str]:
    """Everything that a plain walk over the links reaches."""
    reached, waiting = {start}, [start]
    while waiting:
        new = onward.get(waiting.pop(), set()) - reached
        reached |= new
        waiting += new
    return reached


# --- files of people --------------------------------------------------------------------------------


HOW_TO = Path("docs/how-to/import-lots.md")


def how_to(checkout: Path, kind: str) -> list[str]:
    text = (checkout / HOW_TO).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def said(text: str) -> str:
    """What a block of a page shows after its command."""
    return text.partition("\n")[2]


def test_the_page_shows_what_happens(url: str, checkout: Path, tmp_path: Path) -> None:
    rehearsed, first, again, traced_back = map(said, how_to(checkout, "console"))
    (content,) = how_to(checkout, "csv")
    path = tmp_path / "old-mes.csv"
    wrong = content.replace("2025-12-01T06:20:00+08:00", "2025-12-01 06:20").replace(",SLURRY-88,", ",SLURRY-89,")
    path.write_text(wrong.replace("0,480000,2", "0,490000,2"))
    place = ("--database", url)
    assert called("import", path, "--dry-run", *place, code=1).stdout == rehearsed
    assert called("import", path, *place, code=1).stdout == rehearsed
    path.write_text(content)
    assert "4 lots to be imported, nothing is wrong" in called("import", path, "--dry-run", *place).stdout
    assert facts_count(url) == 0
    assert called("import", path, *place).stdout == first
    renamed = path.rename(tmp_path / "old-mes-copy.csv")
    assert called("import", renamed, *place).stdout.replace("-copy", "") == again
    assert called("trace", "REEL-20-2", "--backward", *place).stdout == traced_back
    assert facts_count(url) == 1


def test_an_import_is_in_the_audit_trail_and_in_the_history_of_its_lots(url: str, tmp_path: Path) -> None:
    lines: list[Line] = [
        {"lot": "A", "material": "x", "measure": "mm", "quantity": 7},
        {"lot": "B", "material": "y", "measure": "mm", "parent": "A"},
    ]
    imported(url, write_csv(tmp_path / "two.csv", lines))
    assert asked(url, "SELECT actor FROM audit WHERE action = 'ImportLots' AND named @> ARRAY['B']") == "cli"

    async def events() -> list[Event]:
        async with reading(url) as connection:
            await catch_up(connection)
            number = (await find_code(connection, "A")).number
            return list((await lot_history(connection, number)).events)

    (event,) = asyncio.run(events())
    assert (event.kind, event.quantity, event.reason) == ("LotsImported", 7, "two.csv")
    assert [(part.parent, part.child, part.tolerance) for part in event.parts] == [("A", "B", UNPLACED)]


def test_a_lot_that_is_known_is_refused_and_may_be_a_parent(url: str, tmp_path: Path) -> None:
    old = {"lot": "OLD", "material": "x", "measure": "mm", "quantity": 100}
    imported(url, write_csv(tmp_path / "old.csv", [old]))
    grown = write_csv(tmp_path / "grown.csv", [old, {"lot": "NEW", "material": "y", "measure": "mm", "parent": "OLD"}])
    (problem,) = imported(url, grown, code=1)["problems"]
    assert (problem["line"], problem["column"], "known here already" in problem["text"]) == (2, "lot", True)
    new = {"lot": "NEW", "material": "y", "measure": "count", "quantity": 10, "parent": "OLD"}
    placed = {"parent_start": 40, "parent_end": 60, "lot_start": 0, "lot_end": 10}
    imported(url, write_csv(tmp_path / "new.csv", [new | placed]))

    async def forward(start: int, end: int) -> dict[str, Basis]:
        async with reading(url) as connection:
            trace = await trace_forward(connection, (await find_code(connection, "OLD")).number, start=start, end=end)
            return {node.code: node.basis for node in trace.nodes}

    assert asyncio.run(forward(50, 52)) == {"OLD": Basis.EXACT, "NEW": Basis.EXACT}
    assert asyncio.run(forward(60, 100)) == {"OLD": Basis.EXACT}


# --- cut off, overtaken -----------------------------------------------------------------------------


def many(path: Path) -> Path:
    """A file of three pages; the lots of the last are made of lots of the first."""
    lines = [{"lot": f"L{number}", "material": "x", "measure": "count", "quantity": 1} for number in range(1_000)]
    for number in range(900, 1_000):
        lines[number]["parent"] = f"L{number - 900}"
    return write_csv(path, lines)


async def import_part(url: str, path: Path, pages: int, between: Command | None = None) -> list[str]:
    """Import the first pages of a file, as if the program ended then; return what was refused."""
    plant, refused = load_plant(find_plant("lfp32700")), list[str]()
    wanted = open_file(path)
    async with reading(url) as connection, open_gate(url, plant, host_clock) as gate:
        standing = await find_standing(connection, wanted)
        assert await rehearse(connection, plant, wanted, standing, now_us=host_clock()) == []
        if between is not None:
            await gate.submit(Submission(source="x", epoch=1, seq=1, time_us=1, actor="x", command=between))
        done = submit(gate, wanted, standing, now_us=host_clock(), author=Author(actor="cli", terminal="test"))
        for _ in range(pages):
            refused += [each.text for each in (await anext(done))[1]]
    return refused


def test_an_import_that_was_cut_off_goes_on_where_it_stopped(url: str, tmp_path: Path) -> None:
    path = many(tmp_path / "many.csv")
    assert asyncio.run(import_part(url, path, 1)) == []
    assert asked(url, "SELECT count(*) FROM lot") == 400
    report = imported(url, path, "--dry-run")
    assert (report["known_lots"], report["imported_lots"], report["pages"]) == (400, 0, 3)
    assert (imported(url, path)["imported_lots"], imported(url, path)["known_lots"]) == (600, 1_000)
    assert asked(url, "SELECT count(*) FROM lot_part") == 100


def test_a_page_that_was_overtaken_is_refused_whole_and_asked_again_anew(url: str, tmp_path: Path) -> None:
    path = many(tmp_path / "many.csv")
    overtaking = ReceiveLot(lot="L500", material="can", quantity=1)
    (refused,) = asyncio.run(import_part(url, path, 2, overtaking))
    assert "'L500' is known here already" in refused
    assert asked(url, "SELECT count(*) FROM lot") == 401
    report = imported(url, path, code=1)
    assert [(each["line"], each["column"]) for each in report["problems"]] == [(502, "lot")]
    assert (report["known_lots"], report["imported_lots"]) == (400, 0)


def test_another_gate_is_not_disturbed(url: str, tmp_path: Path) -> None:
    """The plant's gate goes on with its own work before, while and after a file comes in."""
    path = many(tmp_path / "many.csv")

    async def work() -> list[Answer]:
        plant = load_plant(find_plant("lfp32700"))
        async with open_gate(url, plant, host_clock) as gate:
            importing = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cellwright", "import", path, "--database", url, stdout=-3, stderr=-3
            )
            answers: list[Answer] = []
            while importing.returncode is None or len(answers) < 20:
                lot = ReceiveLot(lot=f"OWN-{len(answers)}", material="can", quantity=1)
                seq = len(answers) + 1
                answers.append(
                    await gate.submit(Submission(source="x", epoch=1, seq=seq, time_us=1, actor="x", command=lot))
                )
            assert await importing.wait() == 0
            return answers

    answers = asyncio.run(work())
    assert set(map(type, answers)) == {Receipt}
    assert asked(url, "SELECT count(*) FROM lot") == 1_000 + len(answers)
    assert "equal" in called("check", "--database", url).stdout
