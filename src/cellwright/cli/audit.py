"""`cellwright audit`: is the trail of what people changed whole? And the trail itself, to take along."""

import sys
from pathlib import Path

import click

from cellwright.cli.common import (
    ask,
    coroutine,
    data_option,
    database_option,
    default_data,
    json_option,
    local_author,
    show,
    wall_us,
)
from cellwright.cli.main import EXIT_FAILED
from cellwright.database.pool import Connection
from cellwright.journal.audit import AuditVerdict, Change, append_audit, export_audit, find_end, verify_audit
from cellwright.journal.checkpoints import Checkpoints


@click.group()
def audit() -> None:
    """The trail of who changed what: commands of people, accounts, sessions, links and tokens."""


@audit.command()
@data_option
@database_option
@json_option
@coroutine
async def verify(data: Path | None, database_url: str | None, *, as_json: bool) -> None:
    """Walk the chain of the audit trail and compare with the checkpoints. Exit code 1 when it is not whole.

    A whole chain gets a new checkpoint. The last line is worth writing down elsewhere: who can write the database and
    the folder of data can make both anew, but not what you wrote down.
    """
    checkpoints = Checkpoints((data or default_data()) / "audit")

    async def question(connection: Connection) -> AuditVerdict:
        verdict = await verify_audit(connection, checkpoints.read())
        if verdict.whole:
            checkpoints.write(await find_end(connection))
        return verdict

    verdict = await ask(data, database_url, question)
    show(verdict, as_json=as_json, lines=lambda: audit_lines(verdict))
    sys.exit(0 if verdict.whole else EXIT_FAILED)


@audit.command()
@data_option
@database_option
@coroutine
async def export(data: Path | None, database_url: str | None) -> None:
    """Print the audit trail as JSON lines, oldest first; docs/reference/access.md says how to verify them.

    The last line tells of this export itself.
    """

    async def question(connection: Connection) -> None:
        async with connection.transaction():
            change = Change(action="trail_exported", object="audit")
            await append_audit(connection, local_author(), recorded_us=wall_us(), changes=[change])
        async for line in export_audit(connection):
            sys.stdout.buffer.write(line)

    await ask(data, database_url, question)
    sys.stdout.buffer.flush()


def audit_lines(verdict: AuditVerdict) -> list[str]:
    """Return a verdict for people."""
    state = "whole" if verdict.whole else "NOT whole"
    lines = [f"audit trail: {verdict.rows} rows, {state}; compared with {verdict.checkpoints} checkpoints"]
    lines.extend(f"  {fault}" for fault in verdict.faults)
    return [*lines, f"ends at row {verdict.seq}, hash {verdict.hash}"]
