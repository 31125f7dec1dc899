"""`cellwright match`: packs from a stock of measured cells."""

import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Struct

from cellwright.cli.common import json_option, printable, show
from cellwright.errors import ConfigurationError

if TYPE_CHECKING:
    from cellwright.analysis.matching import Plan, Policy

_WHY = {
    "held": "held: on hold, never used",
    "aged": "aged: older than max_age_d, take them out of the stock",
    "leaky": "leaky: self-discharge above max_k_mv_per_d",
    "alone": "alone: no window around them holds enough cells",
    "over": "over: the cells do not come out even, the first to go next time",
}


class MatchPack(Struct, frozen=True):
    """A pack of the answer."""

    groups: list[list[Any]]


class MatchAnswer(Struct, frozen=True, kw_only=True):
    """What `match` answers."""

    packs: list[MatchPack]
    placed_ratio: float
    bound_ratio: float
    gap_ratio: float
    unusable_capacity_ratio: float | None
    leftover: list[Any]
    leftover_counts: dict[str, int]
    reserved: list[MatchPack]
    broken: list[MatchPack]
    pack: str
    cells_count: int
    wall_s: float


@click.command()
@click.argument("stock", type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True))
@click.option("--pack", required=True, metavar="16S20P", help="Groups in series and cells in parallel of a pack.")
@click.option(
    "--policy",
    "policy_file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True),
    help="TOML file with windows and limits.",
)
@click.option(
    "--reserved",
    "reserved_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, readable=True),
    default=None,
    help="Answer of an earlier plan: its packs stand, their cells are not used again.",
)
@json_option
def match(stock: Path, *, pack: str, policy_file: Path, reserved_file: Path | None, as_json: bool) -> None:
    """Plan packs from the cells of STOCK (CSV or Parquet), as many as the windows of the policy allow.

    Every plan says how many packs there could be at most, whatever the plan, and how far it is from that. The same stock
    gives the same plan.
    """
    began_s = time.perf_counter()
    from cellwright.analysis.matching import match_cells, read_form
    from cellwright.cli.match_stock import read_stock

    form, policy, reserved = read_form(pack), _policy(policy_file), _reserved(reserved_file)
    plan = match_cells(read_stock(stock), form, policy, reserved=reserved)
    answer = _answer(plan, time.perf_counter() - began_s)
    show(answer, as_json=as_json, lines=lambda: [printable(each) for each in _lines(answer)])


def _policy(path: Path) -> "Policy":
    from cellwright.analysis.matching import read_policy

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            [f"{path.name}: no TOML: {error}; write lines such as window_ocv_v = 0.003"]
        ) from error
    return read_policy(table, path.name)


def _reserved(path: Path | None) -> list[list[list[Any]]]:
    if path is None:
        return []
    try:
        answer = msgspec.json.decode(path.read_bytes(), type=_Earlier)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            [f"{path.name}: no answer of an earlier plan: {error}; save what `cellwright match --json` prints"]
        ) from error
    packs = [each.groups for each in (*answer.reserved, *answer.packs)]
    cells = [cell for groups in packs for group in groups for cell in group]
    if len(set(cells)) < len(cells):
        raise ConfigurationError(
            [f"{path.name}: a cell stands in two packs; save the answer again, and do not join answers"]
        )
    return packs


class _Pack(Struct):
    groups: list[list[int | str]]


class _Earlier(Struct):
    packs: list[_Pack]
    reserved: list[_Pack] = []


def _answer(plan: "Plan", wall_s: float) -> MatchAnswer:
    return MatchAnswer(
        packs=[MatchPack(groups) for groups in plan.codes()],
        placed_ratio=plan.placed_ratio,
        bound_ratio=plan.bound_ratio,
        gap_ratio=plan.gap_ratio,
        unusable_capacity_ratio=plan.unusable_capacity_ratio,
        leftover=plan.leftover,
        leftover_counts={why.value: count for why, count in plan.leftover_counts.items()},
        reserved=[MatchPack([list(group) for group in pack]) for pack in plan.reserved],
        broken=[MatchPack([list(group) for group in pack]) for pack in plan.broken],
        pack=str(plan.form),
        cells_count=plan.stock.count,
        wall_s=wall_s,
    )


def _lines(answer: MatchAnswer) -> Iterator[str]:
    yield (
        f"{len(answer.packs):,} packs {answer.pack} from {answer.cells_count:,} cells: {answer.placed_ratio:.2%} placed, "
        f"at most {answer.bound_ratio:.2%} can be, gap {answer.gap_ratio:.2%}"
    )
    if answer.unusable_capacity_ratio is not None:
        yield f"unusable capacity {answer.unusable_capacity_ratio:.4%}, what the smallest group of a pack costs it"
    if answer.reserved or answer.broken:
        yield f"{len(answer.reserved):,} packs of the earlier plan stand, {len(answer.broken):,} hold a held cell and are given up"
    yield f"{len(answer.leftover):,} cells are left over"
    yield from (f"  {count:>9,}  {_WHY[why]}" for why, count in answer.leftover_counts.items() if count)
    yield f"{answer.wall_s:.2f} s"
