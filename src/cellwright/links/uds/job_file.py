"""A job for a BMS as a TOML file: what it must be, and where its software lies."""

import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from cellwright.errors import ConfigurationError
from cellwright.links.uds.flash import FlashImage
from cellwright.links.uds.outcome import Job


class Software(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A released software: its file beside the job, its name and its hash."""

    file: str
    software_id: str
    sha256: str


class JobFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of the file."""

    part_number: str
    pack_code: str = ""
    flashes_again: bool = False
    software: Software | None = None
    configuration: dict[str, float] = {}


def load_job(path: Path, *, pack_code: str = "") -> Job:
    """Read a job, and the software that it names; `pack_code` replaces the file's. Raises ConfigurationError."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), JobFile)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError([f"{path}: {error}; see docs/reference/bms.md for the keys of a job"]) from error
    return Job(
        part_number=found.part_number,
        image=None if found.software is None else _image(path.parent, found.software),
        configuration=found.configuration,
        pack_code=pack_code or found.pack_code,
        flashes_again=found.flashes_again,
    )


def _image(folder: Path, software: Software) -> FlashImage:
    data = (folder / software.file).read_bytes()
    return FlashImage(data=data, sha256=software.sha256, software_id=software.software_id)
