"""Reference pages made from the types themselves: every command and fact, every field, in words."""

import ast
import inspect
import textwrap
from enum import EnumType
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from cellwright.model import (
    commands,
    correction_commands,
    correction_facts,
    corrections,
    facts,
    job_commands,
    job_facts,
    sample_commands,
    sample_facts,
    webs,
)
from cellwright.model.commands import CheckIn, CheckOut, Command, Consumed, Parents, Submission
from cellwright.model.facts import Envelope, Fact
from cellwright.testing.flow import START_US, results

COMMAND_TYPES: tuple[type[Any], ...] = get_args(Command)
FACT_TYPES: tuple[type[Any], ...] = get_args(Fact)
_MODULES = (
    commands,
    job_commands,
    correction_commands,
    corrections,
    facts,
    job_facts,
    correction_facts,
    sample_commands,
    sample_facts,
    webs,
)

_MEANINGS = {
    "action": "`scrap`; `rework` to go back to an operation; `reuse`, of removed units, to be used again as they are.",
    "actor": "Who says it: a station's code or a person's badge.",
    "attempts": "How often each unit has now completed this operation.",
    "carrier": 'Code of the tray or magazine; "" = none.',
    "certificate_sha256": 'SHA-256 (hex) of the certificate; "" = none.',
    "characteristic": "Code of the characteristic in `characteristics.toml`.",
    "child": "Number of the lot that was made.",
    "child_end": "Where the stretch ends on the lot that was made, in its measure.",
    "child_start": "Where the stretch begins on the lot that was made, in its measure.",
    "clock_skewed": "True: the equipment's clock was off, so the server's time counts.",
    "code": "Printed code.",
    "codes": "Printed codes, one per unit or lot.",
    "command": "What is asked for; see the commands below.",
    "corrected": "How each corrected characteristic was corrected; see CorrectedBy.",
    "consumed": "What was taken from the material positions; see Consumed.",
    "count": "How many units or lots are to be made.",
    "counter_tolerance": "How far the machine's counter may lie from the true position.",
    "defect": "Defect code.",
    "defects": 'Defect code per unit or lot; "" = none; no list = none at all.',
    "effects": "What the gauges of each kind add; see GaugeEffect.",
    "due_us": "When the units are wanted, UTC us; 0 = whenever.",
    "end": "Where the stretch ends (not included), in the lot's measure from where the lot begins.",
    "ends": "Where each stretch ends (not included), in the lot's measure from where the lot begins.",
    "epoch": "Random number of the sender, new whenever it lost its sequence counter.",
    "expires_us": "When it expires, UTC us; 0 = never.",
    "fact": "What was decided; see the facts below.",
    "firsts": "Code of the first unit of each range.",
    "grades": "Grade per unit; no list = the operation does not grade.",
    "hold": "Number of the hold; the answer to PlaceHold gives it.",
    "id_from": "First unit number; the others follow one by one.",
    "bound_ratio": "Share of the stock that no plan can pass, proved.",
    "call": "Code of the call, as whoever raises it counts; the same again changes nothing.",
    "gap_ratio": "Bound less what was placed, as a share of the bound.",
    "is_aborted": "True: given up; nothing was done, or nobody reported what.",
    "digest": "SHA-256 (hex) of the job order, as the station must give it back.",
    "job": "Code of the job order.",
    "jobs": "The job orders.",
    "kind": "Kind.",
    "lane": "Lane of a slit roll, counted from 1; 0 = the whole width.",
    "lanes": "Lane per row, counted from 1; 0 or no list = the whole width.",
    "lasts": "Code of the last unit of each range, from the same block of serial numbers as its first.",
    "layer": "0 = first time, n = n-th repetition.",
    "lot": "Code of the lot.",
    "lots": "Codes of lots: those made, as the answer to the check-in gave them; of a recall, those to be held.",
    "material": "Code of the material in `materials.toml`.",
    "measure": "Unit in which the lot is counted.",
    "members": "Numbers of the units that became members.",
    "operation": 'Code of the operation; "" = the station\'s only one.',
    "output_ends": "Lot operations only: where each stretch ends on the lot made.",
    "output_starts": "Lot operations only: where each stretch begins on the lot made.",
    "order": "Code of the work order.",
    "output": "Which lot of the page it is, counted from 0.",
    "outputs": "Per row: which unit or lot of the page took it, counted from 0.",
    "parent": "Number of the unit or lot that the others went into or came from.",
    "parent_end": "Where the stretch ends on the lot that was consumed, in its measure.",
    "parent_start": "Where the stretch begins on the lot that was consumed, in its measure.",
    "parts": "Which stretch of which lot went into what.",
    "patience_us": "How long (host time, us) the gate may keep a command that came before its turn.",
    "person": 'Badge of the person; "" = nobody.',
    "packs": "Codes of the packs in the page.",
    "partner": "Code of the partner.",
    "placed_ratio": "Share of the stock that the plan uses.",
    "plant": "Code of the site.",
    "position": "Material position of the station.",
    "positions": "Material position per row.",
    "prefix": "First 17 characters of the printed codes.",
    "product": "Code of the product in `materials.toml`.",
    "qualification": "What the person may do, as operations name it.",
    "quantities": "Quantity per lot made, in its measure.",
    "quantity": "Quantity in the lot's measure (mm, mg or pieces); of an order: good units.",
    "replacements": "Units that take the places, in the same order.",
    "reason": "Why, in words.",
    "reasons": "Every failing test: code, sentence, evidence.",
    "recipe": "Code of the recipe.",
    "recipe_digest": "Digest of the recipe as read back from the machine.",
    "recipe_revision": "Revision of the recipe.",
    "recorded_us": "Server's time, UTC us.",
    "recall": "Code of the recall, as whoever places it calls it; the same again adds only what it does not hold yet.",
    "released": "True: it may be used at once.",
    "reserved": "What each position keeps for this page.",
    "results": "Measured values, one column per characteristic.",
    "reversed": "True: the lot made runs against the one consumed; no list = none does.",
    "roles": "Roles: operator, line_lead, quality, process, maintenance, planner, auditor, admin, partner.",
    "route": "The route, with every operation as it is in this revision.",
    "routes": "Each route as JSON text.",
    "second_person": "Badge of the second person who signs; not the actor.",
    "seq": "Counts up by 1 with every new message of this source and epoch.",
    "serial_from": "Serial number of the first unit.",
    "serves": 'Job whose reserved members it prepares; "" = none.',
    "slots": "Slot per unit, counted from 0.",
    "source": "Who sends: a station's code, or the name of a program.",
    "start": "Where the stretch or the first value begins, in the lot's measure from where the lot begins.",
    "starts": "Where each stretch begins, in the lot's measure from where the lot begins.",
    "station": "Code of the station.",
    "step": "Index of the operation on the route to go back to; -1 = scrapped.",
    "stock_count": "Units that were to be chosen from.",
    "subject": "What is held.",
    "subjects": "Numbers of the units or lots.",
    "supplier": "Code of the supplier.",
    "taken": "What each position gave, loss included.",
    "text": "What is wrong, and what to do about it, in words.",
    "time_us": "Sender's clock, UTC us. Data, never order.",
    "tolerance": "How far the stored stretch may lie from the machine's counter.",
    "tool": "Code of the tool.",
    "tools": "Codes of the tools that wore.",
    "units": "Codes of the units in the page.",
    "valid_until_us": "UTC us until which it is valid.",
    "values": "One value per unit or lot; null = not measured.",
    "verdicts": "True = good, per unit or lot; no list = all good.",
    "version": "Version of the fact's type.",
}
_OF_FACTS = {
    "correction": "Number of the correction.",
    "was_lot": "Lot that was recorded.",
    "was_start": "Where the first of these units began on it, by the record before.",
    "was_end": "Where the last of these units ended on it, by the record before.",
    "was_parent": "Number of the lot it was made of, by the record before.",
    "was_parent_start": "Where the stretch began on that lot, by the record before.",
    "was_parent_end": "Where the stretch ended on that lot, by the record before.",
    "was_child_start": "Where it began on the lot made, by the record before.",
    "was_child_end": "Where it ended on the lot made, by the record before.",
    "was_lane": "Its lane, by the record before.",
    "was_reversed": "Whether it ran backwards, by the record before.",
    "was_tolerance": "How far its ends might be off, by the record before.",
    "runs": "What was recorded of units, each run that was touched apart, and what they really took.",
    "layer": "0 for the first time that the units took something there, n for the n-th time again.",
    "first": "Number of the first unit.",
    "last": "Number of the last unit.",
    "number": "Number of the part within its lot.",
    "parent": "Number of the unit, or of the lot, that it went into or was made of.",
    "child": "Number of the lot that was made.",
    "stocks": "What therefore changed in the stock of lots.",
    "returned": "How much went back to stock; below 0: that much more was taken.",
    "lot": "Number of the lot; LotReceived and LotsOpened give its code.",
    "lots": "Numbers of the lots.",
    "units": "Numbers of the units; UnitsCommissioned gives their codes.",
    "route": "Number of the route's revision.",
    "kind": "`cell`, `module` or `pack`; of a RunPart: the material position.",
    "count": "How many units were born.",
}


def commands_page() -> str:
    """Return docs/reference/commands.md."""
    intro = """\
    # Commands

    A command is what a station or a person asks for. It travels in a **submission**, as JSON, and gets one answer:
    `Admit` (go on, with codes and recipe), `Receipt` (recorded) or `Refusal` (nothing changed, with
    [every reason](refusals.md)). A field that is not listed here is refused.

    Machines do not send JSON: they fill the nodes of the station contract, and the link makes the command.

    Send the same (source, epoch, seq) again and you get the same answer; nothing is done twice. Send something else
    under it and you are refused.
    """
    helpers = [Submission, Consumed, Parents, commands.Result, commands.Profile, commands.Marks]
    helpers += [job_commands.Job, job_commands.MatchEvidence]
    helpers += [corrections.GaugeEffect, corrections.Window, corrections.Share]
    return _page(intro, [*helpers, *COMMAND_TYPES], example=_example())


def facts_page() -> str:
    """Return docs/reference/facts.md."""
    intro = """\
    # Facts

    A fact is what was decided, in the past tense. Facts are only ever added to the journal, never changed or removed,
    and every table can be made again from them (`cellwright check` does so and compares). A fact travels in an
    **envelope**. Units and lots appear by number; the facts of their birth give the printed codes.

    New versions add fields with defaults and never take any away: facts written today can be read for ever.
    """
    helpers = [Envelope, facts.Taken, facts.RunPart, facts.LotPart, webs.LotProfile, webs.LotMark]
    helpers += [correction_facts.RunCorrection, correction_facts.PartCorrection, correction_facts.StockCorrection]
    helpers += [job_facts.JobOrder, job_commands.MatchEvidence]
    helpers += [corrections.GaugeEffect, corrections.Window, corrections.Share, corrections.CorrectedBy]
    return _page(intro, [*helpers, *FACT_TYPES], special=_OF_FACTS)


def _page(
    intro: str,
    kinds: list[type[Any]],
    *,
    example: str = "",
    special: dict[str, str] | None = None,
) -> str:
    notes = {name: each for module in _MODULES for name, each in attribute_notes(module).items()}
    meanings = {**_MEANINGS, **(special or {})}
    sections = [_section(kind, {**meanings, **notes.get(kind.__name__, {})}) for kind in kinds]
    note = "<!-- Made by `python -m cellwright.testing.regenerate` from the types; do not edit. -->"
    return "\n".join([textwrap.dedent(intro), note, "", *([example] if example else []), *sections])


def _section(kind: type[Any], meanings: dict[str, str]) -> str:
    lines = [f"## `{kind.__name__}`", "", inspect.cleandoc(kind.__doc__ or ""), ""]
    hints = get_type_hints(kind)
    fields = msgspec.structs.fields(kind)
    if fields:
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
    for each in fields:
        lines.append(
            f"| `{each.name}` | {type_words(hints[each.name])} | {_default(each)} | {meanings.get(each.name, '')} |"
        )
    return "\n".join([*lines, ""])


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default is msgspec.NODEFAULT:
        return "none"
    value = msgspec.json.encode(field.default).decode()
    return f"`{value}`"


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null"}


def type_words(hint: Any) -> str:
    """Return a type hint in words."""
    if hint in _WORDS:
        return _WORDS[hint]
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return f"list of {type_words(arguments[0])}"
    if isinstance(hint, EnumType):
        choices: list[Any] = list(hint.__members__.values())
        return "one of " + ", ".join(f"`{each.value}`" for each in choices)
    if len(arguments) > 4:
        return "any command" if CheckIn in arguments else "any fact"
    if arguments:
        return " or ".join(type_words(each) for each in arguments)
    return f"{hint.__name__}"


def attribute_notes(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return the sentences under the fields of a module's classes, by class and field."""
    tree = ast.parse(inspect.getsource(module))
    return {node.name: _notes_of(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _notes_of(node: ast.ClassDef) -> dict[str, str]:
    notes = {}
    for before, after in zip(node.body, node.body[1:], strict=False):
        if not isinstance(before, ast.AnnAssign) or not isinstance(before.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            notes[before.target.id] = " ".join(str(after.value.value).split())
    return notes


def _example() -> str:
    ask = CheckIn(station="SEAL-01", units=("TESTCELL000001G110000001",), recipe_digest="5a1c...")
    report = CheckOut(
        station="SEAL-01",
        units=ask.units,
        results=results(leak_pamin=[1.2]),
        consumed=Consumed(positions=("cap",), outputs=(0,), starts=(41,), ends=(42,)),
    )
    lines = ["## Example", "", "A sealing station asks, works and reports:", ""]
    for seq, command in ((17, ask), (18, report)):
        submission = Submission(
            source="SEAL-01", epoch=81723, seq=seq, time_us=START_US + seq, actor="SEAL-01", command=command
        )
        text = msgspec.json.format(msgspec.json.encode(submission), indent=2).decode()
        lines += ["```json", text, "```", ""]
    return "\n".join(lines)
