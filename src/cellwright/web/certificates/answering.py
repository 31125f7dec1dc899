"""The certificate of a unit at its address: a page to print, `.json` and `.pdf`."""

import asyncio
from typing import Any, Final
from urllib.parse import quote

from litestar import MediaType, Response
from msgspec import Struct

from cellwright.errors import ConfigurationError
from cellwright.model.certificates import Certificate, CertificateVerdict, LackKind
from cellwright.views.certificate import read_certificate
from cellwright.views.finding import find_unit
from cellwright.web.certificates.paper import paper_of, word
from cellwright.web.certificates.printing import to_html, to_pdf
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Asked, Question
from cellwright.web.shell import LANGUAGES, language_of, release

_SUFFIXES: Final = ("", "json", "html", "pdf")


class Missing(Struct, frozen=True, kw_only=True):
    """What a certificate misses, for a line on a page; "" = none in particular."""

    kind: LackKind
    operation: str
    name: str
    units_count: int


class CertificateState(Struct, frozen=True, kw_only=True):
    """Whether a certificate is final, and what it misses."""

    code: str
    is_complete: bool
    verdict: CertificateVerdict
    missing: tuple[Missing, ...]
    sha256: str


async def show_certificate(request: Asked, question: Question) -> Response[Any]:
    """Return the certificate of a unit in the reader's language; 404 for no unit, and for PDF where it cannot be made."""
    if question.suffix not in _SUFFIXES:
        raise NotFoundError(f"a certificate is no {question.suffix[:20]!r}; take certificate.pdf, .json or no suffix")
    found = await _read(question)
    language = language_of(request)
    if question.suffix == "json":
        return Response(found, media_type=MediaType.JSON)
    if question.suffix == "pdf":
        return await _pdf(question, found, language)
    html = to_html(paper_of(found, language), files=f"/static/{release()}", links=_links(found.code, language))
    return Response(html, media_type=MediaType.HTML)


async def show_certificate_state(request: Asked, question: Question) -> Response[CertificateState]:
    """Return in short whether the certificate of a unit is final, for the page that leads to it; 404 for no unit."""
    del request  # no word of it is in a language
    if question.suffix != "json":
        raise NotFoundError(
            "the state of a certificate is data; take certificate-state.json, or certificate to read it"
        )
    return Response(state_of(await _read(question)), media_type=MediaType.JSON)


def state_of(found: Certificate) -> CertificateState:
    """Return a certificate in short."""
    missing = (
        Missing(kind=each.kind, operation=each.operation, name=each.name, units_count=len(each.units))
        for each in found.lacks
    )
    return CertificateState(
        code=found.code,
        is_complete=found.is_complete,
        verdict=found.verdict,
        missing=tuple(missing),
        sha256=found.sha256,
    )


async def _read(question: Question) -> Certificate:
    async with reading(question.services) as connection:
        number = await find_unit(connection, question.code)
        if number is None:
            raise NotFoundError(f"no unit has the code {question.code!r}; look for a part of it, or scan it again")
        return await read_certificate(connection, question.services.plant, number)


async def _pdf(question: Question, found: Certificate, language: str) -> Response[bytes]:
    async with question.services.exporting:
        try:
            content = await asyncio.to_thread(to_pdf, found, language)
        except ConfigurationError as error:
            raise NotFoundError(str(error)) from None
    headers = {"content-disposition": f'inline; filename="certificate-{found.code}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


def _links(code: str, language: str) -> list[tuple[str, str]]:
    base = f"/units/{quote(code, safe='')}"
    other = next(each for each in LANGUAGES if each != language)
    here = f"{base}/certificate"
    return [
        (code, base),
        ("PDF", f"{here}.pdf?lang={language}"),
        ("JSON", f"{here}.json"),
        (word("language_name", other), f"{here}?lang={other}"),
    ]
