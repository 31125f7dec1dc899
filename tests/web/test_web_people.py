"""People and the audit trail as data: narrowed, paged, exported, and shown to whoever may see them."""

import csv
import io
from collections.abc import AsyncIterator

import openpyxl
import pyarrow.parquet
import pytest

from cellwright.database.pool import connect
from cellwright.model.commands import AddPerson, QualifyPerson
from cellwright.testing.access import browser, command, make_account
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.chain import KEPT_US


@pytest.fixture(name="web")
async def fixture_web(database_url: str) -> AsyncIterator[WebPlant]:
    async with running_web(database_url) as running:
        await make_account(running, "B-1", "operator")
        await command(running, AddPerson(person="B-2", roles=("quality", "planner")))
        await command(running, QualifyPerson(person="B-2", qualification="welding", valid_until_us=7_000_000))
        yield running


async def test_people_are_listed_with_what_they_may_and_when_they_came(web: WebPlant) -> None:
    async with browser(web, await make_account(web, "A-1", "auditor")) as auditor:
        page = (await auditor.get("/people.json")).json()
        people = {each["person"]: each for each in page["people"]}
        assert list(people) == ["A-1", "B-1", "B-2"]
        assert people["B-1"]["signed_in_us"] == web.times.wall_us
        assert people["B-2"]["signed_in_us"] == 0
        assert people["B-2"]["qualifications"] == [{"qualification": "welding", "valid_until_us": 7_000_000}]
        assert {each["role"]: each["permissions"] for each in page["roles"]}["partner"] == []
        one = (await auditor.get("/people.json", params={"person": "B-2"})).json()["people"]
        assert [each["person"] for each in one] == ["B-2"]


async def test_pages_of_the_trail_are_the_whole_trail(web: WebPlant) -> None:
    async with browser(web, await make_account(web, "A-1", "auditor")) as auditor:
        whole = (await auditor.get("/audit.json")).json()
        assert whole["next"] == ""
        assert whole["chain"]["whole"]
        assert whole["chain"]["seq"] == sum(not each["is_fact"] for each in whole["entries"])
        keys, before = [], ""
        for _ in range(20):
            page = (await auditor.get("/audit.json", params={"limit": 3, "before": before})).json()
            keys += [each["key"] for each in page["entries"]]
            before = page["next"]
            if not before:
                break
        assert keys == [each["key"] for each in whole["entries"]]


async def test_the_trail_is_narrowed(web: WebPlant) -> None:
    async with browser(web, await make_account(web, "A-1", "auditor")) as auditor:

        async def ask(**query: str) -> set[tuple[str, str]]:
            entries = (await auditor.get("/audit.json", params=query)).json()["entries"]
            return {(each["action"], each["object"]) for each in entries}

        assert await ask(action="QualifyPerson") == {("QualifyPerson", "B-2")}
        assert await ask(object="B-1", action="session_opened") == {("session_opened", "B-1")}
        assert await ask(person="nobody") == set()
        # Commands are of January in the plant's time, the rest of September in real time.
        assert {action for action, _ in await ask(to="2026-02-01")} == {"AddPerson", "QualifyPerson"}
        assert "session_opened" in {action for action, _ in await ask(**{"from": "2026-02-01T00:00+00:00"})}


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-13-01", "before=first", "before=1-x", "before=-1-1"])
async def test_what_is_no_selection_is_said_to_be_none(web: WebPlant, query: str) -> None:
    async with browser(web, await make_account(web, "A-1", "auditor")) as auditor:
        answer = await auditor.get(f"/audit.json?{query}")
        assert (answer.status_code, answer.json()["status"]) == (400, 400)
        assert query.partition("=")[0] in answer.json()["detail"]


async def test_the_trail_is_exported_in_four_formats(web: WebPlant) -> None:
    """Each file that is taken leaves a row, which the next one holds."""
    async with browser(web, await make_account(web, "A-1", "auditor")) as auditor:
        count = len((await auditor.get("/audit.json")).json()["entries"])
        rows = list(csv.DictReader(io.StringIO((await auditor.get("/audit.csv")).content.decode("utf-8-sig"))))
        assert len(rows) == count
        assert {row["action"] for row in rows} >= {"session_opened", "AddPerson"}
        book = openpyxl.load_workbook(io.BytesIO((await auditor.get("/audit.xlsx")).content))
        assert book["audit"].max_row == 1 + count + 1
        book.close()
        table = pyarrow.parquet.read_table(io.BytesIO((await auditor.get("/audit.parquet")).content))
        assert table.num_rows == count + 2


async def test_a_verdict_of_the_chain_is_kept_for_a_minute(web: WebPlant) -> None:
    async with browser(web, await make_account(web, "A-1", "auditor")) as auditor:
        first = (await auditor.get("/audit.json")).json()["chain"]
        connection = await connect(web.database_url)
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_append_only")
        await connection.execute("UPDATE audit SET object = 'B-9' WHERE seq = 1")
        await connection.close()
        assert (await auditor.get("/audit.json")).json()["chain"] == first
        web.times.wall_us += KEPT_US
        then = (await auditor.get("/audit.json")).json()["chain"]
        assert not then["whole"]
        assert then["faults"] == ["row 1 was changed: its hash is not that of its content"]


async def test_a_missing_permission_is_named_with_who_has_it(web: WebPlant) -> None:
    async with browser(web, await make_account(web, "B-3", "operator")) as operator:
        for path, permission in (("/audit.csv", "audit_read"), ("/people.json", "people_read")):
            answer = (await operator.get(path)).json()
            assert (answer["status"], answer["permission"]) == (403, permission)
            assert answer["roles"] == ["auditor", "admin"]
