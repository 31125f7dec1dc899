"""The page of the command line says what the verbs are; the pages' examples can be read by what they are for."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest

from cellwright.cli import main
from cellwright.cli.demo_report import Report
from cellwright.model.answers import Answer
from cellwright.model.commands import Command, Submission
from cellwright.testing.docs_cli import cli_page, split_help, verbs

LINES = re.compile(r"```jsonl\n(.*?)```", re.DOTALL)
PAGES = (
    "how-to/submit-commands.md",
    "how-to/hold-and-release.md",
    "how-to/give-up-an-operation.md",
    "how-to/dispatch-jobs.md",
    "how-to/import-lots.md",
    "how-to/repair.md",
    "how-to/correct-the-record.md",
    "how-to/follow-packs.md",
    "tutorial/first-pack.md",
)


@pytest.fixture(scope="session")
def page(checkout: Path) -> str:
    return (checkout / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def all_verbs() -> list[tuple[str, click.Command]]:
    assert isinstance(main.cli, click.Group)
    return list(verbs(main.cli, "cellwright"))


def test_the_page_is_what_the_verbs_make_of_it(page: str) -> None:
    assert page == cli_page(), "run: python -m cellwright.testing.docs_cli"


def test_every_verb_has_a_section_with_every_option_and_argument(page: str) -> None:
    assert len(all_verbs()) >= len(main.VERBS)
    for path, verb in all_verbs():
        text = section(page, path)
        for parameter in verb.params:
            named = [*parameter.opts, *parameter.secondary_opts]
            if isinstance(parameter, click.Argument):
                named = [str(parameter.name).upper()]
            assert not [each for each in named if each not in text], path


def test_every_exit_code_of_the_command_line_is_explained(page: str) -> None:
    codes = {value for name, value in vars(main).items() if name.startswith("EXIT_")}
    text = section(page, "Exit codes")
    assert codes
    assert not [code for code in codes if f"\n| {code} | " not in text]


def test_every_key_of_the_demo_is_explained(page: str) -> None:
    text = section(page, "cellwright demo")
    assert not [each.name for each in msgspec.structs.fields(Report) if f"| `{each.name}` | " not in text]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["plant", "check"], 0),
        (["plant", "check", "."], 1),
        (["nonsense"], 2),
        (["trace"], 2),
        (["demo", "--headless", "--plant", "nowhere"], 3),
    ],
)
def test_exit_codes_are_those_of_the_page(
    arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2] / "src"))
    command = [sys.executable, "-m", "cellwright", *arguments]
    ended = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert ended.returncode == code, ended.stderr.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Print JSON.", ("Print JSON.", "")),
        ("Folder. [default: a temporary one]", ("Folder.", "a temporary one")),
        ("Address. [env: DATABASE_URL]", ("Address.", "`$DATABASE_URL`")),
    ],
)
def test_a_remark_about_the_default_is_taken_off(text: str, expected: tuple[str, str]) -> None:
    assert split_help(text) == expected


# --- examples ---------------------------------------------------------------------------


def examples(checkout: Path) -> Iterator[Submission]:
    for name in PAGES:
        text = (checkout / "docs" / name).read_text(encoding="utf-8")
        for block in LINES.findall(text):
            for line in block.splitlines():
                yield msgspec.json.decode(line, type=Submission)


def test_examples_of_submissions_can_be_read(checkout: Path) -> None:
    found = {type(each.command) for each in examples(checkout)}
    assert found == set(get_args(Command)), "one example of each command, in blocks marked jsonl"


def test_examples_of_answers_can_be_read(checkout: Path) -> None:
    text = (checkout / "docs" / "how-to" / "submit-commands.md").read_text(encoding="utf-8")
    answers = [line for line in text.splitlines() if line.startswith('{"type":')]
    assert answers
    for line in answers:
        msgspec.json.decode(line, type=Answer)


def test_every_decision_is_listed(checkout: Path) -> None:
    folder = checkout / "docs" / "explanation" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    assert not [each.name for each in folder.glob("[0-9]*.md") if f"]({each.name})" not in listed]
