"""`cellwright code`: what a printed code says, by GB/T 34014-2017."""

import sys

import click
from msgspec import Struct

from cellwright.cli.common import json_option, printable, show
from cellwright.cli.main import EXIT_FAILED
from cellwright.model.codes import CodeField, CodeNote, CodeReading, explain, parse_code
from cellwright.web.pages.scanned import candidates


class CodeReport(Struct, frozen=True, kw_only=True):
    """What a code says, or what is wrong with it."""

    text: str
    well_formed: bool
    kind: str
    made_on: str
    second_use: bool
    fields: tuple[CodeField, ...]
    problems: tuple[CodeNote, ...]
    warnings: tuple[CodeNote, ...]


@click.command()
@click.argument("code")
@json_option
def code(code: str, *, as_json: bool) -> None:
    """Say what the printed CODE of a cell, module or pack says (GB/T 34014), field by field; needs no plant.

    CODE may be what a scanner sends: a GS1 Digital Link or element string whose serial number it is. Exit code 1 when it
    is malformed; each fault names its place.
    """
    report = _report(_read(code))
    show(report, as_json=as_json, lines=lambda: _lines(report))
    sys.exit(0 if report.well_formed else EXIT_FAILED)


def _read(text: str) -> CodeReading:
    """Return the first good code that a text may stand for; failing that, what is wrong with the likeliest."""
    readings = [parse_code(each) for each in (text.strip(), *candidates(text))]
    return next((each for each in readings if each.code is not None), readings[0])


def _report(reading: CodeReading) -> CodeReport:
    found = reading.code
    return CodeReport(
        text=reading.text,
        well_formed=found is not None,
        kind="" if found is None else found.kind.value,
        made_on="" if found is None else f"{found.year}-{found.month:02d}-{found.day:02d}",
        second_use=found is not None and found.reuse is not None,
        fields=() if found is None else explain(found),
        problems=reading.problems,
        warnings=reading.warnings,
    )


def _lines(report: CodeReport) -> list[str]:
    if not report.well_formed:
        return [f"{printable(report.text)}: no code of GB/T 34014", *_marked(report.text, report.problems)]
    use = ", second use" if report.second_use else ""
    lines = [f"{report.text}: {report.kind}, made on {report.made_on}{use}"]
    lines += [f"  {_places(each):>5}  {each.text:<7}  {each.meaning:<32}  {each.table}" for each in report.fields]
    return lines + [f"warning: {each.text}" for each in report.warnings]


def _places(field: CodeField) -> str:
    last = field.position + field.length - 1
    return str(last) if field.length == 1 else f"{field.position}-{last}"


def _marked(text: str, problems: tuple[CodeNote, ...]) -> list[str]:
    """Return the code with a mark under each character that is wrong, and what is wrong."""
    wrong = {each.position + offset for each in problems for offset in range(each.length)}
    marks = "".join("^" if place in wrong else " " for place in range(1, max(wrong, default=0) + 1))
    return [f"  {printable(text)}", f"  {marks}", *(each.text for each in problems)]
