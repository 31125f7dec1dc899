"""The score as a process of its own: `python -m cellwright.sim.scoring --truth DIR --record FILE` prints JSON.

With `--defect NAME` it tells besides what became of the units that the defect struck.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from cellwright.sim.score import score
from cellwright.sim.struck import struck_by
from cellwright.sim.truth import read_truth
from cellwright.views.recorded import Record


def main() -> None:
    """Compare a record (JSON of `Record`) with the truth in a folder and print the score."""
    parser = argparse.ArgumentParser(prog="python -m cellwright.sim.scoring", description=main.__doc__)
    parser.add_argument("--truth", type=Path, required=True, help="folder that the virtual plant wrote")
    parser.add_argument("--record", type=Path, required=True, help="what the product recorded, as JSON")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME", help="a defect to tell the end of")
    options = parser.parse_args()
    record = msgspec.json.decode(options.record.read_bytes(), type=Record)
    truth = read_truth(options.truth)
    said = {**msgspec.to_builtins(score(truth, record)), "struck": struck_by(truth, options.defect)}
    sys.stdout.write(msgspec.json.encode(said).decode() + "\n")


if __name__ == "__main__":
    main()
