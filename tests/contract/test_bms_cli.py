"""`cellwright bms` and its files: a job as TOML, a contract as TOML, a secret that is kept."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cellwright.cli.bms import bms as verb
from cellwright.errors import ConfigurationError
from cellwright.links.contract import SecretRefusedError
from cellwright.links.uds.contract import BmsContract, load_contract
from cellwright.links.uds.job_file import load_job
from cellwright.sim.bms import BmsFault
from cellwright.sim.bms_flash import FlashState
from cellwright.testing.bms import PACK_CODE, PART, SECRET, BmsBench, bms_bench, image

JOB = """
part_number = "{part}"

[software]
file = "bms.bin"
software_id = "{software}"
sha256 = "{sha256}"

[configuration]
cell_count = 16
cell_max_v = 3.65
"""


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[BmsBench]:
    with bms_bench(request.node.name) as bench:
        yield bench


@pytest.fixture
def job(tmp_path: Path) -> Path:
    software = image()
    (tmp_path / "bms.bin").write_bytes(software.data)
    path = tmp_path / "job.toml"
    path.write_text(JOB.format(part=PART, software=software.software_id, sha256=software.sha256))
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "bms.secret"
    path.write_text(f"{SECRET.hex()}\n")
    path.chmod(0o600)
    return path


def call(bench: BmsBench, *words: str) -> Result:
    options = ["--interface", "virtual", "--channel", bench.bus.channel]
    return CliRunner().invoke(verb, [words[0], *options, *words[1:]])


def test_a_bms_is_identified_made_ready_and_identified(bench: BmsBench, job: Path, secret: Path) -> None:
    assert "none, no software" in call(bench, "identify").stdout
    answer = call(bench, "commission", str(job), "--pack-code", PACK_CODE, "--secret", str(secret))
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert f"ok  pack_code: {PACK_CODE}" in lines
    assert "ok  cell_max_v: 3.65 V" in lines
    assert lines[-1].startswith("6 blocks flashed, 0 messages repeated")
    found = json.loads(call(bench, "identify", "--json").stdout)
    assert (found["part_number"], found["software_id"], found["flash_state"]) == (PART, "BMS-1.4.2", "1")


def test_a_failure_says_what_and_in_which_state_the_bms_is(bench: BmsBench, job: Path, secret: Path) -> None:
    bench.bms.faults.add(BmsFault.BAD_FLASH)
    answer = call(bench, "commission", str(job), "--secret", str(secret))
    assert answer.exit_code == 1
    assert "failed: not_verified: verify:" in answer.stdout
    assert answer.stdout.splitlines()[-2].endswith("none, incomplete")
    bench.bms.faults = {BmsFault.WRONG_READ_BACK}
    document = json.loads(call(bench, "commission", str(job), "--secret", str(secret), "--json").stdout)
    assert document["failure"]["code"] == "not_equal"
    assert [each["name"] for each in document["checks"] if not each["equal"]] == ["cell_count"]
    assert (
        "NO  cell_count: 17 count, expected 16" in call(bench, "commission", str(job), "--secret", str(secret)).stdout
    )


def test_a_secret_that_others_may_read_is_refused(bench: BmsBench, job: Path, secret: Path) -> None:
    secret.chmod(0o644)
    answer = call(bench, "commission", str(job), "--secret", str(secret))
    assert isinstance(answer.exception, SecretRefusedError)
    assert bench.bms.state.flash.state is FlashState.EMPTY


@pytest.mark.parametrize(("text", "words"), [("no digits", "no hexadecimal digits"), ("0011", "2 bytes")])
def test_a_secret_that_is_none_is_refused(bench: BmsBench, job: Path, secret: Path, text: str, words: str) -> None:
    secret.write_text(text)
    answer = call(bench, "commission", str(job), "--secret", str(secret))
    assert isinstance(answer.exception, ConfigurationError)
    assert words in str(answer.exception)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("part_number = 7", "$.part_number"),
        ('part_number = "x"\ncells = 16', "unknown field `cells`"),
        ("part_number", "job.toml"),
        ('part_number = "x"\n[configuration]\ncell_count = "many"', "configuration"),
    ],
)
def test_a_job_that_cannot_be_read_names_the_place(job: Path, text: str, words: str) -> None:
    job.write_text(text)
    with pytest.raises(ConfigurationError, match=r"see docs/reference/bms\.md") as caught:
        load_job(job)
    assert words in str(caught.value)


def test_a_job_may_leave_everything_but_the_part(job: Path) -> None:
    job.write_text('part_number = "x"')
    found = load_job(job, pack_code=PACK_CODE)
    assert (found.part_number, found.image, found.configuration, found.pack_code) == ("x", None, {}, PACK_CODE)


def test_a_contract_keeps_what_its_file_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "bms.toml"
    path.write_text("request_id = 0x18DA10F1\nresponse_id = 0x18DAF110\nextended_ids = true\n[memory]\nsize = 4096\n")
    contract = load_contract(path)
    assert (contract.request_id, contract.memory.size) == (0x18DA10F1, 4096)
    assert contract.memory.address == BmsContract().memory.address
    assert contract.configuration == BmsContract().configuration


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("request_id = 0x18DA10F1", "CAN id 0x18da10f1 is above 0x7ff; set extended_ids"),
        ("security_level = 2", "security_level 2 is no odd number"),
        ("speed = 1", "unknown field `speed`"),
        (
            '[[configuration]]\nname="a"\ndid=1\nkind="u8"\n[[configuration]]\nname="a"\ndid=2\nkind="u8"',
            "a is configured twice",
        ),
    ],
)
def test_a_contract_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bms.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_contract(path)
    assert words in str(caught.value)
