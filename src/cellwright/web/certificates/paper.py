"""A certificate as lines and tables of texts in one language: what every form on paper is made from."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from cellwright.model.certificates import Certificate, CertifiedUnit, Incident, Lack, LackKind, Tested
from cellwright.model.codes import CodeField
from cellwright.model.quantities import Characteristic
from cellwright.web.shell import LANGUAGES, catalogue

_WORDS: Final = Path(__file__).parent / "words.json"
_US_PER_S: Final = 1_000_000
_NUMBERED: Final = re.compile(r"(.+)_(\d+)_([a-z]+)")
_FAULT: Final = re.compile(r"(.+)_(low|high|not_measured)")
_NAMED_MAX: Final = 8
"""Names in one line of the banner; the list below it has them all."""


class Row(Struct, frozen=True):
    """Cells of a table; `kind` says how it looks: "" = plain, `head` = over the rows below it, `bad` = marked."""

    cells: tuple[str, ...]
    kind: str = ""


class PaperTable(Struct, frozen=True, kw_only=True):
    """A table with its caption; `widths` are parts of the sheet's width, `head` rows have one cell over all columns."""

    caption: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[Row, ...]


class PaperSection(Struct, frozen=True, kw_only=True):
    """A heading, what stands under it, and tables."""

    title: str
    note: str
    tables: tuple[PaperTable, ...]


class Paper(Struct, frozen=True, kw_only=True):
    """A whole certificate; `banner` is "" when it is released."""

    language: str
    title: str
    code: str
    banner: str
    banner_text: str
    notice: str
    """What could not be printed, "" = all was."""
    facts: tuple[tuple[str, str], ...]
    sections: tuple[PaperSection, ...]
    footer: str
    page_word: str


class _Words:
    """The words of one language; terms of the plant come from the pages' catalogue."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)
        self._terms = catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        return _words()[key][self._at].format_map({name: str(value) for name, value in values.items()})

    def term(self, code: str, name: str = "") -> str:
        """Return what a code of the plant is called, as the pages call it."""
        if self.language == "en" and name:
            return name
        return self._terms.get(f"term.{code}") or name or code.replace("_", " ")

    def characteristic(self, code: str) -> str:
        """Return what a characteristic is called; one of many alike, as torque_07_nm, by the word of torque_nm."""
        numbered = _NUMBERED.fullmatch(code)
        word = numbered and self._terms.get(f"term.{numbered[1]}_{numbered[3]}")
        return f"{word} {int(numbered[2])}" if numbered and word else self.term(code)

    def defect(self, code: str) -> str:
        """Return what a machine found wrong: a code of its own, or a characteristic and on which side of its limits."""
        found = _FAULT.fullmatch(code)
        if not found:
            return self.term(code)
        return self._terms[f"defect.{found[2]}"].replace("{name}", self.characteristic(found[1]))

    def missing(self, kind: LackKind) -> str:
        """Return a kind of what is missing, as the pages say it."""
        return self._terms[f"lack.{kind}"]


@cache
def _words() -> Mapping[str, tuple[str, str]]:
    return msgspec.json.decode(_WORDS.read_bytes(), type=dict[str, tuple[str, str]])


def paper_of(certificate: Certificate, language: str, *, notice: str = "") -> Paper:
    """Return a certificate in a language (`en`, `zh`)."""
    words = _Words(language)
    sections = [_lacks(certificate, words)] if certificate.lacks else []
    sections += [_code(certificate, words)]
    sections += [_unit(each, words) for each in certificate.units]
    sections += [_incidents(certificate, words)]
    return Paper(
        language=language,
        title=f"{words('title')}: {words(certificate.kind)}",
        code=certificate.code,
        banner="" if certificate.is_complete else words("draft"),
        banner_text="" if certificate.is_complete else _draft_text(certificate, words),
        notice=notice,
        facts=tuple(_facts(certificate, words)),
        sections=tuple(sections),
        footer=f"{certificate.code} SHA-256 {certificate.sha256[:16]}",
        page_word=words("page"),
    )


def word(key: str, language: str) -> str:
    """Return a word of certificates in a language."""
    return _Words(language)(key)


def _facts(certificate: Certificate, words: _Words) -> Iterator[tuple[str, str]]:
    yield words("code"), certificate.code
    yield words("product"), words.term(certificate.product, certificate.product_name)
    yield words("plant"), certificate.plant
    yield words("order"), certificate.order or words("none")
    made = (_time(time_us) or words("unknown") for time_us in (certificate.made_from_us, certificate.made_to_us))
    yield words("made"), f"{' - '.join(made)} UTC"
    yield words("final"), words(certificate.verdict)
    missing = f"{words('lacks')}: {len(certificate.lacks)}"
    yield words("lacks"), words("complete") if certificate.is_complete else missing
    yield words("sha256"), certificate.sha256


def _draft_text(certificate: Certificate, words: _Words) -> str:
    """Return in a few lines what is missing, by kind."""
    named: dict[LackKind, dict[str, None]] = {}
    for each in certificate.lacks:
        named.setdefault(each.kind, {})[_lack_name(each, words)] = None
    told = (f"{words.missing(kind)}{_names(list(names), words)}" for kind, names in named.items())
    return words("draft_text", missing=words("then").join(told))


def _lack_name(lack: Lack, words: _Words) -> str:
    named = words.characteristic(lack.name) if lack.name else ""
    return " ".join(each for each in (words.term(lack.operation), named) if each)


def _names(names: list[str], words: _Words) -> str:
    known = [each for each in names if each]
    more = words("names_more", n=len(known) - _NAMED_MAX) if len(known) > _NAMED_MAX else ""
    return f"{words('colon')}{words('comma').join(known[:_NAMED_MAX])}{more}" if known else ""


def _lacks(certificate: Certificate, words: _Words) -> PaperSection:
    rows = tuple(
        Row((_some(each.units, words), words.term(each.operation), _lack_text(each, words)), "bad")
        for each in certificate.lacks
    )
    columns = (words("units"), words("operation"), words("lack"))
    table = PaperTable(caption="", columns=columns, widths=(3, 2, 5), rows=rows)
    return PaperSection(title=words("lacks"), note="", tables=(table,))


def _lack_text(lack: Lack, words: _Words) -> str:
    named = words.characteristic(lack.name) if lack.name else ""
    return words(f"lack_{lack.kind}", text=lack.text, operation=words.term(lack.operation), name=named)


def _some(codes: tuple[str, ...], words: _Words) -> str:
    return codes[0] if len(codes) == 1 else words("units_more", code=codes[0], n=len(codes) - 1)


def _code(certificate: Certificate, words: _Words) -> PaperSection:
    fields = tuple(
        Row((words(f"field_{each.name}"), each.text, _meaning(each, words), each.table)) for each in certificate.fields
    )
    columns = (words("field"), words("text"), words("meaning"), words("table"))
    tables = [PaperTable(caption="", columns=columns, widths=(2, 2, 3, 5), rows=fields)] if fields else []
    if certificate.warnings:
        notes = tuple(Row((each,)) for each in certificate.warnings)
        tables.append(PaperTable(caption=words("warnings"), columns=(words("warning"),), widths=(1,), rows=notes))
    return PaperSection(title=words("code_fields"), note="", tables=tuple(tables))


def _meaning(field: CodeField, words: _Words) -> str:
    if words.language == "en":
        return field.meaning
    if field.name in {"kind", "reuse_kind"}:
        return words(field.value)
    return words(f"type_{field.value}") if field.name == "battery_type" else field.value


# --- units ------------------------------------------------------------------------------------------


def _unit(unit: CertifiedUnit, words: _Words) -> PaperSection:
    slot = "" if unit.slot is None else f", {words('slot').lower()} {unit.slot}"
    return PaperSection(
        title=f"{words(unit.kind)} {unit.code}{slot}",
        note=f"{words.term(unit.product)}; {words('revision', route=words.term(unit.route), revision=unit.revision)}",
        tables=tuple(each for each in (_tests(unit, words), _lots(unit, words), *_members(unit, words)) if each.rows),
    )


def _tests(unit: CertifiedUnit, words: _Words) -> PaperTable:
    columns = ("characteristic", "limits", "unit", "raw", "verdict", "source")
    return PaperTable(
        caption=words("tests"),
        columns=tuple(map(words, columns)),
        widths=(5, 4, 2, 4, 2, 5),
        rows=tuple(row for test in unit.tests for row in _test_rows(test, words)),
    )


def _test_rows(test: Tested, words: _Words) -> Iterator[Row]:
    yield Row(("; ".join(_circumstances(test, words)),), "head" if test.is_good else "bad-head")
    for each in test.values:
        raw = words("not_measured") if each.value is None else number_text(each.value)
        limits = limits_text(each.characteristic) or words("unlimited")
        verdict = words("good" if each.is_good else "bad")
        source = each.characteristic.source or words("source_none")
        name = words.characteristic(each.characteristic.code)
        cells = (name, limits, each.characteristic.unit, raw, verdict, source)
        yield Row(cells, "" if each.is_good else "bad")


def _circumstances(test: Tested, words: _Words) -> Iterator[str]:
    verdict = words("good" if test.is_good else "bad")
    repeated = "" if test.is_last else f" ({words('later')})"
    yield f"{words.term(test.operation, test.name)}, {words('attempt', n=test.attempt)}: {verdict}{repeated}"
    yield f"{_time(test.ended_us)} UTC"
    yield f"{words('station')} {test.station}"
    named: dict[str, Any] = {
        "tools": ", ".join(test.tools),
        "carrier": test.carrier,
        "channel": test.channel,
        "recipe": f"{test.recipe} {test.recipe_revision}" if test.recipe else "",
        "person": test.person,
        "defect": test.defect and words.defect(test.defect),
        "grade": test.grade,
    }
    yield from (f"{words(key).lower()} {value}" for key, value in named.items() if value not in ("", None))
    if test.calibration is not None:
        is_over = test.calibration.valid_until_us < (test.began_us or test.ended_us)
        yield words("calibration_over" if is_over else "calibrated", time=_time(test.calibration.valid_until_us))
    elif test.is_calibration_needed:
        yield words("calibration_none")


def _lots(unit: CertifiedUnit, words: _Words) -> PaperTable:
    columns = ("operation", "position", "material", "lot", "supplier")
    rows = (
        (
            words.term(each.operation),
            words.term(each.position),
            words.term(each.material),
            each.lot or words("unknown"),
            each.supplier or words("unknown"),
        )
        for each in unit.lots
    )
    return PaperTable(
        caption=words("lots"),
        columns=tuple(map(words, columns)),
        widths=(4, 3, 4, 5, 3),
        rows=tuple(map(Row, rows)),
    )


def _members(unit: CertifiedUnit, words: _Words) -> Iterator[PaperTable]:
    if not unit.members:
        return
    measured = [
        f"{words.characteristic(each.characteristic.code)} {_unit_text(each.characteristic)}" for each in unit.columns
    ]
    limits = [limits_text(each.characteristic) or words("unlimited") for each in unit.columns]
    rows = tuple(
        Row(
            (
                str(each.slot),
                each.code,
                each.grade or words("none"),
                *(words("not_measured") if value is None else number_text(value) for value in each.values),
                str(each.tests_count),
                str(each.failed_count),
                words("good" if each.is_good else "bad"),
            ),
            "" if each.is_good else "bad",
        )
        for each in unit.members
    )
    heads = ("tests_count", "failed", "member_verdict")
    columns = (words("slot"), words("code"), words("grade"), *measured, *map(words, heads))
    limit_row = Row(("", words("limits"), "", *limits, "", "", ""), "limits")
    widths = (2, 8, 2, *(3 for _ in measured), 3, 3, 3)
    yield PaperTable(caption=words("graded"), columns=columns, widths=widths, rows=(limit_row, *rows))
    yield _grades(unit, words)


def _unit_text(characteristic: Characteristic) -> str:
    return "" if characteristic.unit == "1" else f"({characteristic.unit})"


def _grades(unit: CertifiedUnit, words: _Words) -> PaperTable:
    rows = (
        Row(
            (
                grade.code,
                "; ".join(f"{words.characteristic(each.code)} {limits_text(each)}" for each in grade.limits)
                or words("unlimited"),
            )
        )
        for grade in unit.grades
    )
    return PaperTable(
        caption=words("grades"), columns=(words("grade"), words("limits")), widths=(1, 8), rows=tuple(rows)
    )


def _incidents(certificate: Certificate, words: _Words) -> PaperSection:
    rows = tuple(Row(tuple(_incident(each, words))) for each in certificate.incidents)
    columns = tuple(map(words, ("time", "units", "incident", "actor", "reason")))
    table = PaperTable(caption="", columns=columns, widths=(3, 5, 4, 3, 5), rows=rows)
    note = "" if rows else words("incidents_none")
    return PaperSection(title=words("incidents"), note=note, tables=(table,) if rows else ())


def _incident(incident: Incident, words: _Words) -> Iterator[str]:
    yield _time(incident.time_us)
    yield incident.unit
    moved = [(incident.replaced, "replaced"), (incident.others, "put_in")]
    told = [words(key, codes=", ".join(codes)) for codes, key in moved if codes]
    yield "; ".join([words(f"incident_{incident.kind}"), *told])
    yield incident.actor
    yield incident.reason


# --- texts ------------------------------------------------------------------------------------------


def number_text(value: float) -> str:
    """Return a number with all digits that it surely has; the JSON holds it bit by bit."""
    return f"{value:.15g}"


def limits_text(characteristic: Characteristic) -> str:
    """Return the limits of a characteristic in its unit, "" = none."""
    lower, upper = characteristic.lower, characteristic.upper
    if lower is not None and upper is not None:
        return f"= {number_text(lower)}" if lower == upper else f"{number_text(lower)} ... {number_text(upper)}"
    if lower is not None:
        return f">= {number_text(lower)}"
    return "" if upper is None else f"<= {number_text(upper)}"


def _time(time_us: int | None) -> str:
    if time_us is None:
        return ""
    return datetime.fromtimestamp(time_us // _US_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def texts_in(paper: Paper) -> Iterable[str]:
    """Yield every text of a paper."""
    yield from (
        paper.title,
        paper.banner,
        paper.banner_text,
        paper.notice,
        *(text for fact in paper.facts for text in fact),
    )
    for section in paper.sections:
        yield from (section.title, section.note)
        yield from (text for table in section.tables for row in table.rows for text in row.cells)
