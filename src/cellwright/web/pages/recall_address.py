"""The question of a recall as its address writes it: `lot` with `start`, `end` and `lane`, `machine` with times.

Times are `from` and `to`; `tool`, `channel` and `carrier` narrow a machine down.

Each may be named more than once, all of a kind equally often: the second `start` belongs to the second `lot`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from cellwright.plant.recall_questions import (
    CHANNEL_MAX,
    LANE_MAX,
    LOTS_MAX,
    STATIONS_MAX,
    AskedLot,
    AskedRecall,
    AskedStation,
    FieldProblem,
)
from cellwright.web.question import Question, read_time

_OF_LOTS: Final = ("start", "end", "lane")
_OF_STATIONS: Final = ("from", "to", "tool", "channel", "carrier")
_DIGITS_MAX: Final = 18


def is_asked(question: Question) -> bool:
    """Tell whether an address names anything that could be in doubt."""
    return any(each.strip() for name in ("lot", "machine") for each in question.repeated.get(name, ()))


def asked_in(question: Question) -> tuple[AskedRecall, tuple[FieldProblem, ...]]:
    """Return what an address asks, and what in it is no number, time, or one for each; that is left out."""
    problems: list[FieldProblem] = []
    lots = [_lot(number, row, problems) for number, row in enumerate(_rows(question, "lot", _OF_LOTS, problems))]
    rows = _rows(question, "machine", _OF_STATIONS, problems)
    stations = [_station(number, row, problems) for number, row in enumerate(rows)]
    for kind, found, limit in (("lots", lots, LOTS_MAX), ("stations", stations, STATIONS_MAX)):
        if len(found) > limit:
            text = f"{len(found)} {kind} at once; name at most {limit}, and recall the rest under the same code"
            problems.append(FieldProblem(path=kind, code="too_many", text=text, values={"limit": limit}))
    return AskedRecall(lots=tuple(lots[:LOTS_MAX]), stations=tuple(stations[:STATIONS_MAX])), tuple(problems)


def _rows(
    question: Question, key: str, names: Sequence[str], problems: list[FieldProblem]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the codes that are named, each with its own of the other values."""
    codes = question.repeated.get(key, ())
    columns: dict[str, Sequence[str]] = {}
    for name in names:
        values = question.repeated.get(name, ())
        if codes and len(values) not in (0, len(codes)):
            text = (
                f"{len(values)} times {name} for {len(codes)} times {key}; give it once for each, empty where none is"
            )
            problems.append(FieldProblem(path=name, code="uneven", text=text, values={"name": name, "key": key}))
        else:
            columns[name] = values
    for number, code in enumerate(codes):
        if code.strip():
            yield code.strip(), {name: values[number].strip() for name, values in columns.items() if values}


def _lot(number: int, row: tuple[str, dict[str, str]], problems: list[FieldProblem]) -> AskedLot:
    code, texts = row
    numbers: dict[str, int | None] = {}
    for name in _OF_LOTS:
        text, most = texts.get(name, ""), LANE_MAX if name == "lane" else 10**_DIGITS_MAX - 1
        is_whole = text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX and int(text) <= most
        numbers[name] = int(text) if is_whole else None
        if text and not is_whole:
            said = f"{text[:40]!r} is no whole number from 0 to {most}; {name} is counted in the lot's measure"
            said = f"{text[:40]!r} is no lane; give a whole number up to {most}, 0 = all" if name == "lane" else said
            problems.append(FieldProblem(path=f"lots.{number}.{name}", code="number", text=said))
    return AskedLot(lot=code, start=numbers["start"], end=numbers["end"], lane=numbers["lane"] or 0)


def _station(number: int, row: tuple[str, dict[str, str]], problems: list[FieldProblem]) -> AskedStation:
    code, texts = row
    moments: dict[str, int] = {}
    for name in ("from", "to"):
        try:
            moments[name] = read_time(texts.get(name, ""))
        except ValueError:
            moments[name] = 0
            text = f"{texts.get(name, '')[:40]!r} is no time; write one like 2026-03-01T14:05 (UTC)"
            problems.append(FieldProblem(path=f"stations.{number}.{name}", code="time", text=text))
    return AskedStation(
        station=code,
        from_us=moments["from"],
        to_us=moments["to"],
        tool=texts.get("tool", ""),
        channel=_channel(number, texts.get("channel", ""), problems),
        carrier=texts.get("carrier", ""),
    )


def _channel(number: int, text: str, problems: list[FieldProblem]) -> int | None:
    if text.isascii() and text.isdigit() and len(text) < _DIGITS_MAX and int(text) <= CHANNEL_MAX:
        return int(text)
    if text:
        said = f"{text[:40]!r} is no channel; give the number of the slot that comes to stand there, counted from 0"
        problems.append(FieldProblem(path=f"stations.{number}.channel", code="channel", text=said))
    return None
