"""The reference page of the command line, made from the verbs themselves: `python -m cellwright.testing.docs_cli`."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from cellwright.cli import main
from cellwright.testing.docs_cli_json import DOCUMENTS, MEANINGS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"

# A help text may say at its end where a value comes from when none is given.
_ORIGIN = re.compile(r"\s*\[(default|env): (.+)\]$")

_INTRODUCTION = """\
# Command line

In a checkout the command is `./cw VERB`: the script makes its environment at the first call and passes the verb on.
Where Cellwright is installed as a package the same verb is `cellwright VERB`. `-h` or `--help` after any verb
explains it. `./cw help` lists what the script does besides (`test`, `lint`, `bench`, `docs`, `shell`, `lock`).

Answers go to standard output; progress, complaints and reasons for an exit code other than 0 to standard error. With
`--json` standard output holds one JSON document and nothing else; `submit` prints one line of JSON for each line it
reads, `up` one for each event.

Verbs that ask (`status`, `line`, `holds`, `trace`, `commonality`, `check`, `user list`) may run beside a plant at work: they use its
database. When no plant runs, they start the database, ask, and stop it.

<!-- Made by `python -m cellwright.testing.docs_cli` from the verbs; do not edit. -->

## Exit codes

| code | means |
|---|---|
| 0 | yes: done, equal, found, nothing refused |
| 1 | no: a command was refused, tables and journal differ, a code is unknown, a demo missed its goal, a question was not confirmed, or Ctrl-C ended a verb |
| 2 | wrong usage: no such verb or option, a missing or impossible value; nothing was started |
| 3 | something that is needed is not there or not right: database, plant files, machines file, certificates |
| 143 | ended by SIGTERM; everything was closed before. `up` ends with 0, because that is how it is told to stop |

## Environment

| variable | means |
|---|---|
| `CELLWRIGHT_DATA` | folder of the plant's data when `--data` is not given |
| `DATABASE_URL` | address of your own PostgreSQL when `--database` is not given |
| `XDG_DATA_HOME` | where a home keeps data: without `--data`, and not as root, it is `cellwright` in there |
| `CW_PYTHON`, `CW_VENV` | for `./cw` only: which Python to use, and where to install |
"""

_WORDS = {
    "STRING": "text",
    "INT": "whole number",
    "<FloatRange x>=0>": "number, 0 or more",
    "BOOL": "yes or no",
    "DateTime": "date, `2027-01-31`, with or without a time",
}

_NOTES = {
    "cellwright bms commission": "The job, the sequence and every failure: [BMS](bms.md). Step by step: "
    "[connect a BMS](../how-to/connect-a-bms.md).",
    "cellwright bms identify": "What a BMS must offer: [BMS](bms.md).",
    "cellwright code": "The fields, their tables, and where sources differ: [printed codes](printed-codes.md).",
    "cellwright trace": "How to read the answer, and what `--json` holds: [trace](trace.md).",
    "cellwright commonality": "How to read the answer, what is tested, and what `--json` holds: "
    "[commonality](commonality.md). Step by step: [find a common cause](../how-to/find-a-common-cause.md).",
    "cellwright submit": "The lines: [submit commands](../how-to/submit-commands.md). The answers: "
    "[commands](commands.md), [refusals](refusals.md). With `--json` a line of standard output "
    "belongs to the line of input at the same place. Without it a refusal begins with `refused:` and has one line for "
    "each reason; those after the first are indented.",
    "cellwright import": "The file: [files of lots](lot-files.md). Step by step: [import lots](../how-to/import-lots.md).",
    "cellwright match": "The files and the answer: [matching](matching.md). Step by step: "
    "[match cells](../how-to/match-cells.md).",
    "cellwright recall": "Step by step: [recall a lot](../how-to/recall-a-lot.md).",
    "cellwright siblings": "How to read the answer, and what `--json` holds: [siblings](siblings.md). Step by step: "
    "[find who shares its fate](../how-to/find-siblings.md).",
    "cellwright corrections": "Step by step: [grade cells](../how-to/grade-cells.md).",
    "cellwright gauge": "Step by step: [grade cells](../how-to/grade-cells.md).",
    "cellwright pairs": "Step by step: [grade cells](../how-to/grade-cells.md).",
    "cellwright holds": "Placing and lifting: [hold and release](../how-to/hold-and-release.md).",
    "cellwright plant recipes": "The same recipe has the same digest at every station.",
    "cellwright user add": "Who may do what, and how people come in: [access](access.md).",
    "cellwright user link": "What a link is good for: [accounts](../how-to/accounts.md).",
    "cellwright user token": "With `--json` the keys are `token` and `text`. Scopes: [access](access.md).",
    "cellwright audit export": "How to verify the lines without Cellwright: [access](access.md#audit-trail).",
    "cellwright plant check": "The files: [plant files](plant-files.md).",
    "cellwright up": "Its machines: [connect machines](../how-to/connect-machines.md).",
    "cellwright demo": "While pages are served it prints `open ADDRESS`: a link for 30 minutes that signs `DEMO-VIEWER` in "
    "once, with every role but `partner`; the next: `cellwright user link DEMO-VIEWER --sign-in --data FOLDER`. "
    "With `--data` the folder also holds `plant.clock` (the plant's time, for `--clock`), "
    "`plant.pid` (process id of gate and links) and the logs `plant.log` and `machines.log`.",
}


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    group = main.cli
    if not isinstance(group, click.Group):
        raise TypeError("the command line is no group of verbs")
    return "\n".join([_INTRODUCTION, *(_section(path, verb) for path, verb in verbs(group, "cellwright"))])


def verbs(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every verb with the words that call it."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        if isinstance(verb, click.Group):
            yield from verbs(verb, f"{path} {name}")
        elif verb is not None:
            yield f"{path} {name}", verb


def _section(path: str, verb: click.Command) -> str:
    parameters = [each for each in verb.params if not (isinstance(each, click.Option) and each.hidden)]
    arguments = [each for each in parameters if isinstance(each, click.Argument)]
    options = sorted((each for each in parameters if isinstance(each, click.Option)), key=lambda each: each.opts[0])
    usage = " ".join([path, *(_placeholder(each) for each in arguments), "[OPTIONS]" if options else ""])
    lines = [f"## {path}", "", f"`{usage.strip()}`", "", _words(verb), ""]
    if path in _NOTES:
        lines += [textwrap.fill(_NOTES[path], 118, break_long_words=False, break_on_hyphens=False), ""]
    if options:
        lines += ["| option | value | default | meaning |", "|---|---|---|---|", *map(_option_row, options), ""]
    for caption, kind in DOCUMENTS.get(path, []):
        lines += _keys(caption, kind)
    return "\n".join(lines)


def _words(verb: click.Command) -> str:
    return textwrap.dedent(f"    {verb.help or ''}").strip()


def _placeholder(argument: click.Argument) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _option_row(option: click.Option) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    meaning, origin = split_help(option.help or "")
    cells = (f"`{names}`", _value(option), _default(option, origin), meaning)
    return "| " + " | ".join(each.replace("|", "\\|") for each in cells) + " |"


def split_help(text: str) -> tuple[str, str]:
    """Return a help text without the remark at its end about the default, and the remark."""
    found = _ORIGIN.search(text)
    if found is None:
        return text, ""
    meaning = text[: found.start()]
    origin = f"`${found[2]}`" if found[1] == "env" else found[2]
    return meaning, origin


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    kind = option.type
    if isinstance(kind, click.Choice):
        words = "one of " + ", ".join(f"`{each}`" for each in kind.choices)
    elif isinstance(kind, click.IntRange):
        words = f"whole number, {kind.min} to {kind.max}"
    elif isinstance(kind, click.File | click.Path):
        words = "folder" if isinstance(kind, click.Path) and not kind.file_okay else "file"
    elif option.metavar:
        words = f"`{option.metavar}`"
    else:
        words = _WORDS[type(kind).__name__ if isinstance(kind, click.DateTime) else str(kind)]
    return words + ("; may be given again" if option.multiple else "")


def _default(option: click.Option, origin: str) -> str:
    if option.required:
        return "needed"
    if origin:
        return origin
    shown = option.show_default and isinstance(option.default, str | int)
    return f"`{option.default}`" if shown else ""


def _keys(caption: str, kind: type[Any]) -> list[str]:
    """Return a table of the JSON keys of a document; a key without a meaning raises KeyError."""
    meanings = MEANINGS[kind]
    rows = [f"| `{each.encode_name}` | {meanings[each.name]} |" for each in msgspec.structs.fields(kind)]
    title = "With `--json`" + (f", {caption}" if caption else "")
    return [f"{title}:", "", "| key | content |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
