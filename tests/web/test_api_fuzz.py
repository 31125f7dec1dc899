"""Whatever is asked of the API, by its document or against it: an answer of its own, never a broken server."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from cellwright.rules.people import ROLES
from cellwright.testing.access import make_account
from cellwright.testing.objects import told_web
from cellwright.testing.web import WebPlant
from cellwright.web.access.guard import COOKIE, CSRF_HEADER
from cellwright.web.access.sessions import csrf_of

EXAMPLES: Final = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 3}
ENDS_THE_SESSION: Final = ("/sign-out", "/me/password", "/end", "/end-others", "/people/disable", "/people/roles")
GROWTH_BYTES_MAX: Final = 64 << 20
PARTS: Final = 2
"""Into so many tests the operations are shared out, so that several processes ask."""


@pytest.fixture(name="face")
async def fixture_face(database_url: str) -> AsyncIterator[tuple[WebPlant, dict[str, str]]]:
    async with told_web(database_url) as (web, _):
        session = await make_account(web, "FUZZ-1", *ROLES)
        headers = {"cookie": f"{COOKIE}={session}", CSRF_HEADER: csrf_of(session), "origin": web.address}
        yield web, headers | {"sec-fetch-site": "same-origin"}


def operations(document: dict[str, Any]) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    """Every operation of the document, but those after which nothing could be asked any more."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if not operation.path.endswith(ENDS_THE_SESSION):
            yield operation


def ask(operation: APIOperation[Any, Any, Any, Any], web: WebPlant, headers: dict[str, str]) -> Counter[int]:
    """Ask an operation what its document allows, then what it forbids; return how often each status came."""
    statuses: Counter[int] = Counter()
    for mode, count in EXAMPLES.items():

        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Case[Any]) -> None:
            answer = case.call(base_url=web.address, headers=headers, timeout=20)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

        # An operation without parameters cannot be asked what it forbids.
        with contextlib.suppress(*([Unsatisfiable] if mode is GenerationMode.NEGATIVE else [])):
            run()
    return statuses


def resident_bytes() -> int:
    """The memory of this process, in which the server runs too."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", range(PARTS))
async def test_no_question_breaks_the_server(face: tuple[WebPlant, dict[str, str]], part: int) -> None:
    web, headers = face
    async with httpx.AsyncClient(base_url=web.address, headers=headers) as client:
        document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    everything = list(operations(document))
    assert len(everything) > 60
    asked = everything[part::PARTS]
    statuses: Counter[int] = Counter()
    sizes = []
    for half in (asked[::2], asked[1::2]):
        for operation in half:
            statuses += await asyncio.to_thread(ask, operation, web, headers)
        sizes.append(resident_bytes())
    assert statuses[200] > len(asked) / 2
    assert max(statuses) < 500
    assert sizes[1] - sizes[0] < GROWTH_BYTES_MAX
