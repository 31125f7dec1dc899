"""House rules that no linter knows: sizes as a ratchet, units in names, acyclic imports, clean text."""

import ast
import io
import re
import statistics
import tokenize
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCE = CHECKOUT / "src"
PACKAGE = SOURCE / "cellwright"
TESTS = CHECKOUT / "tests"

MODULE_LINES_MAX = 500
MODULE_LINES_MEDIAN = 120
MODULE_LINES_P95 = 350
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_MEDIAN = 7
FUNCTION_LINES_P95 = 35
NESTING_MAX = 3
PARAMETERS_MAX = 5

# The last word of a quantity's name. `_per_` joins two: k_mv_per_h.
ELECTRIC = frozenset({"v", "mv", "a", "ma", "ah", "mah", "wh", "kwh", "w", "ohm", "mohm"})
TIME = frozenset({"s", "us", "ms", "min", "h", "d", "hz"})
MATTER = frozenset({"c", "k", "m", "mm", "um", "g", "mg", "kg", "gsm", "l", "ml", "n", "pa", "mpas", "pamin"})
NUMBER = frozenset({"ppm", "ratio", "count", "sigma"})
UNITS = ELECTRIC | TIME | MATTER | NUMBER
# Numbers whose unit is said elsewhere: beside them (`Characteristic.unit`), or by the names of the keys.
UNIT_BESIDE = frozenset(
    {"lower", "target", "upper", "value", "values", "scale", "offset", "parameters", "columns", "column", "evidence"}
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    key: str
    name: str
    node: FunctionNode


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def files_of_tests() -> tuple[Path, ...]:
    return tuple(sorted(TESTS.rglob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def key_of(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def functions_in(path: Path) -> Iterator[Function]:
    pending: list[tuple[str, ast.AST]] = [("", tree_of(path))]
    while pending:
        prefix, parent = pending.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, FunctionNode | ast.ClassDef):
                name = f"{prefix}{node.name}"
                pending.append((f"{name}.", node))
                if isinstance(node, FunctionNode):
                    yield Function(f"{key_of(path)}::{name}", node.name, node)
            else:
                pending.append((prefix, node))


@cache
def functions() -> tuple[Function, ...]:
    return tuple(function for path in modules() for function in functions_in(path))


# --- sizes ------------------------------------------------------------------------------


def has_docstring(node: FunctionNode) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def code_lines(node: FunctionNode) -> int:
    """Count the lines of a body that hold code: no docstring, blank line or comment."""
    body = node.body[1:] if has_docstring(node) else node.body
    if not body:
        return 0
    segment = range(body[0].lineno, (body[-1].end_lineno or body[-1].lineno) + 1)
    used = {line for inner in body for each in ast.walk(inner) for line in lines_of(each)}
    return len(used.intersection(segment))


def lines_of(node: ast.AST) -> Sequence[int]:
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if first is None or last is None:
        return ()
    # A compound statement spans the blank lines and comments between its parts; only its ends are code.
    return (first, last) if isinstance(getattr(node, "body", None), list) else range(first, last + 1)


def nesting(statements: Sequence[ast.stmt]) -> int:
    """Tell how deep blocks lie in one another; `elif` is no deeper than its `if`."""
    return max((block_depth(each) for each in statements), default=0)


def inner_blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the lists of statements directly inside a statement, through handlers and cases."""
    blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    parts = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    return [block for block in (*blocks, *(part.body for part in parts)) if block]


def block_depth(statement: ast.stmt) -> int:
    blocks = inner_blocks(statement)
    if not blocks or isinstance(statement, FunctionNode | ast.ClassDef):
        return 0
    depths = [1 + nesting(block) for block in blocks]
    if isinstance(statement, ast.If) and len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If):
        depths[1] -= 1
    return max(depths)


def is_verb(node: FunctionNode) -> bool:
    """Tell whether the command line calls it: its parameters are then options, one line each."""
    return any(
        isinstance(each, ast.Attribute) and each.attr in {"argument", "command", "option"}
        for decorator in node.decorator_list
        for each in ast.walk(decorator)
    )


def parameters(node: FunctionNode) -> list[ast.arg]:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [each for each in given if each.arg not in {"self", "cls"}]


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def percentile_95(values: Sequence[int]) -> int:
    return sorted(values)[int(len(values) * 0.95)]


def measured(what: str) -> dict[str, int]:
    if what == "module_lines":
        return {key_of(path): line_count(path) for path in (*modules(), *files_of_tests())}
    measure: Callable[[FunctionNode], int] = {
        "function_lines": code_lines,
        "nesting": lambda node: nesting(node.body),
        "parameters": lambda node: 0 if is_verb(node) else len(parameters(node)),
    }[what]
    return {function.key: measure(function.node) for function in functions()}


CAPS = {
    "module_lines": MODULE_LINES_MAX,
    "function_lines": FUNCTION_LINES_MAX,
    "nesting": NESTING_MAX,
    "parameters": PARAMETERS_MAX,
}


@pytest.mark.parametrize("what", CAPS)
def test_nothing_outgrows_its_cap(what: str) -> None:
    allowed: dict[str, int] = tomllib.loads((TESTS / "tidy_ratchet.toml").read_text(encoding="utf-8"))[what]
    over = {key: value for key, value in measured(what).items() if value > CAPS[what]}
    grown = {key: value for key, value in over.items() if value > allowed.get(key, 0)}
    assert not grown, f"over the cap of {CAPS[what]}: split them"
    slack = {key: value for key, value in allowed.items() if over.get(key, 0) < value}
    assert not slack, "tidy_ratchet.toml allows more than is used: lower or remove these entries"


def test_modules_stay_small() -> None:
    sizes = [line_count(path) for path in modules()]
    assert statistics.median(sizes) <= MODULE_LINES_MEDIAN
    assert percentile_95(sizes) <= MODULE_LINES_P95


def test_functions_stay_small() -> None:
    sizes = [code_lines(function.node) for function in functions()]
    assert statistics.median(sizes) <= FUNCTION_LINES_MEDIAN
    assert percentile_95(sizes) <= FUNCTION_LINES_P95


# --- units ------------------------------------------------------------------------------


def holds_float(annotation: ast.expr | None) -> bool:
    return annotation is not None and any(
        isinstance(each, ast.Name) and each.id == "float" for each in ast.walk(annotation)
    )


def names_unit(name: str) -> bool:
    words = name.lower().split("_")
    is_rate = len(words) >= 3 and words[-2] == "per"
    units = [words[-3], words[-1]] if is_rate and len(words) > 3 else words[-1:]
    return name in UNIT_BESIDE or (len(words) > 1 and UNITS.issuperset(units))


def in_parts(*parts: str) -> list[Path]:
    return [path for path in modules() if path.relative_to(PACKAGE).parts[0] in parts]


def float_fields() -> Iterator[tuple[str, str]]:
    for path in in_parts("model"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                fields = [
                    each for each in node.body if isinstance(each, ast.AnnAssign) and holds_float(each.annotation)
                ]
                yield from ((f"{key_of(path)}::{node.name}", ast.unparse(each.target)) for each in fields)


def float_parameters() -> Iterator[tuple[str, str]]:
    for path in in_parts("model", "rules", "analysis"):
        for function in functions_in(path):
            for each in parameters(function.node):
                if holds_float(each.annotation):
                    yield function.key, each.arg


@pytest.mark.parametrize(
    ("name", "expected"),
    [("ocv_v", True), ("k_mv_per_h", True), ("speed_m_per_min", True), ("value", True), ("voltage", False)],
)
def test_unit_suffix_is_recognised(name: str, *, expected: bool) -> None:
    assert names_unit(name) is expected


def test_every_float_says_its_unit() -> None:
    unnamed = [f"{where}: {name}" for where, name in (*float_fields(), *float_parameters()) if not names_unit(name)]
    assert not unnamed, f"end the name with a unit, one of: {' '.join(sorted(UNITS))}"


def test_times_are_integers() -> None:
    assert not [f"{where}: {name}" for where, name in float_fields() if name.endswith("_us")]


# --- imports ----------------------------------------------------------------------------


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, known: frozenset[str]) -> set[str]:
    """Return the package's modules that a module names anywhere, lazy imports too."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(each if each in known else node.module for each in submodules)
    return (found & known) - {module_name(path)}


def reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    pending = list(graph[start])
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending.extend(graph[module])
    return seen


def cyclic(graph: dict[str, set[str]]) -> list[str]:
    return sorted(module for module in graph if module in reachable(module, graph))


def test_a_cycle_is_found() -> None:
    assert cyclic({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == ["a", "b", "c"]


def test_imports_have_no_cycle_even_through_lazy_ones() -> None:
    known = frozenset(module_name(path) for path in modules())
    graph = {module_name(path): imported(path, known) for path in modules()}
    assert not cyclic(graph), "these modules import each other; move what they share below both"


# --- text -------------------------------------------------------------------------------


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{key_of(path)}:{node.lineno}"
        for path in modules()
        if path.relative_to(PACKAGE).parts[0] != "cli"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def names_in(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.string


def test_identifiers_are_ascii() -> None:
    odd = {f"{key_of(path)}: {name}" for path in modules() for name in names_in(path) if not name.isascii()}
    assert not odd


def texts() -> Iterator[Path]:
    places = ["src", "docs", "plants", "requirements", ".ci"]
    kinds = {".css", ".html", ".in", ".md", ".py", ".sql", ".toml", ".txt", ".xml", ""}
    yield from (each for each in CHECKOUT.glob("*") if each.is_file() and (each.suffix in kinds or each.name == "cw"))
    for place in places:
        yield from (
            each
            for each in (CHECKOUT / place).rglob("*")
            if each.is_file() and each.suffix in kinds and "__pycache__" not in each.parts
        )


# Folders of one person's or one build's machine; what the product writes comes from settings.
MACHINE_PATH = re.compile(r"(?<![\w.$}~/-])/(?:work|tmp|root|home|mnt|Users)/\w")


def test_no_path_of_somebodys_machine() -> None:
    found = [
        f"{key_of(path)}:{number}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert not found


def test_lock_files_hold_only_versions_and_hashes() -> None:
    allowed = re.compile(r"#.*|[a-z0-9-]+==\S+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?|    # .*|")
    for path in sorted((CHECKOUT / "requirements").glob("*.txt")):
        odd = [line for line in path.read_text(encoding="utf-8").splitlines() if not allowed.fullmatch(line)]
        assert not odd, f"{path.name}: a lock file must not say where packages come from; use ./cw lock"


def test_every_golden_folder_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in files_of_tests())
    folders = sorted(each.name for each in (TESTS / "golden").glob("*/"))
    unused = [name for name in folders if not re.search(rf"[\"'/]{re.escape(name)}[\"'/]", sources)]
    assert not unused, "no test names these folders of tests/golden"
