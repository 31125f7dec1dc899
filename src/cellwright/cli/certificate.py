"""`cellwright certificate`: the birth certificate of a pack, module or cell."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cellwright.cli.common import (
    ask,
    coroutine,
    data_option,
    database_option,
    json_option,
    plant_option,
    printable,
    show,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import Connection
from cellwright.model.certificates import Certificate
from cellwright.plant.config import find_plant, load_plant
from cellwright.views.certificate import read_certificate
from cellwright.views.people import catch_up
from cellwright.views.subjects import CodeKind, TraceError, find_code
from cellwright.web.certificates.paper import paper_of
from cellwright.web.certificates.printing import to_html, to_pdf
from cellwright.web.shell import LANGUAGES

_UNITS_SHOWN = 3
_file = click.Path(path_type=Path, dir_okay=False, writable=True)


@click.command()
@click.argument("code")
@click.option("--pdf", type=_file, default=None, help="Also write it as PDF (needs the extra `pdf`).")
@click.option("--html", type=_file, default=None, help="Also write it as one HTML file, to be printed by a browser.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of PDF and HTML."
)
@plant_option
@data_option
@database_option
@json_option
@coroutine
async def certificate(
    code: str,
    *,
    pdf: Path | None,
    html: Path | None,
    language: str,
    plant_name: str,
    data: Path | None,
    database_url: str | None,
    as_json: bool,
) -> None:
    """Tell the birth certificate of the unit CODE: each test, limits and calibrations as of then, and what is missing.

    Of a unit that is not finished, or of which something is not recorded, it is a draft. Exit code 1 when it is a draft,
    or when CODE is not that of a unit.
    """
    plant = load_plant(find_plant(plant_name))

    async def question(connection: Connection) -> Certificate:
        found = await find_code(connection, code)
        if found.kind is not CodeKind.UNIT:
            raise TraceError(f"{code} is a {found.kind}, not a unit; ask for a cell, module or pack")
        await catch_up(connection)
        return await read_certificate(connection, plant, found.number)

    try:
        found = await ask(data, database_url, question)
    except TraceError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    if pdf is not None:
        pdf.write_bytes(to_pdf(found, language))
    if html is not None:
        html.write_text(to_html(paper_of(found, language)), "utf-8")
    show(found, as_json=as_json, lines=lambda: [printable(line) for line in certificate_lines(found)])
    sys.exit(0 if found.is_complete else EXIT_FAILED)


def certificate_lines(found: Certificate) -> Iterator[str]:
    """Yield a certificate for people, in short: what it is, what it says, and what is missing."""
    status = "complete" if found.is_complete else "DRAFT, not for delivery"
    yield f"certificate of {found.kind} {found.code} ({found.product}): {status}"
    tests = sum(len(unit.tests) for unit in found.units)
    members = sum(len(unit.members) for unit in found.units)
    yield f"  verdict {found.verdict.replace('_', ' ')}; {tests} tests of {len(found.units)} units, {members} graded members"
    yield f"  order {found.order or 'none'}; repairs, holds and dispositions: {len(found.incidents)}"
    for lack in found.lacks:
        more = f" and {len(lack.units) - _UNITS_SHOWN} more" if len(lack.units) > _UNITS_SHOWN else ""
        yield f"  missing: {', '.join(lack.units[:_UNITS_SHOWN])}{more}: {lack.text}"
    yield from (f"  note: {warning}" for warning in found.warnings)
    yield f"  SHA-256 {found.sha256}"
