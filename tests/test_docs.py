"""What a user meets is documented under docs/reference, and the documentation site builds without a broken link."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

from cellwright.cli.main import cli
from cellwright.model.answers import RefusalCode
from cellwright.model.commands import Command
from cellwright.model.facts import Fact

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


@pytest.fixture(scope="session")
def documented(checkout: Path) -> str:
    """All code, inline and in blocks, of the reference pages."""
    pages = sorted((checkout / "docs" / "reference").rglob("*.md"))
    return "\n".join(code for page in pages for code in CODE.findall(page.read_text(encoding="utf-8")))


def missing(names: list[str], documented: str) -> list[str]:
    return [name for name in names if not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", documented)]


def assert_documented(names: list[str], documented: str) -> None:
    absent = missing(names, documented)
    assert not absent, f"explain in docs/reference, in code marks: {', '.join(absent)}"


def test_missing_names_are_found() -> None:
    assert missing(["unit", "held", "unit_held"], "`unit_held` `held-by` `unit`") == ["held"]


def test_every_refusal_code_is_documented(documented: str) -> None:
    assert_documented([code.value for code in RefusalCode], documented)


def test_every_fact_is_documented(documented: str) -> None:
    assert_documented([each.__name__ for each in get_args(Fact)], documented)


def test_every_command_is_documented(documented: str) -> None:
    assert_documented([each.__name__ for each in get_args(Command)], documented)


def verbs_of(group: click.Group, path: str) -> Iterator[str]:
    """Walk the command line as --help does: every verb and every verb of a verb."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{path} lists {name}, but has no such verb"
        if isinstance(command, click.Group):
            yield from verbs_of(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def test_every_verb_is_documented(documented: str) -> None:
    assert isinstance(cli, click.Group)
    verbs = list(verbs_of(cli, "cellwright"))
    assert verbs
    assert_documented(verbs, documented)


def test_every_verb_of_the_script_is_in_its_help(checkout: Path) -> None:
    script = (checkout / "cw").read_text(encoding="utf-8")
    verbs = re.findall(r"^    ([a-z]+)\)", script, re.MULTILINE)
    assert {"test", "lint", "bench", "docs", "shell", "help"} <= set(verbs)
    usage = subprocess.run([checkout / "cw", "help"], capture_output=True, text=True, check=True).stdout
    assert not [verb for verb in verbs if f"./cw {verb}" not in usage]


# --- the site ---------------------------------------------------------------------------


def build_site(checkout: Path, root: Path, output: Path) -> subprocess.CompletedProcess[str]:
    program = checkout / "docs" / "build" / "site_builder.py"
    command = [sys.executable, str(program), "--root", str(root), "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_site_builds_without_a_broken_link(checkout: Path, tmp_path: Path) -> None:
    built = build_site(checkout, checkout, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="project/readme.html"' in index


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[x](absent.md)", "there is no docs/absent.md"),
        ("[x](other.md#nowhere)", "no heading with the anchor nowhere"),
        ("[x](../../outside.md)", "links are relative to the page"),
        ("![x](absent.png)", "there is no docs/absent.png"),
    ],
)
def test_site_names_a_broken_link(checkout: Path, tmp_path: Path, link: str, complaint: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(f"# A\n\n{link}\n", encoding="utf-8")
    (docs / "other.md").write_text("# B\n", encoding="utf-8")
    built = build_site(checkout, tmp_path, tmp_path / "site")
    assert built.returncode == 1
    assert f"docs/index.md: {link.split('(')[1][:-1]}: " in built.stderr
    assert complaint in built.stderr


def test_site_links_pages_headings_and_files(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    text = "# A & B\n\n## Two words\n\n[a](reference/b.md#one-two) [b](#two-words) [c](../plan.toml) [d](reference)\n"
    (tmp_path / "docs" / "index.md").write_text(text, encoding="utf-8")
    (tmp_path / "docs" / "reference" / "b.md").write_text(
        "# B\n\n## One `two`\n\n| a |\n|---|\n| 1 |\n", encoding="utf-8"
    )
    (tmp_path / "plan.toml").write_text("x = 1\n", encoding="utf-8")
    built = build_site(checkout, tmp_path, tmp_path / "site")
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="reference/b.html#one-two"' in page
    assert 'href="index.html#two-words"' in page
    assert 'href="files/plan.toml"' in page
    assert "<title>A &amp; B - Cellwright</title>" in page
    inner = (tmp_path / "site" / "reference" / "b.html").read_text(encoding="utf-8")
    assert "<table>" in inner
    assert 'href="../site.css"' in inner
    assert (tmp_path / "site" / "files" / "plan.toml").read_text(encoding="utf-8") == "x = 1\n"
