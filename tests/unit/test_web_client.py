"""The client's files: what is vendored is what the manifest says, and both catalogues say the same."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from cellwright.web.modules import STATIC, modules_of
from cellwright.web.shell import LANGUAGES, NAVIGATION, catalogue

VENDOR = STATIC / "vendor"
# Only values: the choice between one and many, `{n|unit|units}`, is not made in Chinese.
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# A code of the server may be empty or have a dot.
KEY = re.compile(r"[a-z][a-z_0-9]*\.[A-Za-z_0-9.]*")
ASKED = re.compile(r"""\bt\(\s*['"]([a-z_]+\.\w+)['"]""")
QUOTED = re.compile(r"""['"`]([a-z_]+\.\w+)['"`]""")
# `page.` + name, `verdict.${name}`, word('machine', state): all keys that begin so may be asked for.
COMPOSED = re.compile(r"""['"`]([a-z_]+\.\w*)(?:\$\{|['"`])|\bword\(\s*['"]([a-z_]+)['"]|\barea:\s*['"]([a-z_]+)['"]""")
LIMIT_BYTES = 150_000


def sources() -> dict[Path, str]:
    paths = [*(STATIC / "app").rglob("*.js"), *(STATIC.parent / "templates").glob("*.html"), STATIC.parent / "page.py"]
    return {path: path.read_text(encoding="utf-8") for path in sorted(paths)}


# --- vendored -------------------------------------------------------------------------------


def manifest() -> list[dict[str, object]]:
    content: list[dict[str, object]] = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: str(entry["file"]))
def test_vendored_file_is_the_one_of_the_manifest(entry: dict[str, object]) -> None:
    content = (VENDOR / str(entry["file"])).read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["bytes"])


def test_every_vendored_file_is_in_the_manifest() -> None:
    listed = {str(entry["file"]) for entry in manifest()} | {"manifest.json", "licences.txt"}
    # Declarations of types are written here and made of nothing.
    assert {each.name for each in VENDOR.iterdir() if not each.name.endswith(".d.ts")} == listed


def test_vendored_packages_are_those_of_the_lock(checkout: Path) -> None:
    lock = json.loads((checkout / "tools/client/package-lock.json").read_text(encoding="utf-8"))["packages"]
    licences = (VENDOR / "licences.txt").read_text(encoding="utf-8")
    for entry in manifest():
        packages = entry["packages"]
        assert isinstance(packages, list)
        for package in packages:
            assert lock[f"node_modules/{package['name']}"]["version"] == package["version"]
            assert f"{package['name']} {package['version']}\n" in licences
            assert package["licence"] in {"MIT", "Apache-2.0", "OFL-1.1"}


def test_the_lock_of_the_tools_holds_only_versions_and_hashes(checkout: Path) -> None:
    lock = json.loads((checkout / "tools/client/package-lock.json").read_text(encoding="utf-8"))["packages"]
    locked = {name: each for name, each in lock.items() if name}
    assert not [name for name, each in locked.items() if "resolved" in each]
    assert not [name for name, each in locked.items() if not each["integrity"].startswith("sha512-")]


# --- catalogues -----------------------------------------------------------------------------


def test_catalogues_have_the_same_keys() -> None:
    keys = {language: set(catalogue(language)) for language in LANGUAGES}
    assert keys["en"] == keys["zh"]
    assert not [key for key in keys["en"] if not KEY.fullmatch(key)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_is_sorted_and_says_something(language: str) -> None:
    texts = catalogue(language)
    assert list(texts) == sorted(texts)
    assert not [key for key, text in texts.items() if not text.strip() or text != text.strip()]


def test_catalogues_fill_in_the_same_values() -> None:
    english, chinese = catalogue("en"), catalogue("zh")

    def names(text: str) -> set[str]:
        return set(PLACEHOLDER.findall(text))

    odd = [key for key in english if names(english[key]) != names(chinese[key])]
    assert not odd


def test_chinese_is_chinese() -> None:
    # Words that are the same in both languages: names of formats and of things the plant itself named.
    same = [key for key, text in catalogue("zh").items() if text == catalogue("en")[key]]
    spoken = [key for key in same if re.search(r"[a-z]{4}", catalogue("en")[key])]
    assert set(spoken) <= {"table.export_parquet"}


def test_fixed_words_are_translated_as_the_glossary_says() -> None:
    glossary = {
        "Formation": "化成",
        "Grading": "分容",
        "Ageing": "老化",
        "Cell": "电芯",
        "Module": "模组",
        "Filling": "注液",
        "Winding": "卷绕",
        "Work order": "工单",
        "First-pass yield": "一次合格率",
        "Refusals": "拒绝记录",
    }
    chinese = catalogue("zh")
    wrong = {
        key: chinese[key] for key, text in catalogue("en").items() if glossary.get(text, chinese[key]) != chinese[key]
    }
    assert not wrong


def test_every_text_that_is_asked_for_exists() -> None:
    known = set(catalogue("en")) | {f"page.{each.page}" for each in NAVIGATION}
    missing = {
        f"{path.name}: {key}" for path, text in sources().items() for key in ASKED.findall(text) if key not in known
    }
    assert not missing
    assert {f"page.{each.page}" for each in NAVIGATION} <= set(catalogue("en"))


def test_every_text_is_asked_for() -> None:
    everything = "\n".join(sources().values())
    quoted = set(QUOTED.findall(everything))
    beginnings = tuple(begin or f"{word or area}." for begin, word, area in COMPOSED.findall(everything))
    unused = [key for key in catalogue("en") if key not in quoted and not key.startswith(beginnings)]
    assert not unused


# --- size -----------------------------------------------------------------------------------

IMPORT = re.compile(r"""(?:import|from)\s+['"](\.[^'"]+)['"]""")


def loaded(path: Path, seen: set[Path]) -> set[Path]:
    """Every script that a script brings along, itself too."""
    if path not in seen:
        seen.add(path)
        for each in IMPORT.findall(path.read_text(encoding="utf-8")):
            loaded((path.parent / each).resolve(), seen)
    return seen


PAGE_SCRIPTS = sorted((STATIC / "app" / "pages").glob("*.js"))


@pytest.mark.parametrize(
    "page", [each for each in PAGE_SCRIPTS if each.stem != "styleguide"], ids=lambda each: each.stem
)
def test_a_page_stays_light(page: Path) -> None:
    scripts = loaded(page, set()) | loaded(STATIC / "app" / "main.js", set())
    assert sum(each.stat().st_size for each in scripts) <= LIMIT_BYTES


@pytest.mark.parametrize("page", PAGE_SCRIPTS, ids=lambda each: each.stem)
def test_the_shell_names_every_script_that_a_page_brings_along(page: Path) -> None:
    named = [STATIC / each for each in modules_of(page.stem)]
    main = STATIC / "app" / "main.js"
    assert set(named) == (loaded(page, set()) | loaded(main, set())) - {main}
    assert len(named) == len(set(named))


def test_scripts_name_no_other_host_and_no_evaluation() -> None:
    texts = {
        path: path.read_text(encoding="utf-8") for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".svg"}
    }
    allowed = re.compile(r"https?://(?:www\.w3\.org/|cellwright\.example/)")
    found = {path.name for path, text in texts.items() if re.search(r"https?://", allowed.sub("", text))}
    assert not found
    assert not {path.name for path, text in texts.items() if re.search(r"\beval\(|new Function\(", text)}
