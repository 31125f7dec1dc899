"""Commands of people: who may give which, that a repetition changes nothing, and that two people lift a hold."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any, Final, get_args

import asyncpg
import httpx
import msgspec
import pytest

from cellwright.errors import ConfigurationError
from cellwright.model.commands import Command
from cellwright.rules.people import ROLES
from cellwright.testing.access import AUTHOR, PASSWORD, browser, make_account, script, sign_in
from cellwright.testing.objects import Told, tell_objects
from cellwright.testing.replay import through_gate
from cellwright.testing.web import WebPlant, running_web
from cellwright.web.access.permissions import permissions_of
from cellwright.web.access.tokens import TokenWish
from cellwright.web.commands import PERMISSIONS, PersonCommand, require_permissions

PATH: Final = "/api/v1/commands"
WRONG: Final = "not-the-password-at-all"
SAMPLES: Final[dict[str, dict[str, Any]]] = {
    "AbortOperation": {"station": "NOWHERE", "reason": "dead"},
    "ReceiveLot": {"lot": "L", "material": "nothing", "quantity": 1},
    "LoadMaterial": {"station": "NOWHERE", "position": "p", "lot": "L", "quantity": 1},
    "UnloadMaterial": {"station": "NOWHERE", "position": "p"},
    "PlaceHold": {"subject": "unit", "codes": [], "reason": ""},
    "PlaceRecall": {"recall": "", "reason": ""},
    "ReleaseHold": {"hold": 999, "reason": "fine", "second_person": ""},
    "Disposition": {"units": [], "action": "scrap"},
    "ReplaceMember": {"parent": "", "members": [], "replacements": []},
    "Disassemble": {"units": []},
    "ShipUnits": {"units": [], "partner": ""},
    "ReturnUnits": {"units": []},
    "InstallPack": {"packs": [], "vehicles": []},
    "RemovePack": {"packs": []},
    "AssignCode": {"units": [], "codes": []},
    "ReleaseLot": {"lot": "L", "certificate_sha256": ""},
    "ReplaceTool": {"station": "NOWHERE", "tool": "t"},
    "RecordCalibration": {"station": "NOWHERE", "valid_until_us": 1},
    "RecordSample": {"station": "NOWHERE", "values": []},
    "ReleaseCorrection": {
        "station": "NOWHERE",
        "operation": "grading",
        "characteristic": "dcir_ohm",
        "effects": [],
        "window": {"pages_count": 0, "units_count": 0, "from_us": 0, "to_us": 0},
    },
    "QualifyPerson": {"person": "nobody", "qualification": "q", "valid_until_us": 1},
    "ReleaseOrder": {"order": "", "product": "nothing", "quantity": 0},
    "CloseOrder": {"order": "nothing", "reason": ""},
    "AbortJob": {"job": "nothing", "reason": ""},
    "ClearCall": {"call": "nothing", "reason": ""},
    "ImportLots": {"lots": [], "materials": [], "measures": [], "quantities": []},
    "CorrectRuns": {
        "position": "p",
        "firsts": [],
        "lasts": [],
        "recorded": [],
        "lots": [],
        "starts": [],
        "reason": "",
        "second_person": "",
    },
    "CorrectParts": {"lots": [], "numbers": [], "reason": "", "second_person": ""},
}
"""A command of each type that nothing comes of: it is refused by the gate, if it gets there."""

_keys = itertools.count(1)


@pytest.fixture(name="face")
async def fixture_face(database_url: str) -> AsyncIterator[tuple[WebPlant, Told]]:
    driver, told = tell_objects()
    await through_gate(database_url, driver)
    async with running_web(database_url) as web:
        web.times.plant_us = driver.now_us + 1_000_000
        yield web, told


def wish(kind: str, *, key: str = "", **fields: Any) -> dict[str, Any]:
    return {"key": key or f"test-key-{next(_keys)}", "command": {"type": kind, **fields}}


def held(told: Told, reason: str = "dent seen", **fields: Any) -> dict[str, Any]:
    return wish("PlaceHold", subject="unit", codes=[told.waiting], reason=reason, **fields)


def lifting(hold: int, second: str, *, password: str = PASSWORD, second_password: str = PASSWORD) -> dict[str, Any]:
    asked = wish("ReleaseHold", hold=hold, reason="measured again", second_person=second)
    return asked | {"signatures": {"password": password, "second_password": second_password}}


async def facts(web: WebPlant, kind: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(web.database_url)
    try:
        records = await connection.fetch("SELECT * FROM fact WHERE kind = $1 ORDER BY position", kind)
    finally:
        await connection.close()
    return [dict(record) | msgspec.json.decode(record["body"]) for record in records]


async def audit_rows(web: WebPlant, action: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(web.database_url)
    try:
        records = await connection.fetch("SELECT * FROM audit WHERE action = $1 ORDER BY seq", action)
    finally:
        await connection.close()
    return [dict(record) for record in records]


async def audited(web: WebPlant, action: str) -> list[str]:
    return [row["object"] for row in await audit_rows(web, action)]


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 409, answer.text
    return [each["code"] for each in answer.json()["reasons"]]


# --- who may ------------------------------------------------------------------------------------------


async def test_each_command_is_for_those_who_have_its_permission(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    assert set(SAMPLES) == {each.__name__ for each in get_args(PersonCommand)}
    surprises = []
    for role in ROLES:
        async with browser(web, await make_account(web, f"as-{role}", role)) as client:
            for kind, fields in SAMPLES.items():
                answer = await client.post(PATH, json=wish(kind, **fields))
                permission = next(PERMISSIONS[each] for each in get_args(PersonCommand) if each.__name__ == kind)
                expected = {409, 422} if permission in permissions_of((role,)) else {403}
                if answer.status_code not in expected:
                    surprises.append(f"{kind} for {role}: {answer.status_code}")
                elif answer.status_code == 403 and answer.json()["permission"] != permission:
                    surprises.append(f"{kind} for {role} does not say what it takes")
    assert not surprises


async def test_nobody_and_other_sites_ask_in_vain(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    async with browser(web) as stranger:
        assert (await stranger.post(PATH, json=held(told))).status_code == 401
    session = await make_account(web, "B-1", "quality")
    async with browser(web, session) as client:
        forged = await client.post(PATH, json=held(told), headers={"x-csrf-token": "other"})
        foreign = await client.post(PATH, json=held(told), headers={"origin": "https://evil.example"})
    assert (forged.status_code, foreign.status_code) == (403, 403)
    assert len(await facts(web, "Held")) == 2


async def test_a_token_may_what_its_scopes_say(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    await make_account(web, "B-1", "quality")
    _, text = await web.access.tokens.make("B-1", TokenWish(name="t", scopes=("hold_place",), days=1), AUTHOR)
    async with script(web, text) as client:
        assert (await client.post(PATH, json=held(told))).status_code == 200
        assert (await client.post(PATH, json=wish("Disposition", **SAMPLES["Disposition"]))).status_code == 403


@pytest.mark.parametrize(
    "asked",
    [
        {"key": "long-enough", "command": {"type": "CheckIn", "station": "SEAL-01"}},
        {"key": "long-enough", "command": {"type": "AddPerson", "person": "me", "roles": ["admin"]}},
        {"key": "long-enough", "command": {"type": "PlaceHold", "subject": "unit", "codes": [], "reason": "", "x": 1}},
        {"key": "long-enough", "actor": "other", "command": {"type": "CloseOrder", "order": "a", "reason": "b"}},
        {"key": "short", "command": {"type": "CloseOrder", "order": "a", "reason": "b"}},
        {"command": {"type": "CloseOrder", "order": "a", "reason": "b"}},
        [],
    ],
)
async def test_only_what_is_described_is_understood(face: tuple[WebPlant, Told], asked: Any) -> None:
    web, _ = face
    async with browser(web, await make_account(web, "B-1", *ROLES)) as client:
        assert (await client.post(PATH, json=asked)).status_code == 400


def test_a_command_that_nobody_decided_on_stops_the_start() -> None:
    require_permissions()
    first = get_args(Command)[0]
    with pytest.raises(ConfigurationError) as silent:
        require_permissions(permissions={each: PERMISSIONS[each] for each in get_args(Command) if each is not first})
    assert silent.value.problems == (f"command {first.__name__}: say in web/commands.py which permission it takes",)
    with pytest.raises(ConfigurationError, match="if and only if"):
        require_permissions(permissions=dict.fromkeys(get_args(Command)))


# --- what is recorded ---------------------------------------------------------------------------------


async def test_a_fact_names_the_person_who_asked(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        answer = await client.post(PATH, json=held(told))
    assert answer.json() == {"type": "Receipt", "routing": ["3"]}
    fact = (await facts(web, "Held"))[-1]
    assert (fact["actor"], fact["source"], fact["seq"], fact["reason"]) == ("B-1", "web", 1, "dent seen")
    assert fact["time_us"] == web.times.plant_us


async def test_the_trail_tells_from_where_and_what_changed(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    await make_account(web, "A-1", "auditor")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        await client.post(PATH, json=held(told))
        refused = await client.post(PATH, json=wish("PlaceHold", subject="unit", codes=[told.waiting], reason=""))
    assert refused.status_code == 409
    async with browser(web, await sign_in(web, "A-1")) as client:
        page = (await client.get("/audit.json", params={"object": told.waiting})).json()
        file = await client.get("/audit.csv", params={"action": "PlaceHold"})
        taken = (await client.get("/audit.json", params={"action": "file_taken"})).json()["entries"]
    denied, done = page["entries"]
    unit = f"unit {told.waiting}"
    assert (done["actor"], done["object"], done["reason"]) == ("B-1", told.waiting, "dent seen")
    assert done["terminal"] == "127.0.0.1"
    assert len(done["request_id"]) == 16
    assert (done["old"][unit]["holds"], done["new"][unit]["holds"]) == (0, 1)
    assert (done["new"]["codes"], denied["new"]["refused"], denied["old"]) == (
        [told.waiting],
        ["disposition_invalid"],
        None,
    )
    assert page["chain"]["whole"]
    assert file.text.count("PlaceHold") == 2
    assert [(each["actor"], each["object"], each["new"]) for each in taken] == [
        ("A-1", "audit.csv", {"action": "PlaceHold"})
    ]


async def test_nothing_is_changed_when_the_trail_cannot_be_written(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        connection = await asyncpg.connect(web.database_url)
        head = await connection.fetchrow("DELETE FROM audit_head RETURNING seq, hash")
        lost = await client.post(PATH, json=held(told))
        kept = await facts(web, "Held")
        assert head is not None
        await connection.execute("INSERT INTO audit_head VALUES ($1, $2)", *head)
        await connection.close()
        again = await client.post(PATH, json=held(told))
    assert lost.status_code >= 500
    assert (len(kept), again.json()) == (2, {"type": "Receipt", "routing": ["3"]})


async def test_a_refusal_gives_every_reason(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    async with browser(web, await make_account(web, "B-1", "planner")) as client:
        answer = await client.post(PATH, json=wish("ReleaseOrder", order="WO-1001", product="toy", quantity=0))
    assert codes(answer) == ["order_repeated", "product_unknown", "count_invalid"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert all(each["text"] for each in answer.json()["reasons"])


async def test_units_are_decided_on_and_orders_closed(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    scrap = wish("Disposition", units=[told.held], action="scrap", reason="leaks")
    back = wish("Disposition", units=[told.trayed[0]], action="rework", operation="seal", reason="seal again")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        assert (await client.post(PATH, json=scrap)).json()["routing"] == ["scrap"]
        assert (await client.post(PATH, json=back)).json()["routing"] == ["seal"]
        assert codes(await client.post(PATH, json=scrap | {"key": "another-key"}))
    async with browser(web, await make_account(web, "B-2", "planner")) as client:
        closing = wish("CloseOrder", order="WO-1002/b", reason="withdrawn")
        assert (await client.post(PATH, json=closing)).status_code == 200
        assert codes(await client.post(PATH, json=closing | {"key": "another-key"})) == ["order_closed"]
        assert (await client.get("/orders/WO-1002%2Fb.json")).json()["order"]["closed_by"] == "B-2"


async def test_an_operation_of_a_dead_machine_is_given_up(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    asked = wish("AbortOperation", station="SEAL-01", units=[told.running], reason="controller died")
    async with browser(web, await make_account(web, "B-1", "line_lead")) as client:
        assert (await client.post(PATH, json=asked)).json()["routing"] == ["seal"]
    assert (await facts(web, "OperationAborted"))[-1]["actor"] == "B-1"


# --- once -----------------------------------------------------------------------------------------------


async def test_the_same_wish_again_gets_the_same_answer(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    asked = held(told, key="one-wish")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        first = await client.post(PATH, json=asked)
        web.times.plant_us += 60_000_000
        again = await client.post(PATH, json=asked)
        other = await client.post(PATH, json=held(told, "another reason", key="one-wish"))
    assert (first.status_code, again.json()) == (200, first.json())
    assert codes(other) == ["sequence_conflict"]
    assert len(await facts(web, "Held")) == 3
    async with browser(web, await make_account(web, "B-2", "quality")) as client:
        assert (await client.post(PATH, json=asked)).json()["routing"] == ["4"], "keys are each person's own"


async def test_a_refused_wish_stays_refused(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    asked = wish("CloseOrder", key="one-wish", order="WO-2000", reason="late")
    async with browser(web, await make_account(web, "B-1", "planner")) as client:
        first = await client.post(PATH, json=asked)
        made = await client.post(PATH, json=wish("ReleaseOrder", order="WO-2000", product="cell", quantity=1))
        again = await client.post(PATH, json=asked)
    assert made.status_code == 200
    assert (codes(first), again.json()) == (["order_unknown"], first.json())


async def test_a_wish_that_arrives_many_times_at_once_is_done_once(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    asked = held(told, key="one-wish")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        answers = await asyncio.gather(*(client.post(PATH, json=asked) for _ in range(8)))
    assert {each.text for each in answers} == {answers[0].text}
    assert {each.status_code for each in answers} == {200}
    assert len(await facts(web, "Held")) == 3


async def test_a_restarted_server_knows_what_was_answered(database_url: str) -> None:
    driver, told = tell_objects()
    await through_gate(database_url, driver)
    asked, answers = held(told, key="one-wish"), list[httpx.Response]()
    for _ in range(2):
        async with running_web(database_url) as web:
            web.times.plant_us = driver.now_us + len(answers) * 1_000_000
            session = await sign_in(web, "B-1") if answers else await make_account(web, "B-1", "quality")
            async with browser(web, session) as client:
                answers.append(await client.post(PATH, json=asked))
            assert len(await facts(web, "Held")) == 3
    assert answers[0].status_code == 200
    assert answers[0].text == answers[1].text


# --- two people ---------------------------------------------------------------------------------------


async def test_two_people_lift_a_hold(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    await make_account(web, "B-2", "quality")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        assert (await client.post(PATH, json=lifting(2, "B-2"))).status_code == 200
        assert codes(await client.post(PATH, json=lifting(2, "B-2"))) == ["hold_unknown"]
        unit = (await client.get(f"/units/{told.held}.json")).json()
    fact = (await facts(web, "Released"))[-1]
    assert (fact["actor"], fact["second_person"], fact["reason"]) == ("B-1", "B-2", "measured again")
    assert (unit["unit"]["holds_count"], unit["holds"][0]["second_person"]) == (0, "B-2")
    rows = await audit_rows(web, "ReleaseHold")
    assert [(row["actor"], row["object"], row["reason"]) for row in rows] == [("B-1", "hold 2", "measured again")] * 2
    assert [msgspec.json.decode(row["new"])["signed_by"] for row in rows] == [["B-1", "B-2"]] * 2


async def test_correcting_the_record_takes_both_passwords_too(face: tuple[WebPlant, Told]) -> None:
    web, told = face
    await make_account(web, "B-2", "quality")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        taken = (await client.get(f"/units/{told.waiting}.json")).json()["made_of"][0]
        asked = wish(
            "CorrectRuns",
            position=taken["position"],
            firsts=[told.waiting],
            lasts=[told.waiting],
            recorded=[taken["lot"]],
            lots=[taken["lot"]],
            starts=[taken["start"]],
            ends=[taken["end"] - 1],
            reason="measured again",
            second_person="B-2",
        )
        unsigned = await client.post(PATH, json=asked)
        signatures = {"password": PASSWORD, "second_password": PASSWORD}
        answer = await client.post(PATH, json=asked | {"signatures": signatures})
        after = (await client.get(f"/units/{told.waiting}.json")).json()["made_of"][0]
        lot = (await client.get(f"/lots/{taken['lot']}.json")).json()
    assert (unsigned.status_code, unsigned.json()["fields"][0]["path"]) == (422, "signatures")
    assert answer.json() == {"type": "Receipt", "routing": ["1"]}
    assert taken["corrected"] is None
    assert (after["end"], after["corrected"]["corrected_by"]) == (taken["end"] - 1, "B-1")
    assert lot["corrections"] == [after["corrected"]]
    (row,) = await audit_rows(web, "CorrectRuns")
    assert (row["object"], row["reason"]) == (taken["lot"], "measured again")
    assert {told.waiting, taken["lot"]} <= set(row["named"])


async def test_both_passwords_must_be_right(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    await make_account(web, "B-2", "quality")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        unsigned = lifting(2, "B-2")
        del unsigned["signatures"]
        answers = {
            "signatures": await client.post(PATH, json=unsigned),
            "signatures.password": await client.post(PATH, json=lifting(2, "B-2", password=WRONG)),
            "signatures.second_password": await client.post(PATH, json=lifting(2, "B-2", second_password=WRONG)),
        }
        unknown = await client.post(PATH, json=lifting(2, "B-9"))
    for field, answer in answers.items():
        assert (answer.status_code, answer.json()["fields"][0]["path"]) == (422, field)
    assert unknown.json()["fields"] == answers["signatures.second_password"].json()["fields"], "nobody is told which"
    assert len(await facts(web, "Released")) == 1
    assert await audited(web, "signature_failed") == ["B-1", "B-2", "unknown"]
    assert await audited(web, "sign_in_failed") == []


async def test_one_person_cannot_sign_for_two(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        assert codes(await client.post(PATH, json=lifting(2, "B-1"))) == ["signature_missing"]
        assert codes(await client.post(PATH, json=lifting(2, ""))) == ["signature_missing"]
    assert (await facts(web, "Refused"))[-1]["actor"] == "B-1"


@pytest.mark.parametrize("roles", [("operator",), ("admin",), ("line_lead", "process")])
async def test_the_second_person_needs_the_role_too(face: tuple[WebPlant, Told], roles: tuple[str, ...]) -> None:
    web, _ = face
    await make_account(web, "B-2", *roles)
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        assert codes(await client.post(PATH, json=lifting(2, "B-2"))) == ["person_unknown"]


async def test_a_disabled_person_signs_no_more(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    await make_account(web, "B-2", "quality")
    await web.access.people.disable("B-2", AUTHOR)
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        assert (await client.post(PATH, json=lifting(2, "B-2"))).status_code == 422


async def test_guessing_a_second_signature_gets_slow(face: tuple[WebPlant, Told]) -> None:
    web, _ = face
    await make_account(web, "B-2", "quality")
    async with browser(web, await make_account(web, "B-1", "quality")) as client:
        guesses = [await client.post(PATH, json=lifting(2, "B-2", second_password=f"{WRONG}{n}")) for n in range(5)]
        right = await client.post(PATH, json=lifting(2, "B-2"))
        assert [each.status_code for each in guesses] == [422] * 4 + [429]
        assert (right.status_code, int(right.headers["retry-after"]) > 0) == (429, True)
        assert (await client.post("/api/v1/sign-in", json={"person": "B-2", "password": PASSWORD})).status_code == 429
        web.times.wall_us += 2_000_000
        assert (await client.post(PATH, json=lifting(2, "B-2"))).status_code == 200
