"""The command line of access: links, tokens, and the trail, on a real database."""

import asyncio
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cellwright.cli.main import cli
from cellwright.database.pool import connect
from cellwright.web.access.ground import AccessRefusedError

LINK = re.compile(r"http://127\.0\.0\.1:8640/set-up/[\w-]{43}")


class Place:
    """A plant's data folder and database, and its command line."""

    def __init__(self, data: Path, url: str) -> None:
        self.data = data
        self._url = url

    def call(self, *arguments: str) -> Result:
        environment = {"DATABASE_URL": self._url, "CELLWRIGHT_DATA": str(self.data)}
        return CliRunner().invoke(cli, arguments, env=environment, catch_exceptions=False)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.call(*arguments, "--json").stdout)

    def execute(self, *statements: str) -> None:
        async def run() -> None:
            db = await connect(self._url)
            for statement in statements:
                await db.execute(statement)
            await db.close()

        asyncio.run(run())


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path, database_url: str) -> Place:
    return Place(tmp_path / "data", database_url)


def test_who_is_added_gets_an_invitation_until_there_is_an_account(place: Place) -> None:
    added = place.call("user", "add", "B-1", "--role", "quality")
    assert added.exit_code == 0
    assert added.stdout.startswith("recorded\n")
    assert LINK.search(added.stdout)
    told = place.json("user", "add", "B-1", "--role", "admin", "--address", "https://plant.example:8640/")
    assert told["type"] == "Receipt"
    assert told["link"].startswith("https://plant.example:8640/set-up/")
    place.execute(
        "ALTER TABLE account DISABLE TRIGGER account_is_audited", "INSERT INTO account VALUES ('B-1', 'x', 0, 0)"
    )
    assert place.call("user", "add", "B-1", "--role", "quality").stdout == "recorded\n"


def test_links_are_made_anew(place: Place) -> None:
    assert place.json("user", "link")["purpose"] == "set_up"
    with pytest.raises(AccessRefusedError, match="nobody's badge code"):
        place.call("user", "link", "B-9")
    place.call("user", "add", "B-1", "--role", "admin")
    assert place.json("user", "link", "B-1")["purpose"] == "invitation"
    place.execute(
        "ALTER TABLE account DISABLE TRIGGER account_is_audited", "INSERT INTO account VALUES ('B-1', 'x', 0, 0)"
    )
    assert place.json("user", "link", "B-1")["purpose"] == "reset"
    with pytest.raises(AccessRefusedError, match="an admin already"):
        place.call("user", "link")


def test_a_token_is_printed_once(place: Place) -> None:
    place.call("user", "add", "B-1", "--role", "operator")
    made = place.call("user", "token", "B-1", "--scope", "plant_read", "--scope", "hold_place", "--days", "7")
    assert re.fullmatch(r"cw_[0-9a-f]{12}_[\w-]{43}\n", made.stdout)
    told = place.json("user", "token", "B-1", "--scope", "plant_read", "--name", "report")
    assert told["token"]["name"] == "report"
    refused = place.call("user", "token", "B-1", "--scope", "order_manage")
    assert refused.exit_code == 1
    assert "choose from hold_place, material_load, plant_read" in refused.stderr
    assert place.call("user", "token", "B-1", "--scope", "people_manage").exit_code == 2
    assert place.json("user", "list")[0]["person"]["token_count"] == 2
    assert place.call("user", "list").stdout == "B-1 (no account): operator\n"


def test_the_trail_is_verified_kept_and_exported(place: Place) -> None:
    for number in range(3):
        place.call("user", "add", f"B-{number}", "--role", "operator")
    verdict = place.json("audit", "verify")
    assert (verdict["whole"], verdict["rows"], verdict["checkpoints"]) == (True, 6, 0)
    assert (place.data / "audit" / "key").stat().st_mode & 0o777 == 0o600
    before, rows = bytes(32), [json.loads(line) for line in place.call("audit", "export").stdout.splitlines()]
    for row in rows:
        kept, _ = row.pop("hash"), row.pop("prev_hash")
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        before = hashlib.sha256(before + text.encode()).digest()
        assert before.hex() == kept
    assert rows[-1]["action"] == "trail_exported"
    assert before.hex() == place.json("audit", "verify")["hash"]
    assert {row["terminal"].partition(":")[0] for row in rows} == {"local"}
    whole = place.call("audit", "verify")
    assert "7 rows, whole; compared with 2 checkpoints" in whole.stdout
    assert place.json("check")["audit"]["whole"]


def test_a_trail_that_was_changed_fails_verify_and_check(place: Place) -> None:
    place.call("user", "add", "B-1", "--role", "operator")
    place.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_append_only", "UPDATE audit SET actor = 'somebody else'")
    found = place.call("audit", "verify")
    assert found.exit_code == 1
    assert "row 1 was changed" in found.stdout
    assert not (place.data / "audit").exists()  # a broken chain gets no checkpoint
    assert place.call("check").exit_code == 1


def test_a_rebuild_leaves_accounts_sessions_and_tokens_alone(place: Place) -> None:
    for person in ("B-1", "B-2"):
        place.call("user", "add", person, "--role", "operator")
        place.call("user", "token", person, "--scope", "plant_read")
    place.execute(
        "ALTER TABLE session DISABLE TRIGGER session_is_audited",
        "INSERT INTO session (id_sha256, person, terminal, agent, opened_us, seen_us) VALUES ('x', 'B-1', '', '', 0, 0)",
    )
    place.call("user", "disable", "B-2")
    tokens = [each["person"]["token_count"] for each in place.json("user", "list")]
    assert tokens == [1, 0]
    assert place.call("rebuild", "--yes").exit_code == 0
    assert [each["person"]["token_count"] for each in place.json("user", "list")] == tokens
    assert place.json("user", "list")[0]["person"]["disabled"] is False
    assert place.json("check")["equal"]
