"""What a certificate says of a unit's record: every test judged by the limits of then, and what is missing."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from cellwright.model.certificates import (
    BoundLot,
    Certificate,
    CertificateVerdict,
    CertifiedUnit,
    GradedMember,
    GradingColumn,
    Incident,
    Judged,
    Lack,
    LackKind,
    Tested,
    UnitRecord,
    WorkRecord,
    canonical_json,
)
from cellwright.model.codes import explain, parse_code
from cellwright.model.routes import Grade, Operation

_SHARED = (set(Tested.__struct_fields__) & set(WorkRecord.__struct_fields__)) - {"values"}
_BAD = {LackKind.NOT_GOOD, LackKind.OUTSIDE, LackKind.SCRAPPED, LackKind.TWICE}


class Heading(Struct, frozen=True, kw_only=True):
    """What a certificate says of its unit beside the tests."""

    plant: str
    product_name: str
    order: str = ""
    incidents: tuple[Incident, ...] = ()


def certify(record: UnitRecord, heading: Heading) -> Certificate:
    """Return the certificate of a unit; the same record gives the same hash."""
    sections = [record, *(member for member in _below(record) if member.members)]
    lacks = tuple(_grouped(_lacks(record)))
    units = tuple(map(_certified, sections))
    reading = parse_code(record.code)
    certificate = Certificate(
        plant=heading.plant,
        code=record.code,
        fields=() if reading.code is None else explain(reading.code),
        warnings=(*(note.text for note in reading.warnings), *_unsaid(sections)),
        kind=record.kind,
        product=record.product,
        product_name=heading.product_name,
        order=heading.order,
        made_from_us=record.made_from_us,
        made_to_us=max((work.ended_us for work in record.works), default=None),
        verdict=_verdict(lacks),
        is_complete=not lacks,
        lacks=lacks,
        units=units,
        incidents=heading.incidents,
    )
    return structs.replace(certificate, sha256=hashlib.sha256(canonical_json(certificate)).hexdigest())


def _below(record: UnitRecord) -> Iterator[UnitRecord]:
    for member in record.members:
        yield member
        yield from _below(member)


def _verdict(lacks: Iterable[Lack]) -> CertificateVerdict:
    kinds = {each.kind for each in lacks}
    if kinds & _BAD:
        return CertificateVerdict.NOT_GOOD
    return CertificateVerdict.OPEN if kinds else CertificateVerdict.GOOD


def _unsaid(sections: Iterable[UnitRecord]) -> Iterator[str]:
    """Yield which limits of the sections come from nobody knows where."""
    for section in sections:
        names = [
            f"{operation.code}.{each.code}"
            for operation in section.route.operations
            for each in operation.characteristics
            if not each.source and (each.lower is not None or each.upper is not None)
        ]
        if names:
            yield f"{section.code}: nobody said where the limits of {', '.join(names)} come from; give each its `source`"


# --- sections ---------------------------------------------------------------------------------------


def _certified(record: UnitRecord) -> CertifiedUnit:
    leaves = [member for member in record.members if not member.members]
    columns = _columns(leaves)
    return CertifiedUnit(
        code=record.code,
        kind=record.kind,
        product=record.product,
        slot=record.slot,
        route=record.route.code,
        revision=record.route.revision,
        grade=record.grade,
        made_from_us=record.made_from_us,
        made_to_us=max((work.ended_us for work in record.works), default=None),
        tests=tuple(_tests(record)),
        lots=tuple(_lots(record.works)),
        columns=columns,
        grades=_grades(leaves),
        members=tuple(_graded(leaf, columns) for leaf in leaves),
    )


def _tests(record: UnitRecord) -> Iterator[Tested]:
    operations = {each.code: each for each in record.route.operations}
    last = {work.operation: number for number, work in enumerate(record.works)}
    for number, work in enumerate(record.works):
        operation = operations.get(work.operation)
        if operation is not None:
            yield _tested(operation, work, is_last=last[work.operation] == number)


def _tested(operation: Operation, work: WorkRecord, *, is_last: bool) -> Tested:
    common = {name: getattr(work, name) for name in _SHARED}
    return Tested(
        **common,
        name=operation.name,
        is_last=is_last,
        is_calibration_needed=operation.calibrated,
        values=tuple(_judged(operation, work)),
    )


def _judged(operation: Operation, work: WorkRecord) -> Iterator[Judged]:
    for each in operation.characteristics:
        raw = work.values.get(each.code)
        yield Judged(characteristic=each, value=raw, is_good=each.is_good(raw))


def _lots(works: Iterable[WorkRecord]) -> Iterator[BoundLot]:
    yield from dict.fromkeys(lot for work in works for lot in work.lots)


def _grading(record: UnitRecord) -> Operation | None:
    return next((each for each in record.route.operations if each.grades), None)


def _columns(leaves: Iterable[UnitRecord]) -> tuple[GradingColumn, ...]:
    columns: dict[GradingColumn, None] = {}
    routes = {leaf.route.id: leaf for leaf in leaves}
    for leaf in routes.values():
        operation = _grading(leaf)
        for each in operation.characteristics if operation else ():
            column = GradingColumn(
                operation=operation.code if operation else "",
                route=leaf.route.code,
                revision=leaf.route.revision,
                characteristic=each,
            )
            columns[column] = None
    return tuple(columns)


def _grades(leaves: Iterable[UnitRecord]) -> tuple[Grade, ...]:
    routes = {leaf.route.id: leaf for leaf in leaves}
    found = (operation.grades for leaf in routes.values() if (operation := _grading(leaf)))
    return tuple(dict.fromkeys(grade for grades in found for grade in grades))


def _graded(record: UnitRecord, columns: Sequence[GradingColumn]) -> GradedMember:
    ours = _last_works(record)
    mine = (record.route.code, record.route.revision)
    return GradedMember(
        slot=record.slot or 0,
        code=record.code,
        product=record.product,
        grade=record.grade,
        tests_count=len(record.works),
        failed_count=sum(not work.is_good for work in record.works),
        is_good=not any(True for _ in _own_lacks(record)),
        values=tuple(
            ours[column.operation].values.get(column.characteristic.code)
            if column.operation in ours and (column.route, column.revision) == mine
            else None
            for column in columns
        ),
    )


def _last_works(record: UnitRecord) -> Mapping[str, WorkRecord]:
    return {work.operation: work for work in record.works}


# --- what is missing --------------------------------------------------------------------------------


def _lacks(record: UnitRecord) -> Iterator[Lack]:
    units = [record, *_below(record)]
    for each in units:
        yield from _own_lacks(each)
    counted = Counter(each.code for each in units)
    for code, count in counted.items():
        if count > 1:
            yield _lack(
                LackKind.TWICE, code, f"stands {count} times in this unit; read the labels, and mend the record"
            )


def _lack(kind: LackKind, code: str, text: str, **place: Any) -> Lack:
    return Lack(kind=kind, text=text, units=(code,), **place)


def _own_lacks(record: UnitRecord) -> Iterator[Lack]:
    code = record.code
    if parse_code(code).code is None:
        text = "the code is none of GB/T 34014; give the unit one (AssignCodes), or mend the product's prefix"
        yield _lack(LackKind.BAD_CODE, code, text)
    if record.is_scrapped:
        yield _lack(LackKind.SCRAPPED, code, "the unit was scrapped; it gets no certificate any more")
    if record.is_held:
        yield _lack(LackKind.HELD, code, "the unit is on hold; the hold has to be released first")
    ours = _last_works(record)
    for step, operation in enumerate(record.route.operations):
        yield from _step_lacks(record, operation, ours.get(operation.code), is_passed=step < record.step)
    yield from _member_lacks(record)


def _step_lacks(
    record: UnitRecord, operation: Operation, work: WorkRecord | None, *, is_passed: bool
) -> Iterator[Lack]:
    place = {"operation": operation.code}
    if work is None:
        text = f"nothing is recorded of {operation.code} ({operation.name}); it has to be done"
        yield _lack(LackKind.NOT_DONE, record.code, text, **place)
        return
    if not work.is_good:
        text = f"the last attempt at {operation.code} was not good; repair the unit and test it again"
        yield _lack(LackKind.NOT_GOOD, record.code, text, **place)
    elif not is_passed:
        text = f"{operation.code} is to be done once more since the unit was sent back; the record is of before"
        yield _lack(LackKind.NOT_DONE, record.code, text, **place)
    yield from _value_lacks(record.code, operation, work)
    yield from _condition_lacks(record.code, operation, work)
    taken = {lot.position for each in record.works for lot in each.lots if lot.operation == operation.code}
    for use in operation.materials:
        if not use.optional and use.position not in taken:
            text = f"no lot is recorded of {use.material} at {use.position} of {operation.code}; find out which it was"
            yield _lack(LackKind.NO_LOT, record.code, text, operation=operation.code, name=use.position)


def _value_lacks(code: str, operation: Operation, work: WorkRecord) -> Iterator[Lack]:
    for each in operation.characteristics:
        raw = work.values.get(each.code)
        if each.is_good(raw):
            continue
        place = {"operation": operation.code, "name": each.code}
        if raw is None:
            text = f"{each.code} of {operation.code} was not measured; unknown is not good: measure it"
            yield _lack(LackKind.NOT_MEASURED, code, text, **place)
        else:
            text = f"{each.code} of {operation.code} lies outside its limits; repair the unit and test it again"
            yield _lack(LackKind.OUTSIDE, code, text, **place)


def _condition_lacks(code: str, operation: Operation, work: WorkRecord) -> Iterator[Lack]:
    place = {"operation": operation.code}
    began_us = work.ended_us if work.began_us is None else work.began_us
    if operation.calibrated and (work.calibration is None or work.calibration.valid_until_us < began_us):
        text = f"no calibration of station {work.station} was valid when {operation.code} began; test again with one that is"
        yield _lack(LackKind.NOT_CALIBRATED, code, text, **place)
    if operation.qualification and not work.person:
        text = (
            f"{operation.code} needs a person with {operation.qualification}; nobody is recorded: find out who it was"
        )
        yield _lack(LackKind.NO_PERSON, code, text, **place)


def _member_lacks(record: UnitRecord) -> Iterator[Lack]:
    wanted = sum(each.members.count for each in record.route.operations if each.members is not None)
    if len(record.members) < wanted:
        text = f"{len(record.members)} of {wanted} members are in their slots; put the others in"
        yield _lack(LackKind.NO_MEMBER, record.code, text)


def _grouped(lacks: Iterable[Lack]) -> Iterator[Lack]:
    """Yield lacks that say the same of several units as one."""
    groups: dict[tuple[str, str, str, str], list[Lack]] = {}
    for each in lacks:
        groups.setdefault((each.kind, each.operation, each.name, each.text), []).append(each)
    for alike in groups.values():
        yield structs.replace(alike[0], units=tuple(code for each in alike for code in each.units))
