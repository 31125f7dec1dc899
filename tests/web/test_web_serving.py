import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from cellwright.errors import ConfigurationError
from cellwright.testing.access import browser, make_account
from cellwright.testing.web import running_web
from cellwright.web.access.guard import BACKGROUND_HEADER
from cellwright.web.server import PromptProtocol, read_listen


async def test_every_answer_forbids_what_comes_from_elsewhere(database_url: str) -> None:
    async with running_web(database_url) as web, httpx.AsyncClient(base_url=web.address) as client:
        for path in ("/", "/openapi/openapi.json", "/no/such/page"):
            answer = await client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "default-src 'self'" in policy
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("text", ["8640", "0.0.0.0:8640", "127.0.0.1:99999", "example.org:80", "[::]:80"])
def test_an_open_door_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--listen"):
        read_listen(text, None, None)


def test_loopback_needs_no_certificate() -> None:
    assert read_listen("[::1]:0", None, None).port == 0


async def test_people_get_a_page_and_programs_a_problem(database_url: str) -> None:
    async with running_web(database_url) as web, httpx.AsyncClient(base_url=web.address) as client:
        page = await client.get("/no/such/page", headers={"accept": "text/html"})
        assert page.status_code == 404
        assert 'id="boot"' in page.text
        problem = await client.get("/no/such/page")
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["status"] == 404


async def test_a_connection_that_says_nothing_is_ended(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PromptProtocol, "patience_s", 0.2)
    async with running_web(database_url) as web:
        port = urlsplit(web.address).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("host", ["[", "[::", "evil.example", ""])
async def test_a_name_that_is_not_ours_is_misdirected(database_url: str, host: str) -> None:
    async with running_web(database_url) as web, httpx.AsyncClient(base_url=web.address) as client:
        assert (await client.get("/sign-in", headers={"host": host})).status_code == 421


@pytest.mark.parametrize("path", ["/audit.json?person=%00", "/units.json?status=a%00b", "/lots?q=%00", "/units?%00=1"])
async def test_a_character_that_nothing_holds_is_refused(database_url: str, path: str) -> None:
    async with running_web(database_url) as web, browser(web, await make_account(web, "B-1", "auditor")) as client:
        for accepted in ("application/json", "text/html"):
            assert (await client.get(path, headers={"accept": accepted})).status_code == 400


async def test_what_a_page_reads_by_itself_is_no_use_of_a_session(database_url: str) -> None:
    async with running_web(database_url) as web, browser(web, await make_account(web, "B-1", "auditor")) as client:
        statuses = []
        for _ in range(3):
            web.times.wall_us += 6 * 60 * 1_000_000
            answer = await client.get("/orders.json", headers={BACKGROUND_HEADER: "1"})
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 401]
    async with running_web(database_url) as web, browser(web, await make_account(web, "B-2", "auditor")) as client:
        for _ in range(5):
            web.times.wall_us += 6 * 60 * 1_000_000
            assert (await client.get("/orders.json")).status_code == 200
