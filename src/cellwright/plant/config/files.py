"""One TOML file of a plant, from disk: whatever cannot be read is a mistake that says what to do."""

import tomllib
from pathlib import Path
from typing import Any

from cellwright.plant.config.entries import FILES
from cellwright.plant.config.problems import Place, Problems

SIZE_MAX = 4 << 20
"""Bytes of a file that are read: some 20,000 stations. What is larger was not meant."""

_DIGITS = "a whole number has too many digits"


def parse_file(path: Path, problems: Problems) -> tuple[dict[str, Any], str] | None:
    """Return a file's tables and text, or None with its mistake in `problems`."""
    text = _read_text(path, problems)
    if text is None:
        return None
    place = Place(path.name)
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        problems.add(place, f"not TOML: {error}", "mend that line; https://toml.io has the rules")
    except RecursionError:
        found = "lists or tables lie too deep in one another"
        problems.add(place, found, "remove them; a plant's files have at most a list of tables inside a table")
    except ValueError:  # Python reads no number of thousands of digits
        problems.add(place, _DIGITS, "write a number of at most 19 digits; look for the longest line")
    return None


def _read_text(path: Path, problems: Problems) -> str | None:
    place = Place(path.name)
    try:
        if path.exists() and not path.is_file():
            found = "a folder" if path.is_dir() else "no plain file"
            problems.add(place, f"found {found}", "put a plain text file of this name there")
            return None
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
        return _checked(content, place, problems)
    except FileNotFoundError:
        problems.add(place, "the file is missing", "every plant has " + ", ".join(FILES))
    except UnicodeDecodeError as error:
        problems.add(place, f"byte {error.start} is not UTF-8", "save the file as UTF-8 text")
    except PermissionError:
        problems.add(place, "cannot be read (permission denied)", "give this user read permission on it")
    except OSError as error:
        problems.add(place, f"cannot be read ({error.strerror})", "mend the disk or put the file there again")
    return None


def _checked(content: bytes, place: Place, problems: Problems) -> str | None:
    if len(content) > SIZE_MAX:
        problems.add(place, f"larger than {SIZE_MAX:,} bytes", "remove what does not belong there")
    elif b"\0" in content:
        problems.add(place, "holds zero bytes, so it is no text", "put a plain text file of this name there")
    else:
        return content.decode()
    return None
