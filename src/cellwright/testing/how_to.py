"""Doing what a how-to page says: its snippets of TOML applied to a copy of a plant."""

import re
import shutil
from pathlib import Path

APPEND = re.compile(r"Append to `([a-z.]+)`:\n\n```toml\n(.*?)```", re.DOTALL)
CHANGE = re.compile(r"Change in `([a-z.]+)`:\n\n```diff\n-(.*?)\n\+(.*?)\n```", re.DOTALL)


def follow_page(page: str, plant: Path, copy: Path) -> Path:
    """Copy a plant's folder and apply the page's snippets; raises LookupError when a line to change is not there once."""
    shutil.copytree(plant, copy)
    for name, snippet in APPEND.findall(page):
        file = copy / name
        file.write_text(file.read_text("utf-8") + "\n" + snippet, "utf-8")
    for name, old, new in CHANGE.findall(page):
        text = (copy / name).read_text("utf-8")
        if text.count(old) != 1:
            raise LookupError(f"{name}: the page changes {old!r}, which stands there {text.count(old)} times")
        (copy / name).write_text(text.replace(old, new), "utf-8")
    return copy
