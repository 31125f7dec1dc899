"""`cellwright plant`: the plant's files."""

import sys
from pathlib import Path

import click
from msgspec import Struct

from cellwright.cli.common import json_option, show, to_json
from cellwright.cli.main import EXIT_FAILED
from cellwright.model.plant import Plant
from cellwright.plant.config import find_plant, load_plant, read_plant


@click.group()
def plant() -> None:
    """Check a plant's files, or list its recipes."""


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


class StationRecipe(Struct, frozen=True, kw_only=True):
    """The recipe that the gate expects of a machine; only a released one may run."""

    station: str
    operation: str
    recipe: str
    revision: int
    released: bool
    digest: str
    parameters: dict[str, float]


@plant.command()
@click.argument("folder", default="lfp32700")
@click.option("--station", "station", default="", help="Only the recipes of this station. [default: all]")
@json_option
def recipes(folder: str, station: str, *, as_json: bool) -> None:
    """List the recipe of every station and operation in FOLDER, with the digest that a check-in must carry.

    Exit code 1 when no station has that code.
    """
    loaded = load_plant(find_plant(folder))
    if station and station not in loaded.stations:
        click.echo(f"{loaded.code} has no station {station!r}; its stations: {', '.join(loaded.stations)}", err=True)
        sys.exit(EXIT_FAILED)
    found = [each for each in station_recipes(loaded) if station in ("", each.station)]
    show(found, as_json=as_json, lines=lambda: [_recipe_line(each) for each in found])


def station_recipes(loaded: Plant) -> list[StationRecipe]:
    """Return what the gate expects at every station; an operation without a recipe has empty fields."""
    return [
        StationRecipe(
            station=station.code,
            operation=operation,
            recipe="" if recipe is None else recipe.code,
            revision=0 if recipe is None else recipe.revision,
            released=recipe is not None and recipe.released,
            digest="" if recipe is None else recipe.digest,
            parameters={} if recipe is None else recipe.parameters,
        )
        for station in loaded.stations.values()
        for operation in station.operations
        for recipe in (loaded.recipes.get(operation),)
    ]


def _recipe_line(each: StationRecipe) -> str:
    place = f"{each.station} {each.operation}:"
    if not each.recipe:
        return f"{place} no recipe, so it cannot start; add one to recipes.toml"
    refused = "" if each.released else " (not released, so it cannot start)"
    return f"{place} {each.recipe} revision {each.revision} digest {each.digest}{refused}"
