"""Access over TLS: the session's cookie belongs to this host alone."""

import re
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from litestar import websocket
from litestar.connection import WebSocket
from websockets.asyncio.client import connect as connect_live
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from cellwright.links.opcua.security import make_identity
from cellwright.testing.access import PASSWORD, make_account
from cellwright.testing.gates import make_gate
from cellwright.testing.plants import small_plant
from cellwright.testing.web import Times, WebPlant
from cellwright.web.access.guard import COOKIE, COOKIE_SECURE
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.opening import Behind, open_web
from cellwright.web.server import Listen


@pytest.fixture(name="listen")
def fixture_listen(tmp_path: Path) -> Listen:
    now_us = time.time_ns() // 1000  # noqa: TID251 - the certificate is checked against real time
    identity = make_identity("urn:cellwright:test", hosts=["127.0.0.1"], now_us=now_us)
    certificate = x509.load_der_x509_certificate(identity.certificate)
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(identity.private_key)
    return Listen("127.0.0.1", 0, tmp_path / "certificate.pem", tmp_path / "key.pem")


@pytest.fixture(name="web")
async def fixture_web(database_url: str, listen: Listen) -> AsyncIterator[WebPlant]:
    plant, times = small_plant(), Times()
    async with make_gate(database_url, plant, lambda: times.plant_us) as gate:
        behind = Behind(
            database_url=database_url,
            gate=gate,
            plant=plant,
            clock=lambda: times.plant_us,
            wall_us=lambda: times.wall_us,
        )
        async with open_web(behind, listen) as face:
            yield WebPlant(
                address=face.address,
                access=face.access,
                live=face.live,
                app=face.app,
                gate=gate,
                plant=plant,
                times=times,
                database_url=database_url,
            )


@websocket("/api/v1/test-live", opt={"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE})
async def live(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.close()


async def test_the_cookie_is_bound_to_this_host(web: WebPlant, listen: Listen) -> None:
    await make_account(web, "B-1", "operator")
    trust = ssl.create_default_context(cafile=str(listen.certificate))
    assert web.address.startswith("https://")
    async with httpx.AsyncClient(base_url=web.address, verify=trust, headers={"origin": web.address}) as client:
        entered = await client.post("/api/v1/sign-in", json={"person": "B-1", "password": PASSWORD})
        cookie = entered.headers["set-cookie"]
        assert re.fullmatch(rf"{COOKIE_SECURE}=[\w-]{{43}}; HttpOnly; Path=/; SameSite=strict; Secure", cookie)
        assert (await client.get("/api/v1/me")).status_code == 200
        session = cookie.split(";")[0].partition("=")[2]
        named = {"cookie": f"{COOKIE}={session}"}
        client.cookies.clear()
        assert (await client.get("/api/v1/me", headers=named)).status_code == 401
        plain = web.address.replace("https:", "http:")
        foreign = {"cookie": f"{COOKIE_SECURE}={session}", "origin": plain}
        assert (await client.post("/api/v1/sign-out", headers=foreign)).status_code == 403
    web.app.register(live)
    shown = {"cookie": f"{COOKIE_SECURE}={session}"}
    place = web.address.replace("https:", "wss:") + "/api/v1/test-live"
    async with connect_live(place, additional_headers=shown, origin=Origin(web.address), ssl=trust, proxy=None):
        pass
    for origin in (plain, "https://evil.example"):
        with pytest.raises(InvalidStatus):
            await connect_live(place, additional_headers=shown, origin=Origin(origin), ssl=trust, proxy=None)
