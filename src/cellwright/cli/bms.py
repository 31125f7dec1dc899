"""`cellwright bms`: read a pack's battery management system, and make it ready, over CAN."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cellwright.cli.common import coroutine, json_option, printable, show
from cellwright.cli.main import EXIT_FAILED
from cellwright.links.uds.contract import BmsContract, load_contract
from cellwright.links.uds.job_file import load_job
from cellwright.links.uds.keys import cmac_key
from cellwright.links.uds.link import Bms
from cellwright.links.uds.outcome import FLASH_STATES, Check, Identity, Outcome
from cellwright.links.uds.session import BusSettings

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


def _bus_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of a bus."""
    for option in (
        click.option(
            "--contract", type=_FILE, default=None, help="TOML file of this make. [default: the documented one]"
        ),
        click.option(
            "--bitrate", type=click.IntRange(10_000, 1_000_000), default=500_000, show_default=True, help="bit/s."
        ),
        click.option("--channel", default="can0", show_default=True, help="Its channel."),
        click.option("--interface", default="socketcan", show_default=True, help="Interface, as python-can names it."),
    ):
        verb = option(verb)
    return verb


@click.group()
def bms() -> None:
    """Read a pack's battery management system over CAN, or make it ready."""


@bms.command()
@_bus_options
@json_option
@coroutine
async def identify(*, contract: Path | None, as_json: bool, **bus: Any) -> None:
    """Say what the BMS on a bus says about itself."""
    async with Bms(BusSettings(**bus), _contract(contract), _no_key) as found:
        identity = await found.identify()
    show(identity, as_json=as_json, lines=lambda: _identity_lines(identity))


@bms.command()
@click.argument("job", type=_FILE)
@click.option("--pack-code", default="", help="GB/T 34014 code of the pack. [default: that of the job]")
@click.option("--secret", type=_FILE, required=True, help="Secret for security access, hexadecimal, mode 0600.")
@_bus_options
@json_option
@coroutine
async def commission(
    job: Path, *, pack_code: str, secret: Path, contract: Path | None, as_json: bool, **bus: Any
) -> None:
    """Flash, configure and read back the BMS on a bus, as the file JOB wants it. Exit code 1 when it is not so.

    The same job may be done again at any time: software that is there already is not flashed.
    """
    wanted, key_of = load_job(job, pack_code=pack_code), cmac_key(_read_secret(secret))
    async with Bms(BusSettings(**bus), _contract(contract), key_of) as found:
        outcome = await found.commission(wanted)
    show(outcome, as_json=as_json, lines=lambda: _outcome_lines(outcome))
    sys.exit(0 if outcome.ok else EXIT_FAILED)


def _contract(path: Path | None) -> BmsContract:
    return BmsContract() if path is None else load_contract(path)


def _no_key(level: int, seed: bytes) -> bytes:
    del level, seed
    return b""


def _read_secret(path: Path) -> bytes:
    from cellwright.errors import ConfigurationError
    from cellwright.links.opcua.security import read_secret

    try:
        secret = bytes.fromhex(read_secret(path).decode("ascii").strip())
    except ValueError as error:
        raise ConfigurationError([f"{path}: no hexadecimal digits; write the 16, 24 or 32 bytes as such"]) from error
    if len(secret) not in {16, 24, 32}:
        raise ConfigurationError([f"{path}: {len(secret)} bytes; a secret has 16, 24 or 32"])
    return secret


def _identity_lines(found: Identity) -> list[str]:
    state = FLASH_STATES.get(found.flash_state, f"unknown state {found.flash_state}")
    rows = {
        "part": found.part_number,
        "software": f"{found.software_id or 'none'}, {state}",
        "sha256": found.software_hash,
    }
    return [printable(f"{name:<9} {text}") for name, text in rows.items()]


def _outcome_lines(outcome: Outcome) -> list[str]:
    flashed = f"{outcome.block_count} blocks flashed" if outcome.block_count else "nothing flashed"
    lines = [_check_line(each) for each in outcome.checks]
    lines.append(f"{flashed}, {outcome.repeated_count} messages repeated, {outcome.duration_ms / 1000:.1f} s")
    if outcome.failure is not None:
        lines.append(f"failed: {outcome.failure.code}: {outcome.failure.text}")
        if outcome.after is not None:
            lines += ["the BMS is now:", *(f"  {line}" for line in _identity_lines(outcome.after))]
    return [printable(each) for each in lines]


def _check_line(check: Check) -> str:
    found = f"{check.name}: {check.found} {check.unit}".rstrip()
    return f"ok  {found}" if check.equal else f"NO  {found}, expected {check.expected}"
