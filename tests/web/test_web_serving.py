import httpx
import pytest

from cellwright.errors import ConfigurationError
from cellwright.testing.web import running_web
from cellwright.web.server import read_listen


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
