"""Papers as HTML and as PDF."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from cellwright.errors import ConfigurationError
from cellwright.model.certificates import Certificate
from cellwright.web.certificates.paper import Paper, paper_of, texts_in, word
from cellwright.web.modules import STATIC

_HERE: Final = Path(__file__).parent
_LATIN_FONTS: Final = ("Noto Sans", "DejaVu Sans", "Liberation Sans", "Libertinus Serif")
_CJK_FONTS: Final = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
)
"""Families that print Chinese, the best first; the server has to have one, none is bundled."""
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE.parent / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
)


def has_chinese_font() -> bool:
    """Tell whether Chinese can be printed as PDF on this machine."""
    import typst  # noqa: PLC0415 - an extra, and 80 MB

    return not set(_CJK_FONTS).isdisjoint(typst.Fonts().families())


def to_html(paper: Paper, *, files: str = "", links: Iterable[tuple[str, str]] = ()) -> str:
    """Return a paper as one HTML document; without the address of the client's files it carries the styles itself."""
    style = Markup((STATIC / "css" / "certificate.css").read_text("utf-8"))  # noqa: S704 - a file of ours
    return _TEMPLATES.get_template("certificate.html").render(paper=paper, files=files, style=style, links=list(links))


def to_pdf(certificate: Certificate, language: str) -> bytes:
    """Return a certificate as PDF; raises ConfigurationError where typst is not installed.

    Without a font for Chinese it is printed in English and says so; the same certificate gives the same bytes.
    """
    if find_spec("typst") is None:
        raise ConfigurationError(
            ["a PDF needs typst, which is not installed: `pip install cellwright[pdf]`; HTML prints without it"]
        )
    import typst  # noqa: PLC0415 - an extra, and 80 MB

    fonts = typst.Fonts()
    families = set(fonts.families())
    cjk = [each for each in _CJK_FONTS if each in families]
    paper = printable(certificate, language, has_cjk=bool(cjk))
    return _compile(typst, fonts, paper, [*(each for each in _LATIN_FONTS if each in families), *cjk])


def printable(certificate: Certificate, language: str, *, has_cjk: bool) -> Paper:
    """Return a paper that the fonts at hand can print."""
    paper = paper_of(certificate, language)
    if has_cjk or not any(_is_chinese(text) for text in texts_in(paper)):
        return paper
    return paper_of(certificate, "en", notice=word("no_font", "en"))


def _is_chinese(text: str) -> bool:
    return any("\u3000" <= each <= "\u9fff" or "\uff00" <= each <= "\uffef" for each in text)


def _compile(typst: Any, fonts: Any, paper: Paper, families: list[str]) -> bytes:
    inputs = {"paper": msgspec.json.encode(paper).decode(), "fonts": msgspec.json.encode(families).decode()}
    compiler = typst.Compiler((_HERE / "certificate.typ").read_bytes(), font_paths=fonts, sys_inputs=inputs)
    content: bytes = compiler.compile(format="pdf", timestamp=0)
    return content
