"""Builds the documentation site: the project's Markdown becomes HTML in build/docs, and no link may be broken.

Pages are docs/**/*.md and the Markdown files beside the script `cw`. A link to any other file of the checkout takes a
copy of that file along; a link to a folder becomes plain text. Links to other sites are left alone.
"""

import argparse
import html
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from string import Template
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent

# Folders of docs/ in the order of the navigation, with their headings.
SECTIONS = {
    "": "",
    "tutorial": "Tutorial",
    "how-to": "How-to guides",
    "reference": "Reference",
    "explanation": "Explanation",
    "explanation/decisions": "Decisions",
    "project": "Project",
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One Markdown file: where it is in the checkout, where it goes in the site, and its parsed text."""

    source: PurePosixPath
    target: PurePosixPath
    title: str
    tokens: Sequence[Token]
    anchors: frozenset[str]


@dataclass(kw_only=True)
class Site:
    """All pages by source path, with the broken links and the further files met while they are rendered."""

    root: Path
    pages: dict[PurePosixPath, Page]
    problems: list[str] = field(default_factory=list)
    files: dict[PurePosixPath, PurePosixPath] = field(default_factory=dict)


def slug(heading: str) -> str:
    """Return the anchor of a heading, formed as code hosts form it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def plain_text(token: Token) -> str:
    """Return the words of an inline token without its markup."""
    return "".join(child.content for child in token.children or [] if child.type in {"text", "code_inline"})


def set_anchors(tokens: Sequence[Token]) -> frozenset[str]:
    """Give every heading its id (repeated ones get a number) and return all ids."""
    anchors: set[str] = set()
    for opening, inline in pairwise(tokens):
        if opening.type != "heading_open":
            continue
        base = slug(plain_text(inline))
        anchor, number = base, 0
        while anchor in anchors:
            number += 1
            anchor = f"{base}-{number}"
        anchors.add(anchor)
        opening.attrSet("id", anchor)
    return frozenset(anchors)


def title_of(tokens: Sequence[Token], source: PurePosixPath) -> str:
    """Return the first heading, or the file's name when there is none."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            return plain_text(inline)
    return source.stem


def target_of(source: PurePosixPath) -> PurePosixPath:
    """Return where a page goes: docs/a/b.md to a/b.html, README.md to project/readme.html."""
    inside = source.relative_to("docs") if source.parts[0] == "docs" else PurePosixPath("project", source.name.lower())
    return inside.with_suffix(".html")


def read_site(root: Path) -> Site:
    """Read every page of the checkout at `root`."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    pages: dict[PurePosixPath, Page] = {}
    for path in [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]:
        source = PurePosixPath(path.relative_to(root).as_posix())
        tokens = parser.parse(path.read_text(encoding="utf-8"))
        pages[source] = Page(
            source=source,
            target=target_of(source),
            anchors=set_anchors(tokens),
            title=title_of(tokens, source),
            tokens=tokens,
        )
    return Site(root=root, pages=pages)


def resolve(site: Site, page: Page, href: str) -> str | None:
    """Return what a link of a page becomes in the site, or None when it is plain text there; note what is broken."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return href
    path = normpath(page.source.parent / unquote(parts.path)) if parts.path else str(page.source)
    source = PurePosixPath(path)
    linked = site.pages.get(source)
    if linked is not None:
        if parts.fragment and parts.fragment not in linked.anchors:
            site.problems.append(f"{page.source}: {href}: {source} has no heading with the anchor {parts.fragment}")
        return _between(page, linked.target) + (f"#{parts.fragment}" if parts.fragment else "")
    if path.startswith(("/", "..")) or not (site.root / path).exists():
        site.problems.append(f"{page.source}: {href}: there is no {path}; links are relative to the page")
        return None
    if (site.root / path).is_dir():
        return None
    target = source.relative_to("docs") if source.parts[0] == "docs" else PurePosixPath("files", source)
    site.files[source] = target
    return _between(page, target)


def _between(page: Page, target: PurePosixPath) -> str:
    return relpath(target, page.target.parent)


def _links(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                yield child, "href"
            elif child.type == "image":
                yield child, "src"


def render(site: Site, page: Page) -> str:
    """Return a page's HTML, its links pointing into the site."""
    for token, attribute in _links(page.tokens):
        resolved = resolve(site, page, str(token.attrGet(attribute) or ""))
        if resolved is None:
            del token.attrs[attribute]
        else:
            token.attrSet(attribute, resolved)
    renderer = MarkdownIt("commonmark").renderer
    body = renderer.render(page.tokens, MarkdownIt("commonmark").options, {})
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    base = "../" * (len(page.target.parts) - 1)
    return template.substitute(title=html.escape(page.title), base=base, navigation=navigation(site, page), body=body)


def navigation(site: Site, current: Page) -> str:
    """Return the list of all pages by section, seen from the current page."""
    sections: dict[str, list[Page]] = {name: [] for name in SECTIONS}
    for page in site.pages.values():
        folder = page.target.parent.as_posix()
        sections.setdefault("" if folder == "." else folder, []).append(page)
    lines: list[str] = []
    for folder, pages in sections.items():
        if not pages:
            continue
        heading = SECTIONS.get(folder, folder)
        lines += [f'<p class="section">{html.escape(heading)}</p>'] if heading else []
        lines += [
            "<ul>",
            *(_entry(page, current) for page in sorted(pages, key=lambda each: each.target.name)),
            "</ul>",
        ]
    return "\n".join(lines)


def _entry(page: Page, current: Page) -> str:
    mark = ' aria-current="page"' if page is current else ""
    return f'<li><a href="{_between(current, page.target)}"{mark}>{html.escape(page.title)}</a></li>'


def write_site(site: Site, output: Path) -> None:
    """Write every page, the files that they link to and the style into a new folder."""
    shutil.rmtree(output, ignore_errors=True)
    for page in site.pages.values():
        path = output / page.target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(site, page), encoding="utf-8")
    for source, target in site.files.items():
        (output / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(site.root / source, output / target)
    shutil.copyfile(HERE / "site.css", output / "site.css")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site; 0 = built, 1 = a link is broken (every broken link is named)."""
    parser = argparse.ArgumentParser(description="Build the documentation site.")
    parser.add_argument("--root", type=Path, default=CHECKOUT, help="checkout to read")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "build" / "docs", help="folder to write")
    options = parser.parse_args(arguments)
    site = read_site(options.root.resolve())
    write_site(site, options.output)
    for problem in site.problems:
        print(problem, file=sys.stderr)
    if site.problems:
        return 1
    print(f"{len(site.pages)} pages in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
