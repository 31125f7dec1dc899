"""The command `cellwright`; each verb is imported only when it is called, so that --help is quick."""

import sys
from importlib import import_module

import click

from cellwright.errors import CellwrightError, ConfigurationError

EXIT_OK = 0
EXIT_FAILED = 1
"""The question was answered with no: refused, unequal, not found."""
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3
"""Database, machines or files are not there or not right."""

VERBS = {
    "audit": ("cellwright.cli.audit", "audit", "Verify or export the trail of who changed what."),
    "bms": ("cellwright.cli.bms", "bms", "Read a pack's BMS over CAN, or make it ready."),
    "certificate": ("cellwright.cli.certificate", "certificate", "Print the birth certificate of a unit."),
    "check": ("cellwright.cli.check", "check", "Fold the journal and compare with the tables."),
    "code": ("cellwright.cli.code", "code", "Say what a printed code says, by GB/T 34014."),
    "commonality": ("cellwright.cli.commonality", "commonality", "Find what bad units have in common."),
    "corrections": (
        "cellwright.cli.corrections",
        "corrections",
        "Find what a station's gauges add to what they measure.",
    ),
    "curve": ("cellwright.cli.curve", "curve", "Show what a cycler measured of a unit."),
    "demo": ("cellwright.cli.demo", "demo", "Let a virtual plant make battery packs while you watch."),
    "doctor": ("cellwright.cli.doctor", "doctor", "Look whether this machine can run a plant."),
    "fleet": ("cellwright.cli.fleet", "fleet", "Decode what vehicles say by GB/T 32960."),
    "gauge": ("cellwright.cli.gauge", "gauge", "Tell how much of what is measured is the gauge."),
    "holds": ("cellwright.cli.holds", "holds", "List what is held, why, and who may let it go."),
    "import": ("cellwright.cli.lots", "import_file", "Import lots that another system recorded, with their parents."),
    "line": ("cellwright.cli.line", "line", "Show what a line that runs by itself is doing."),
    "match": ("cellwright.cli.match", "match", "Plan packs from a stock of measured cells."),
    "pairs": ("cellwright.cli.pairs", "pairs", "Find units that do not weigh what was put into them."),
    "plant": ("cellwright.cli.plant", "plant", "Check a plant's files, or list its recipes."),
    "rebuild": ("cellwright.cli.check", "rebuild", "Write the tables anew from the journal."),
    "recall": ("cellwright.cli.recall", "recall", "Say what a recall would touch, and hold it."),
    "run": ("cellwright.cli.run", "run", "Run a part of a plant in a process of its own."),
    "seal": ("cellwright.cli.seal", "seal", "Pack units in which nothing moves any more."),
    "siblings": ("cellwright.cli.siblings", "siblings", "Tell who shares what with one bad unit."),
    "status": ("cellwright.cli.status", "status", "Show what the plant is doing."),
    "submit": ("cellwright.cli.submit", "submit", "Submit commands as JSON lines."),
    "telemetry": ("cellwright.cli.telemetry", "telemetry", "Give up files of samples that are lost."),
    "trace": ("cellwright.cli.trace", "trace", "Trace a unit or lot, backward or forward."),
    "up": ("cellwright.cli.up", "up", "Run a plant on this machine."),
    "user": ("cellwright.cli.user", "user", "People, their roles and qualifications."),
}
"""Verb to module, function and help."""


class _Verbs(click.Group):
    """A group that knows its verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module, name, _ = VERBS[cmd_name]
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs' help without importing them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, _, text) in VERBS.items()])


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=None, version="0.1.0", prog_name="cellwright")
def cli() -> None:
    """Cellwright runs a traction-battery plant from powder to PACK.

    Exit codes: 0 yes, 1 no (refused, unequal, not found), 2 wrong usage, 3 something needed is not there.
    """


def main() -> None:
    """Run the command line and end the process."""
    try:
        cli(prog_name="cellwright")
    except ConfigurationError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(EXIT_UNAVAILABLE)
    except CellwrightError as error:
        click.echo(f"cellwright: {error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"cellwright: {place}{error.strerror or error}", err=True)
        sys.exit(EXIT_UNAVAILABLE)
