"""What the tables `[[samples]]` must agree with: units are made by the operation, and its stations have the tools."""

from collections.abc import Mapping, Sequence

from cellwright.model.routes import OperationKind
from cellwright.plant.config.entries import OperationEntry, SampleEntry, StationEntry
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.tables import Tables, is_known, items
from cellwright.plant.config.units import has_unit
from cellwright.plant.config.words import choices, shown


def check_samples(tables: Tables, problems: Problems) -> None:
    """Check plans of samples; every mistake goes into `problems`."""
    kinds = {each.code: each.kind for _, each in tables.entries(OperationEntry, "code", "kind")}
    tools = _tools(tables)
    seen: set[str] = set()
    for place, entry in tables.entries(SampleEntry, "operation"):
        if entry.operation in seen:
            problems.add(place.at("operation"), f"found {shown(entry.operation)} again", "write it once per operation")
        seen.add(entry.operation)
        if kinds.get(entry.operation) is OperationKind.LOT:
            found = f"found {shown(entry.operation)}, which makes lots"
            problems.add(place.at("operation"), found, "name an operation of kind commission or unit")
        _check_tools(place, entry, tools, problems)
        _check_judged(place, entry, problems)


def _tools(tables: Tables) -> dict[str, list[str]]:
    """Return the tools of the stations of each operation."""
    found: dict[str, list[str]] = {}
    for place, station in tables.entries(StationEntry, "operations", "tools"):
        names = [tool.code for _, tool in items(place, station.tools, "code")]
        for code in station.operations:
            found.setdefault(code, []).extend(names)
    return found


def _check_tools(place: Place, entry: SampleEntry, tools: Mapping[str, Sequence[str]], problems: Problems) -> None:
    if not tools:
        return
    known = tools.get(entry.operation, ())
    for spot, tool in items(place.at("tools"), entry.tools):
        if tool not in known:
            allowed = f"allowed: a tool of a station that does {entry.operation}: {choices(tool, known)}"
            problems.add(spot, f"found {shown(tool)}", allowed)


def _check_judged(place: Place, entry: SampleEntry, problems: Problems) -> None:
    """A sample that nothing condemns proves nothing; a way to fail is good or bad."""
    if not is_known(entry, "characteristic", "lower", "upper", "good_modes", "bad_modes"):
        return
    if not has_unit(entry.characteristic):
        advice = "end it in its unit, as pull_n"
        problems.warn(place.at("characteristic"), f"{shown(entry.characteristic)} does not end in a unit", advice)
    if entry.lower is not None and entry.upper is not None and entry.lower > entry.upper:
        found = f"found lower = {entry.lower:g} above upper = {entry.upper:g}"
        problems.add(place.at("lower"), found, "swap them: lower is the smaller one")
    if entry.lower is None and entry.upper is None and not entry.bad_modes:
        problems.add(place, "no sample can fail", "give lower, upper or bad_modes")
    for mode in sorted(set(entry.good_modes) & set(entry.bad_modes)):
        problems.add(place.at("bad_modes"), f"found {shown(mode)}, which is a good mode too", "let it stand once")
