"""The page of commonality: what bad units share more often than chance explains."""

from collections.abc import Iterable, Iterator

from litestar.exceptions import ClientException
from msgspec import Struct, structs

from cellwright.rules.positions import Basis
from cellwright.views.commonality.factors import FactorKind
from cellwright.views.commonality.population import CommonalityError
from cellwright.views.commonality.reading import Asked, Commonality, CommonFinding, read_commonality
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question, asked_us
from cellwright.web.tables import Table, table_of

_LIMIT_DEFAULT = 20
_LIMIT_MAX = 1000


class CommonalityData(Struct, frozen=True, kw_only=True):
    """What was asked, and the answer; `problems` say why there is none. Times UTC us, 0 = not asked for."""

    codes: tuple[str, ...]
    product: str
    from_us: int
    to_us: int
    problems: tuple[str, ...] = ()
    answer: Commonality | None = None


class FindingLine(Struct, frozen=True, kw_only=True):
    """A level of a finding, for files; levels of one rank cannot be told apart."""

    rank: int
    factor: FactorKind
    of: str
    code: str
    basis: Basis
    bad_count: int
    count: int
    bad_total: int
    total: int
    ratio: float | None
    low_ratio: float
    high_ratio: float | None
    p_value: float
    holm_p_value: float
    q_value: float
    stands_out: bool
    rest_bad_count: int | None
    rest_count: int | None
    rest_p_value: float | None


async def _load(question: Question) -> CommonalityData:
    query = question.query
    from_us, to_us = asked_us("from", query), asked_us("to", query)
    codes = tuple(dict.fromkeys(query.get("codes", "").replace(",", " ").split()))
    asked = Asked(
        codes=codes,
        product=query.get("product", "").strip(),
        from_us=from_us or None,
        to_us=to_us or None,
        limit=max(1, min(question.whole("limit") or _LIMIT_DEFAULT, _LIMIT_MAX)),
    )
    data = CommonalityData(codes=codes, product=asked.product, from_us=from_us, to_us=to_us)
    is_page = question.suffix == ""
    if not codes and is_page:
        return data
    if not codes:
        raise ClientException("codes=...: give the codes of the bad units, with spaces or commas between them")
    try:
        # One at a time: it is long work beside that of the plant.
        async with question.services.exporting, reading(question.services) as connection:
            answer = await read_commonality(connection, asked)
    except CommonalityError as error:
        if not is_page:
            raise NotFoundError(str(error)) from None
        return structs.replace(data, problems=tuple(str(error).splitlines()))
    return structs.replace(data, answer=answer)


def _lines(findings: Iterable[CommonFinding]) -> Iterator[FindingLine]:
    for each in findings:
        shared = {name: getattr(each, name) for name in FindingLine.__struct_fields__ if hasattr(each, name)}
        rest = each.rest
        for level in each.levels:
            yield FindingLine(
                **shared,
                factor=level.factor,
                of=level.of,
                code=level.code,
                basis=level.basis,
                rest_bad_count=rest.bad_count if rest else None,
                rest_count=rest.count if rest else None,
                rest_p_value=rest.p_value if rest else None,
            )


def _tables(data: CommonalityData) -> list[Table]:
    findings = data.answer.findings if data.answer else ()
    return [table_of("findings", FindingLine, list(_lines(findings)))]


COMMONALITY = Page(
    name="commonality",
    path="/commonality",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("codes", "product", "from", "to", "limit"),
    tables=_tables,
)
