"""`cellwright commonality`: what do bad units have in common?"""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import click

from cellwright.cli.common import ask, coroutine, data_option, database_option, json_option, printable, show
from cellwright.cli.main import EXIT_FAILED
from cellwright.cli.times import moment
from cellwright.database.pool import Connection
from cellwright.rules.positions import weakest
from cellwright.views.commonality.factors import FactorKind
from cellwright.views.commonality.population import CommonalityError
from cellwright.views.commonality.reading import (
    Asked,
    Commonality,
    CommonFinding,
    CommonLevel,
    Population,
    Rest,
    read_commonality,
)
from cellwright.views.people import catch_up

_NEXT_SHOWN = 5
_LEVELS_SHOWN = 6
_FINDABLE_SHOWN = 5
_NAMES: Final = {
    FactorKind.LOT: "lot of {of} {code}",
    FactorKind.STATION: "station of {of} {code}",
    FactorKind.CHANNEL: "channel of {of} {code}",
    FactorKind.SLOT: "slot {code} of the carrier at {of}",
    FactorKind.CARRIER: "carrier at {of} {code}",
    FactorKind.MEMBER_SLOT: "slot {code} in the {of}",
    FactorKind.LANE: "lane {code} of {of}",
    FactorKind.POSITION: "{code} along the lots of {of}",
    FactorKind.TOOL: "tool {of} {code}",
    FactorKind.ROLE: "role at {of} {code}",
    FactorKind.SHIFT: "eight hours of {of} from {code}",
}
_TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"])


@click.command()
@click.argument("codes", nargs=-1)
@click.option("--file", type=click.File(), default=None, help="File of codes, one or more a line; - = standard input.")
@click.option("--product", default="", help="Only units of this product. [default: that of the bad units]")
@click.option("--from", "since", type=_TIMES, default=None, help="Compare with units born from this time on (UTC).")
@click.option("--to", "until", type=_TIMES, default=None, help="Compare with units born before this time (UTC).")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Levels in the answer.")
@data_option
@database_option
@json_option
@coroutine
async def commonality(
    codes: tuple[str, ...],
    *,
    file: TextIO | None,
    product: str,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Tell what the bad units CODES share more often than chance explains: lots, machines, channels, places.

    They are compared with the other units of their product that were made around them. Every level is tested exactly,
    and what stands out is corrected for the number of tests. Exit code 1 when a code is not that of a unit.
    """
    named = [*codes, *(file.read().split() if file else ())]
    if not named:
        raise click.UsageError("give the codes of the bad units, or --file")
    asked = Asked(codes=named, product=product, from_us=_us(since), to_us=_us(until), limit=limit)

    async def question(connection: Connection) -> Commonality:
        await catch_up(connection)
        return await read_commonality(connection, asked)

    try:
        answer = await ask(data, database_url, question)
    except CommonalityError as error:
        click.echo(error, err=True)
        sys.exit(EXIT_FAILED)
    show(answer, as_json=as_json, lines=lambda: [printable(line) for line in commonality_lines(answer)])


def commonality_lines(answer: Commonality) -> Iterator[str]:
    """Yield an answer for people: who was compared, what stands out, what comes next, what could have been found."""
    yield from _population_lines(answer.population)
    found = answer.findings[: answer.found_count]
    beyond = answer.findings[answer.found_count :][:_NEXT_SHOWN]
    if found:
        verb = "stands" if len(found) == 1 else "stand"
        yield f"{len(found)} of {answer.tests_count} {verb} out (q at most {answer.alpha_ratio}):"
        yield from _finding_lines(found)
    else:
        yield from _nothing_lines(answer)
    if beyond:
        yield "next, but chance alone explains as much:"
        yield from _finding_lines(beyond)
    yield (
        f"of {answer.levels_count} levels {answer.tests_count} were tested, what cannot be told apart once; "
        f"{answer.common_count} have nothing to compare with (all units had them), "
        f"{answer.small_count} hold too few units to stand out"
    )


def level_text(level: CommonLevel) -> str:
    """Return a level in words."""
    code = level.code or "unknown"
    if level.factor is FactorKind.POSITION:
        code = f"{int(code) * 10} to {int(code) * 10 + 10} %"
    if level.factor is FactorKind.TOOL:
        code = f"fitted {level.code}" if level.code else "fitted at the start"
    return _NAMES[level.factor].format(of=level.of, code=code)


def _population_lines(population: Population) -> Iterator[str]:
    born = ", ".join(moment(each) if each else "unknown" for each in (population.from_us, population.to_us))
    yield f"{population.bad_count} bad of {population.count} units of {population.product}"
    yield f"  from {population.first} to {population.last}, born {born}"
    if population.left_out_count:
        yield f"  {population.left_out_count} of the codes are of another product or time and were left out"
    if population.counted_count < population.count:
        yield f"  lots and stations: the bad units and others drawn by chance, {population.counted_count} in all"
    if population.stepped_count < population.counted_count:
        yield f"  carriers, slots, tools, roles and shifts: among {population.stepped_count} of them"


def _finding_lines(findings: Iterable[CommonFinding]) -> Iterator[str]:
    for each in findings:
        shown = [level_text(level) for level in each.levels[:_LEVELS_SHOWN]]
        more = len(each.levels) - len(shown)
        yield f"{each.rank:3}. " + " = ".join([*shown, f"{more} more"] if more else shown)
        beside = (each.bad_total - each.bad_count, each.total - each.count)
        yield f"     {each.bad_count} of {each.count} bad, of the others {beside[0]} of {beside[1]}: {_ratio_text(each)}"
        basis = weakest(level.basis for level in each.levels)
        yield f"     p {each.p_value:.2g}, Holm {each.holm_p_value:.2g}, q {each.q_value:.2g}; basis {basis}"
        if each.rest is not None:
            yield f"     without the units of 1: {_rest_text(each.rest)}"


def _rest_text(rest: Rest) -> str:
    if not rest.count:
        return "none is left"
    others = (rest.bad_total - rest.bad_count, rest.total - rest.count)
    return f"{rest.bad_count} of {rest.count} bad, of the others {others[0]} of {others[1]}: p {rest.p_value:.2g}"


def _ratio_text(finding: CommonFinding) -> str:
    times = "only here" if finding.ratio is None else f"{finding.ratio:.3g} times as often"
    high = "no bound" if finding.high_ratio is None else f"{finding.high_ratio:.3g}"
    return f"{times} (95 %: {finding.low_ratio:.3g} to {high})"


def _nothing_lines(answer: Commonality) -> Iterator[str]:
    yield "nothing stands out"
    findable = [each for each in answer.findable if each.ratio is not None]
    if not findable:
        yield "  nothing could have: the units are too few for so many levels; name more bad units, or more to compare with"
        return
    yield "  what would have been found four times out of five, at a level of usual size:"
    for each in findable[:_FINDABLE_SHOWN]:
        name = _NAMES[each.factor].format(of=each.of, code="").replace("  ", " ").strip()
        yield f"  {name}, {each.count} units: {each.ratio:.3g} times as often as elsewhere"


def _us(time: datetime | None) -> int | None:
    return None if time is None else int(time.replace(tzinfo=UTC).timestamp()) * 1_000_000
