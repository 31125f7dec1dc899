"""The reference page of the command line, made from the verbs themselves: `python -m cellwright.testing.docs_cli`."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from cellwright.cli import main
from cellwright.cli.code import CodeReport
from cellwright.cli.curve import CurveColumns, CurveReport, StepReport
from cellwright.cli.demo_report import Check, Report, Score
from cellwright.cli.doctor import Finding
from cellwright.cli.lots import ImportReport
from cellwright.cli.match import MatchAnswer, MatchPack
from cellwright.cli.plant import StationRecipe
from cellwright.journal.audit import AuditVerdict
from cellwright.links.lotfile.columns import Problem
from cellwright.links.uds.outcome import Check as BmsCheck
from cellwright.links.uds.outcome import Identity, Outcome
from cellwright.links.uds.outcome import Step as BmsStep
from cellwright.model.certificates import Certificate
from cellwright.model.codes import CodeField, CodeNote
from cellwright.plant.check import CheckReport
from cellwright.rules.line_view import Want
from cellwright.telemetry.checking import Damage, TelemetryVerdict
from cellwright.views.holds import Hold, Holds
from cellwright.views.line_status import LineBuffer, LineCall, LineJob, LineStation, LineStatus
from cellwright.views.status import LoadedLot, StationStatus, Status
from cellwright.web.access.roster import Person

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

_MEANINGS: dict[type[Any], dict[str, str]] = {
    Report: {
        "packs_built": "Packs that finished their route.",
        "cells_started": "Cells that got a code, whatever became of them.",
        "cells_good": "Cells that passed everything: in a pack or module, or ready to go into one.",
        "first_pass_yield": "By operation: good at the first attempt / tried for the first time, 0 to 1.",
        "first_pass_count": "By operation: n of that ratio.",
        "refusals": "Refused commands by code; a command with several reasons counts once under each.",
        "trace": "The traced pack, backward: how many of each level.",
        "traced_pack": 'Code of the finished pack that was traced, "" = none finished.',
        "score": "The record against what truly happened in the virtual plant.",
        "check": "The tables against the journal.",
        "gate_restarts": "How often the plant's process died and was started again.",
        "seed": "Where all chance came from.",
        "wall_s": "Seconds from the start of the database until the virtual plant ended.",
        "stopped": 'Why the virtual plant gave up, "" = it shipped what was asked for.',
        "certificates_complete_count": "Finished packs whose birth certificate lacks nothing.",
        "certificates_count": "n: finished packs.",
    },
    Certificate: {
        "plant": "Code of the plant.",
        "code": "Code of the unit.",
        "fields": "What the code says by GB/T 34014, as `cellwright code` tells it; empty = it is none.",
        "warnings": "What is unsure about the code, and limits whose source nobody said.",
        "kind": "`cell`, `module` or `pack`.",
        "product": "Code of the product.",
        "product_name": "Its name in the plant's files.",
        "order": 'Work order, "" = none.',
        "made_from_us": "When the first operation on it began, UTC us; null = not known.",
        "made_to_us": "When the last one ended, UTC us; null = none has.",
        "verdict": "`good`, `not_good`, or `open`: not all is known.",
        "is_complete": "Whether nothing is missing and all is good; else it is a draft.",
        "lacks": "What is missing: `kind`, `text`, the units, and where: [certificates](certificates.md).",
        "units": "The unit, then its members that have members: tests, lots bound, and members as graded.",
        "incidents": "Repairs, holds, dispositions and further codes of these units, in their order.",
        "sha256": "SHA-256 (hex) of the canonical JSON: this document without this key.",
    },
    Score: {
        "wrong_intervals": "Recorded stretches of lots, and slots, that are not what happened. 0 is right.",
        "missing_intervals": "Those that happened and were not recorded. 0 is right.",
        "wrong_dispositions": "Units that are elsewhere than the record says, or were built in after they failed.",
        "skipped_operations": "Units whose recorded operations are not those that happened.",
        "compared_intervals": "n: how many were compared.",
        "details": "The first findings of each kind, as sentences.",
    },
    Check: {
        "equal": "Whether every row of every table is what the journal says.",
        "facts": "How many facts were folded.",
    },
    LineStatus: {
        "stations": "The stations that work on job orders.",
        "jobs": "Jobs that are not over, in the order of their dispatch.",
        "calls": "Open calls, the oldest first.",
        "buffers": "What waits for an operation of the line, and members in stock.",
        "orders": "Open orders for what the line makes, the oldest first.",
    },
    LineStation: {
        "station": "Code.",
        "name": "Name for people.",
        "operations": "What is done there; nothing = it brings members together.",
        "jobs_count": "Jobs there that are not over.",
        "calls_count": "Open calls there.",
    },
    LineJob: {
        "job": "Code of the job order.",
        "station": "Where it is done.",
        "operation": 'What is done; "" = units are brought together in a carrier.',
        "state": "`dispatched`, `proved` (the station gave it back as it was sent) or `running`.",
        "order": 'Work order that it is done for; "" = it goes on with what was begun for one.',
        "serves": 'Job that the brought members are for; "" = none.',
        "units_count": "Units that it works on or brings.",
        "members_count": "Members that it joins.",
        "dispatched_us": "When it was ordered, UTC us.",
        "started_us": "When it began, UTC us; null = not yet.",
        "age_s": "Seconds of plant time since it was ordered.",
    },
    LineCall: {
        "call": "Code of the call.",
        "station": "Who calls.",
        "kind": "One word: `material`, `stock`, `repair`, `machine`, `recipe`, `read_back` or `refused`.",
        "text": "What is wrong, and what to do.",
        "raised_us": "Since when, UTC us.",
        "age_s": "Seconds of plant time since then.",
    },
    LineBuffer: {
        "product": "What waits.",
        "operation": 'For which operation; "" = finished, in stock.',
        "waiting_count": "How many.",
        "oldest_since_us": "Since when the oldest waits, UTC us; null = nothing waits.",
    },
    Want: {
        "order": "Code of the order.",
        "product": "What it wants.",
        "left_count": "How many units may still begin for it.",
    },
    Status: {
        "facts": "Facts in the journal.",
        "last_fact_us": "When the last fact was recorded, UTC us; 0 = never.",
        "last_fact_age_s": "How old it is, by the clock of `--clock`; null = no fact yet.",
        "units": "By kind (`cell`, `module`, `pack`) and status: how many.",
        "stations": "One entry for each station that was asked anything.",
        "loaded": "One entry for each material position with a lot.",
        "refusals": "Refused commands by code; a command with several reasons counts once under each.",
        "holds_count": "Holds that nobody has lifted.",
        "packs_finished_count": "Packs that finished their route.",
    },
    StationStatus: {
        "station": "Code of the station.",
        "running_count": "Units, or runs of a lot operation, in process now.",
        "operation": "Its last operation.",
        "ok_count": "Units or lots that were good.",
        "ng_count": "Units or lots that were not good.",
        "refused_count": "Refused commands.",
        "last_refusal": 'Code of the last refusal, "" = none.',
        "last_fact_us": "When the last fact of it was recorded, UTC us; 0 = never.",
    },
    LoadedLot: {
        "station": "Code of the station.",
        "position": "Material position.",
        "lot": "Code of the lot.",
        "material": "Its material.",
        "measure": "`mm`, `mg` or `count`.",
        "remaining": "What is left at the position, in the measure.",
        "reserved": "What of it belongs to units in process.",
    },
    Holds: {
        "holds": "The holds, in the order of their numbers.",
        "releasing_roles": "A hold is lifted by two different people with one of these roles.",
        "releasing_people": "Badges of the people who have one.",
    },
    Hold: {
        "id": "Number of the hold; lifting needs it.",
        "subject": "`unit` or `lot`.",
        "codes": "Codes of the units or lots.",
        "reason": "Why.",
        "placed_us": "Since when, plant time, UTC us.",
        "placed_by": "Who placed it: a badge, or the station whose result did.",
        "released_us": "When it was lifted, plant time, UTC us; 0 = it is open.",
        "released_by": 'Who lifted it, "" = nobody.',
        "recall": 'The recall that it is part of; "" = none.',
        "second_person": "Who signed with them.",
    },
    ImportReport: {
        "file": "Name of the file.",
        "sha256": "SHA-256 (hex) of its bytes: its identity.",
        "dry_run": "Whether nothing was to be imported.",
        "lots": "Lots of the file.",
        "parents": "Links to parents of the file.",
        "pages": "Pages that it is cut into.",
        "imported_lots": "Lots that were imported now.",
        "known_lots": "Lots of it that were imported before.",
        "problems": "Everything that is wrong; nothing was imported of a page with a problem.",
    },
    Problem: {
        "line": "Line of the file (row of a Parquet file), counted from 1; 0 = the file as a whole.",
        "column": 'Column, "" = the line as a whole.',
        "text": "What was found, what was expected, and what to do.",
    },
    MatchAnswer: {
        "packs": "New packs, that with the oldest cell first.",
        "placed_ratio": "Share of the stock in packs, reserved ones included.",
        "bound_ratio": "What no plan exceeds.",
        "gap_ratio": "`bound_ratio` - `placed_ratio`.",
        "unusable_capacity_ratio": "Mean over the new packs of what their smallest parallel group costs; null = no pack.",
        "leftover": "Codes of the cells in no pack.",
        "leftover_counts": "How many of them for each reason.",
        "reserved": "Packs of the answer given by `--reserved` that stand.",
        "broken": "Those given up because a cell of theirs is on hold.",
        "pack": "Form of a pack.",
        "cells_count": "Cells in the file.",
        "wall_s": "Seconds from reading the file to the plan.",
    },
    MatchPack: {"groups": "Parallel groups in series, each a list of codes of cells."},
    StationRecipe: {
        "station": "Code of the station.",
        "operation": "Operation that it does.",
        "recipe": 'Code of the recipe in force, "" = there is none, and the operation cannot start.',
        "revision": "Its revision.",
        "released": "Whether it may run.",
        "digest": "SHA-256 hex that the recipe as read back from the machine must have: `recipe_digest` of a check-in.",
        "parameters": "Set values by name; a name ends in its unit.",
    },
    Identity: {
        "part_number": "Part number of the BMS.",
        "software_id": 'Name of its software, "" = it has none that runs.',
        "software_hash": "SHA-256 (hex) of its software, as it says itself.",
        "flash_state": "`0` no software, `1` complete, `2` incomplete: a flash began and did not end.",
    },
    Outcome: {
        "ok": "Whether the BMS is what the job wants, by what it was read back to be.",
        "failure": "Why not: `code`, `step`, `text`, and `response`, the negative response code or 0; null = it is.",
        "before": "What it said about itself before anything was written; null = it did not say.",
        "after": "What it said at the end, after a failure too; null = it did not say.",
        "block_count": "Blocks of software that were flashed, 0 = none had to be, or the flash failed.",
        "repeated_count": "Messages that were sent again because no answer came.",
        "checks": "Everything that was wanted, as it was read back.",
        "steps": "What was done, in its order.",
        "duration_ms": "How long all took.",
    },
    BmsCheck: {
        "name": "Name of the value in the contract.",
        "unit": 'Its unit, "" = it has none.',
        "expected": "What it must be.",
        "found": "What was read back after the last reset.",
        "equal": "Whether their bytes are equal.",
    },
    BmsStep: {
        "name": "`job`, `identify`, `flash`, `configure` or `read back`.",
        "ok": "Whether it was done.",
        "duration_ms": "How long it took.",
    },
    CodeReport: {
        "text": "The code as it was read.",
        "well_formed": "Whether it is a code of GB/T 34014; if not, the keys below are empty but for `problems`.",
        "kind": "`cell`, `module` or `pack`.",
        "made_on": "Production date by the best supported table of years, `2026-11-26`.",
        "second_use": "Whether it is a second-use code, of 19 characters.",
        "fields": "The fields in their order.",
        "problems": "What is wrong, each with its place.",
        "warnings": "What is uncertain: sources that differ, characters that are easily misread.",
    },
    CodeField: {
        "name": "`manufacturer`, `kind`, `battery_type`, `specification`, `traceability`, `year`, `month`, `day`, "
        "`serial`, `reuse`, `reuse_kind`.",
        "position": "Place of its first character, counted from 1.",
        "length": "How many characters it has.",
        "text": "Its characters.",
        "value": "Its value: a word, a number, or the characters.",
        "meaning": "The value in words.",
        "table": "The table that says so.",
    },
    CodeNote: {
        "kind": "Faults: `length`, `character`, `date`. Warnings: `year_differs`, `look_alike`, `serial_zero`.",
        "position": "Place of the first character that it is about, counted from 1.",
        "length": "How many characters it is about.",
        "text": "What was found, what was expected, and what to do.",
    },
    TelemetryVerdict: {
        "whole": "Whether every row that was acknowledged is there once, in files that are as they were written.",
        "segments": "Files in the manifest.",
        "rows": "Samples and points of curves in them.",
        "bytes": "Their size.",
        "fresh_rows": "Rows that wait in the database to be sealed.",
        "damaged": "Files that are gone or changed, and files that no manifest names.",
        "problems": "What else is wrong, as sentences.",
    },
    Damage: {
        "path": "The file.",
        "problem": "What is wrong with it.",
        "lost": "What nobody can read while it stays so.",
        "advice": "What to do.",
    },
    CheckReport: {
        "equal": "Whether every row of every table is what the journal says.",
        "facts": "How many facts were folded.",
        "tables": "By table: `rows`, how many are `different`, and the first `examples` as sentences.",
        "problem": 'Where the journal could not be folded any further, "" = nowhere.',
        "audit": "The audit trail as of `cellwright audit verify`; null after a rebuild.",
        "telemetry": "The files of samples; null after a rebuild.",
    },
    AuditVerdict: {
        "whole": "Whether every row is there, unchanged and in its place.",
        "rows": "How many there are.",
        "seq": "Number of the last.",
        "hash": "Its hash, SHA-256 hex: write it down elsewhere.",
        "checkpoints": "How many checkpoints were compared with.",
        "faults": "What is wrong, as sentences, at most 20.",
    },
    CurveReport: {
        "unit": "Printed code of the unit.",
        "operation": "Operation that it was tested in.",
        "attempt": "Which test of the unit in the operation, from 1.",
        "channel": 'Channel of the cycler, "" = not told.',
        "program": "Program of the cycler.",
        "version": "Its version.",
        "fault": '`resistance_step`, `voltage_jumps`, `high_resistance`, `ended_early`, `low_charge`, `unknown`; "" = none.',
        "method": "What made the features, with its version.",
        "whole": "Features of the whole test by name; null = not known.",
        "steps": "Features of each step.",
        "points": "The samples.",
    },
    StepReport: {
        "step": "Number of the step; one that ran again tells its last run.",
        "values": "Features by name; null = not known.",
    },
    CurveColumns: {
        "times_us": "Times, UTC us.",
        "steps": "Step of each sample.",
        "currents_a": "Currents (A), charging is positive; null = not measured.",
        "voltages_v": "Voltages (V).",
        "temperatures_c": "Temperatures (degrees Celsius).",
    },
    Person: {
        "person": "Badge code.",
        "roles": "Roles.",
        "disabled": "Whether the person may act no more.",
        "has_account": "Whether the person can sign in.",
        "signed_in_us": "When a session was last opened, UTC us; 0 = never.",
        "seen_us": "Last use of a living session, UTC us; 0 = there is none.",
        "token_count": "Living API tokens.",
    },
    Finding: {
        "name": "What was looked at.",
        "ok": "Whether it is right.",
        "text": "What was seen, or what to do.",
    },
}

_DOCUMENTS: dict[str, list[tuple[str, type[Any]]]] = {
    "cellwright demo": [("", Report), ("`score`", Score), ("`check`", Check)],
    "cellwright status": [
        ("`status`; beside it `first_pass_yield` has the counts of each operation", Status),
        ("each of `stations`", StationStatus),
        ("each of `loaded`", LoadedLot),
    ],
    "cellwright curve": [
        ("", CurveReport),
        ("each of `steps`", StepReport),
        ("`points`", CurveColumns),
    ],
    "cellwright audit verify": [("", AuditVerdict)],
    "cellwright certificate": [("", Certificate)],
    "cellwright check": [
        ("", CheckReport),
        ("`telemetry`", TelemetryVerdict),
        ("each of its `damaged`", Damage),
    ],
    "cellwright user list": [("`person` of each entry; beside it `qualifications` has those of the person", Person)],
    "cellwright holds": [("", Holds), ("each of `holds`", Hold)],
    "cellwright import": [("", ImportReport), ("each of `problems`", Problem)],
    "cellwright line": [
        ("", LineStatus),
        ("each of `stations`", LineStation),
        ("each of `jobs`", LineJob),
        ("each of `calls`", LineCall),
        ("each of `buffers`", LineBuffer),
        ("each of `orders`", Want),
    ],
    "cellwright match": [("", MatchAnswer), ("each of `packs`, `reserved` and `broken`", MatchPack)],
    "cellwright plant recipes": [("a list of", StationRecipe)],
    "cellwright bms identify": [("", Identity)],
    "cellwright bms commission": [
        ("", Outcome),
        ("`before` and `after`", Identity),
        ("each of `checks`", BmsCheck),
        ("each of `steps`", BmsStep),
    ],
    "cellwright code": [
        ("", CodeReport),
        ("each of `fields`", CodeField),
        ("each of `problems` and `warnings`", CodeNote),
    ],
    "cellwright rebuild": [("as of `cellwright check`, after the tables were written", CheckReport)],
    "cellwright doctor": [("a list of", Finding)],
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
    for caption, kind in _DOCUMENTS.get(path, []):
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
    meanings = _MEANINGS[kind]
    rows = [f"| `{each.encode_name}` | {meanings[each.name]} |" for each in msgspec.structs.fields(kind)]
    title = "With `--json`" + (f", {caption}" if caption else "")
    return [f"{title}:", "", "| key | content |", "|---|---|", *rows, ""]


if __name__ == "__main__":
    PAGE.write_text(cli_page(), encoding="utf-8")
