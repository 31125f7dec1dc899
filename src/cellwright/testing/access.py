"""People for tests: with roles, an account and a session, and a client that shows it as a browser does."""

import itertools
from typing import Final

import httpx

from cellwright.journal.audit import Author
from cellwright.model.answers import Receipt
from cellwright.model.commands import AddPerson, DisablePerson, QualifyPerson, Submission
from cellwright.testing.web import WebPlant
from cellwright.web.access.accounts import Credentials
from cellwright.web.access.guard import COOKIE, CSRF_HEADER
from cellwright.web.access.sessions import Browser, csrf_of

PASSWORD: Final = "winter-kettle-stolen-9"  # noqa: S105 - opens nothing but databases of tests
AUTHOR: Final = Author(actor="cli", terminal="local:tester", request_id="r-1")

_numbers = itertools.count(1)


async def command(web: WebPlant, content: AddPerson | DisablePerson | QualifyPerson) -> None:
    """Put a command before the gate as the command line does; raises AssertionError when it is refused."""
    submission = Submission(
        source="cli", epoch=next(_numbers), seq=1, time_us=web.times.plant_us, actor="cli", command=content
    )
    answer = await web.gate.submit(submission)
    assert isinstance(answer, Receipt), answer  # noqa: S101 - this is a test kit


async def make_account(web: WebPlant, person: str, *roles: str) -> str:
    """Make a person with an account whose password is `PASSWORD`; return the id of the first session."""
    await command(web, AddPerson(person=person, roles=roles))
    _, token = await web.access.links.make_for(person, AUTHOR)
    return await web.access.accounts.use_link(token, Credentials("", PASSWORD), author=AUTHOR, browser=Browser())


async def sign_in(web: WebPlant, person: str, password: str = PASSWORD, *, terminal: str = "10.0.0.1") -> str:
    """Sign in from a terminal and return the session's id; raises what access refuses."""
    author = Author(actor="", terminal=terminal)
    return await web.access.accounts.sign_in(Credentials(person, password), author=author, browser=Browser())


def browser(web: WebPlant, session_id: str = "") -> httpx.AsyncClient:
    """Return a client like a page of the server: with the session's cookie, its token, and an origin."""
    headers = {"origin": web.address, "sec-fetch-site": "same-origin"}
    if session_id:
        headers[CSRF_HEADER] = csrf_of(session_id)
    cookies = httpx.Cookies()
    if session_id:
        cookies.set(COOKIE, session_id, domain="127.0.0.1", path="/")
    return httpx.AsyncClient(base_url=web.address, cookies=cookies, headers=headers, timeout=20)


def script(web: WebPlant, token: str) -> httpx.AsyncClient:
    """Return a client like a script: with an API token, and without any header of browsers."""
    return httpx.AsyncClient(base_url=web.address, headers={"authorization": f"Bearer {token}"}, timeout=20)
