"""The modules of the client that a page imports: named in its shell, they all come at once, not one behind the other."""

import re
from functools import cache
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
_MAIN: Final = "app/main.js"
_IMPORT: Final = re.compile(r"^(?:import|export)\s(?:[^;'\"()]*?\sfrom\s)?'(\.[^']+)';", re.MULTILINE)
"""A static import; what a page imports later, once somebody asks for it, is written `import(...)`."""


@cache
def modules_of(page: str) -> tuple[str, ...]:
    """Return the paths under `static` of all that the client and a page import, the nearest first."""
    found: dict[str, None] = {}
    front = [_MAIN, f"app/pages/{page}.js"]
    while front:
        found |= dict.fromkeys(front)
        front = [each for path in front for each in _imports(path) if each not in found]
    del found[_MAIN]  # the shell names it as its script
    return tuple(found)


@cache
def _imports(path: str) -> tuple[str, ...]:
    file = STATIC / path
    if not file.is_file():
        return ()
    named = _IMPORT.findall(file.read_text(encoding="utf-8"))
    return tuple((file.parent / each).resolve().relative_to(STATIC.resolve()).as_posix() for each in named)
