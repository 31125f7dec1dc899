"""What the verbs share: options, where things are kept, how answers are shown."""

import asyncio
import os
import pwd
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from cellwright.database.migrate import migrate
from cellwright.database.opening import Database, open_database
from cellwright.database.pool import Connection, connect
from cellwright.errors import ConfigurationError
from cellwright.journal.audit import Author
from cellwright.model.answers import Refusal
from cellwright.plant.clock import Clock, MappedClock, host_clock

T = TypeVar("T")

DEFAULT_PLANT = "lfp32700"


def default_data() -> Path:
    """Return where a plant keeps its data unless told otherwise."""
    named = os.environ.get("CELLWRIGHT_DATA")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/cellwright")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "cellwright"


def wall_us() -> int:
    """Return the real time (UTC us): certificates live in real time, whatever the plant's clock says."""
    return time.time_ns() // 1000  # noqa: TID251 - certificates need the real clock


def open_clock(path: Path | None) -> Clock:
    """Return the plant's clock: driven through a file, or the host's."""
    return host_clock if path is None else MappedClock(path)


def local_author() -> Author:
    """Return who changes something by the command line: `cli`, at the account of the operating system."""
    try:
        account = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        account = str(os.geteuid())
    return Author(actor="cli", terminal=f"local:{account}")


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of the plant's data. [default: $CELLWRIGHT_DATA, /var/lib/cellwright for root, else your home]",
)
database_option = click.option(
    "--database",
    "database_url",
    envvar="DATABASE_URL",
    default=None,
    help="Address of your own PostgreSQL >= 15; without it an embedded one runs. [env: DATABASE_URL]",
)
plant_option = click.option(
    "--plant", "plant_name", default=DEFAULT_PLANT, show_default=True, help="Folder or name of the plant's files."
)
clock_option = click.option(
    "--clock",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="File of a clock that drives the plant's time. [default: the host's clock]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a verb's coroutine on the quick event loop."""
    import uvloop  # only the verbs that run anything pay for it

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_until_terminated(main))
        except asyncio.CancelledError:
            sys.exit(128 + signal.SIGTERM)


async def _until_terminated(main: Coroutine[Any, Any, T]) -> T:
    """Let SIGTERM, or the terminal's end, end a verb the way Ctrl-C does: by cancellation, so that all is closed."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await main


async def open_migrated(data: Path | None, database_url: str | None) -> Database:
    """Open the plant's database and bring its schema up to date."""
    database = await open_database(data or default_data(), database_url)
    try:
        await migrate(database.url)
    except BaseException:
        await database.close()
        raise
    return database


async def open_existing(data: Path | None, database_url: str | None) -> Database:
    """Open the database of a plant that was started before; raises ConfigurationError when there is none."""
    folder = data or default_data()
    if not database_url and not any((folder / name).exists() for name in ("database", "database.location")):
        raise ConfigurationError(
            [f"no plant's data in {folder}; name its folder with --data, or begin one with `cellwright up`"]
        )
    return await open_migrated(data, database_url)


async def ask(data: Path | None, database_url: str | None, question: Callable[[Connection], Awaitable[T]]) -> T:
    """Open the database, ask one question over one connection, close."""
    async with await open_existing(data, database_url) as database:
        connection = await connect(database.url)
        try:
            return await question(connection)
        finally:
            await connection.close()


def to_json(content: Any) -> str:
    """Return indented JSON."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def show(content: Any, *, as_json: bool, lines: Callable[[], list[str]]) -> None:
    """Print an answer as JSON or as lines for people."""
    click.echo(to_json(content) if as_json else "\n".join(lines()))


def refusal_lines(refusal: Refusal) -> list[str]:
    """Return a refusal for people: one reason a line, with its code."""
    lines = [printable(f"{each.code}: {each.text}") for each in refusal.reasons]
    return [f"{'        ' if index else 'refused:'} {line}" for index, line in enumerate(lines)]


def printable(text: str) -> str:
    """Return a text that stays on its line and does nothing to a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)


def coroutine(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a click command of a coroutine function."""

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> None:
        run(function(*arguments, **options))

    return call
