"""What the tables `[[matching]]` must agree with: the operation joins as many members as the form holds."""

from collections.abc import Mapping
from typing import Final

from msgspec import structs

from cellwright.errors import ConfigurationError
from cellwright.plant.config.entries import MatchingEntry, OperationEntry
from cellwright.plant.config.problems import Place, Problems
from cellwright.plant.config.tables import Tables, is_known
from cellwright.plant.config.words import shown

NOT_OF_THE_POLICY: Final = frozenset({"operation", "form"})


def check_matching(tables: Tables, problems: Problems) -> None:
    """Check forms and windows; every mistake goes into `problems`."""
    joining = _joining(tables)
    seen: set[str] = set()
    for place, entry in tables.entries(MatchingEntry, *MatchingEntry.__struct_fields__):
        if entry.operation in seen:
            problems.add(place.at("operation"), f"found {shown(entry.operation)} again", "write it once per operation")
        seen.add(entry.operation)
        _check_form(place, entry, joining, problems)
        _check_policy(place, entry, problems)


def _joining(tables: Tables) -> dict[str, int | None]:
    """Return how many members each operation joins, None = it joins none."""
    return {
        operation.code: None if operation.members is None else operation.members.count
        for _, operation in tables.entries(OperationEntry, "code", "members")
        if operation.members is None or is_known(operation.members, "count")
    }


def _check_form(place: Place, entry: MatchingEntry, joining: Mapping[str, int | None], problems: Problems) -> None:
    if entry.operation not in joining:
        return  # a name of nothing is told as such
    count = joining[entry.operation]
    if count is None:
        found = f"found {shown(entry.operation)}, which joins no members"
        problems.add(place.at("operation"), found, "name an operation with `members`")
        return
    from cellwright.analysis.matching import read_form  # noqa: PLC0415 - only a plant that matches pays for the compiler

    try:
        form = read_form(entry.form)
    except ConfigurationError:
        problems.add(place.at("form"), f"found {shown(entry.form)}", "allowed: groups and members such as 4S20P")
        return
    if form.cells_count != count:
        found = f"found {shown(entry.form)}, which are {form.cells_count} members"
        problems.add(place.at("form"), found, f"{entry.operation} joins {count}")


def _check_policy(place: Place, entry: MatchingEntry, problems: Problems) -> None:
    from cellwright.analysis.matching import read_policy  # noqa: PLC0415 - only a plant that matches pays for the compiler

    values = {key: value for key, value in structs.asdict(entry).items() if value is not None}
    try:
        read_policy({key: value for key, value in values.items() if key not in NOT_OF_THE_POLICY}, str(place))
    except ConfigurationError as error:
        problems.mistakes.extend(error.problems)
