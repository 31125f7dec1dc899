"""Addresses of objects: one for each, whatever characters its code holds."""

from urllib.parse import quote

from cellwright.web.question import DATA_SUFFIXES

FOLDERS = {
    "cell": "units",
    "module": "units",
    "pack": "units",
    "unit": "units",
    "lot": "lots",
    "carrier": "carriers",
    "station": "stations",
    "order": "orders",
    "person": "people",
    "vehicle": "trace",
}
"""Folder of the pages of a kind of thing; other kinds stand on the page of the plant."""


def path_of(kind: str, code: str) -> str:
    """Return the address of a thing; `.html` keeps the end of a code from being taken for a suffix."""
    folder = FOLDERS.get(kind)
    if folder is None:
        return f"/plant#{quote(f'{kind}-{code}', safe='')}"
    is_like_data = code.rpartition(".")[2] in (*DATA_SUFFIXES, "html") and "." in code
    return f"/{folder}/{quote(code, safe='')}{'.html' if is_like_data else ''}"
