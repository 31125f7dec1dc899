"""`cellwright fleet decode`, started as a person starts it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from cellwright.links.gb32960 import encode_gb32960
from cellwright.links.gb32960.tables import Edition
from cellwright.testing.gb32960 import VIN, ordinary

KEYS = ["edition", "command", "answer", "vin", "encryption", "time", "bcc_ok", "status", "units", "problems"]


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "cellwright", "fleet", "decode", *arguments]
    return subprocess.run(command, capture_output=True, input=given, check=False)


def documents(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def frames() -> list[bytes]:
    return [encode_gb32960(ordinary(edition, cells_count=8, probes_count=2)) for edition in Edition]


def test_every_line_of_hex_gives_a_line_in_the_same_order(tmp_path: Path) -> None:
    old, new = frames()
    lines = [old.hex(), new.hex(" ").upper(), "no hex", (old[:-1] + b"\0").hex(), "23", new[:40].hex()]
    path = tmp_path / "frames.hex"
    path.write_text("\n".join(lines), encoding="ascii")
    told = documents(run(str(path), "--hex", "--json"))
    assert [each["status"] for each in told] == ["ok", "ok", "bad_structure", "bad_bcc", "bad_structure", "bad_length"]
    assert [each["edition"] for each in told] == [2016, 2025, None, 2016, None, 2025]
    assert all(list(each)[:10] == KEYS for each in told)
    assert told[0]["vin"] == VIN.decode()
    assert told[2]["problems"] == ["byte 0: line 3 is not hexadecimal; give pairs of 0-9 and a-f"]


def test_a_stream_from_standard_input_is_cut_and_noise_gets_its_line() -> None:
    old, new = frames()
    told = documents(run("-", "--json", given=b"noise" + old + new + b"##rest"))
    assert [each["status"] for each in told] == ["bad_structure", "ok", "ok", "bad_length"]
    assert bytes.fromhex(str(told[0]["raw_hex"])) == b"noise"


@pytest.mark.parametrize("given", [b"", b"\0" * 3000, bytes(range(256)) * 20, b"#" * 5000, b"$$" * 70_000])
def test_no_bytes_stop_it(given: bytes) -> None:
    for arguments in (["-"], ["-", "--hex"], ["-", "--json"]):
        done = run(*arguments, given=given)
        assert (done.returncode, done.stderr) == (0, b"")


def test_a_table_has_a_row_for_each_frame(tmp_path: Path) -> None:
    old, new = frames()
    path = tmp_path / "frames.parquet"
    run("-", "--parquet", str(path), given=old + b"?" + new)
    rows = parquet.read_table(path).to_pylist()
    assert [each["status"] for each in rows] == ["ok", "bad_structure", "ok"]
    assert [each["raw"] for each in rows] == [old, b"?", new]
    assert rows[0]["cells_mv"] == list(range(3330, 3338))
    assert rows[2]["vehicle_speed_km_per_h"] == 63.2
    assert rows[2]["position_datum"] is None


def test_a_file_that_is_not_there_is_named() -> None:
    done = run("nowhere.bin")
    assert done.returncode == 2
    assert b"nowhere.bin" in done.stderr
