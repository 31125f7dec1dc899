"""`cellwright plant`: the plant's files."""

import sys
from pathlib import Path

import click

from cellwright.cli.common import json_option, show, to_json
from cellwright.cli.main import EXIT_FAILED
from cellwright.plant.config import find_plant, read_plant


@click.group()
def plant() -> None:
    """Check a plant's files."""


@plant.command()
@click.argument("folder", default="lfp32700")
@json_option
def check(folder: str, *, as_json: bool) -> None:
    """Read the files of FOLDER (a path, or the name of a plant that came along) and list every mistake."""
    reading = read_plant(find_plant(folder))
    loaded = reading.plant
    if loaded is None:
        if as_json:
            click.echo(to_json({"folder": str(Path(folder)), "ok": False, "problems": reading.problems}))
        else:
            click.echo("\n".join(reading.problems), err=True)
            click.echo(f"{len(reading.problems)} mistake(s) in {folder}", err=True)
        sys.exit(EXIT_FAILED)
    counts = {
        "stations": len(loaded.stations),
        "materials": len(loaded.materials),
        "products": len(loaded.products),
        "routes": len(loaded.routes),
        "recipes": len(loaded.recipes),
    }
    content = {"folder": str(Path(folder)), "ok": True, "plant": loaded.code, "warnings": reading.warnings, **counts}
    found = ", ".join(f"{number} {name}" for name, number in counts.items())
    show(
        content, as_json=as_json, lines=lambda: [*reading.warnings, f"{loaded.code} ({loaded.name}) is right: {found}"]
    )
