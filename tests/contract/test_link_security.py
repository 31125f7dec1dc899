"""Every default of the OPC UA library that lets strangers in, tried against a hardened server on a real socket."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.connection import MessageChunk, SecureConnection, TransportLimits
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256, SecurityPolicyNone
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.ua_binary import struct_to_binary, uatcp_to_binary
from asyncua.ua.uaerrors import UaError

from cellwright.links.contract import CertificateRefusedError, LinkError
from cellwright.links.opcua.contract import STATIONS_FOLDER
from cellwright.links.opcua.limits import CHUNK_BYTES_MAX, CONNECTION_COUNT_MAX, MESSAGE_BYTES_MAX
from cellwright.links.opcua.security import Credentials, Identity, LinkSecurity, TrustList, make_identity
from cellwright.links.opcua.session import Endpoint, Session, open_session
from cellwright.links.opcua.values import node_id
from cellwright.plant.clock import host_clock
from cellwright.testing.machine import PASSWORD, USER, Keys, MachineServer, make_keys

pytestmark = pytest.mark.asyncio(loop_scope="module")
SIGN_AND_ENCRYPT = ua.MessageSecurityMode.SignAndEncrypt


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), host_clock)


@pytest.fixture(scope="module")
def stranger() -> Identity:
    return make_identity("urn:cellwright:test:stranger", hosts=["localhost"], now_us=host_clock())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machines(keys: Keys) -> AsyncIterator[MachineServer]:
    async with MachineServer(keys, ["S-1"]) as server:
        yield server


async def open_as(endpoint: Endpoint, security: LinkSecurity) -> None:
    session = await open_session(endpoint, security, timeout_s=2.0)
    await session.close()


async def raw_client(
    endpoint: Endpoint,
    keys: Keys,
    *,
    identity: Identity | None = None,
    mode: ua.MessageSecurityMode = SIGN_AND_ENCRYPT,
) -> Client:
    """A client of the library itself, with the machine's certificate but otherwise as the caller likes."""
    client = Client(endpoint.url, timeout=2.0)
    own = identity or keys.mes.identity
    client.application_uri = own.application_uri
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        CertProperties(own.certificate, "der"),
        CertProperties(own.private_key, "pem"),
        server_certificate=CertProperties(keys.machine.certificate, "der"),
        mode=mode,
    )
    return client


async def test_the_mes_is_let_in(machines: MachineServer, keys: Keys) -> None:
    await open_as(machines.endpoint, keys.mes)
    await open_as(msgspec.structs.replace(machines.endpoint, policy="Aes256Sha256RsaPss"), keys.mes)


async def test_anonymous_is_refused(machines: MachineServer, keys: Keys) -> None:
    client = await raw_client(machines.endpoint, keys)
    with pytest.raises(UaError, match="BadIdentityTokenRejected"):
        await client.connect()


@pytest.mark.parametrize(("user", "password"), [("admin", "x"), ("Admin", ""), (USER, "wrong"), (USER, ""), ("", "")])
async def test_admin_and_wrong_passwords_are_refused(
    machines: MachineServer, keys: Keys, user: str, password: str
) -> None:
    security = LinkSecurity(keys.mes.identity, Credentials(user, password), keys.mes.trust)
    with pytest.raises(LinkError, match=r"refused the session .*; check at the machine"):
        await open_as(machines.endpoint, security)


async def test_a_user_can_neither_add_nodes_nor_write_what_the_machine_writes(
    machines: MachineServer, keys: Keys
) -> None:
    client = await raw_client(machines.endpoint, keys)
    client.set_user(USER)
    client.set_password(PASSWORD)
    async with client:
        index = await client.get_namespace_index("urn:cellwright:station:1")
        with pytest.raises(UaError, match="BadUserAccessDenied"):
            await client.get_node(node_id("S-1/Request/Sequence", index)).write_value(1, ua.VariantType.Int64)
        with pytest.raises(UaError, match="BadUserAccessDenied"):
            await client.get_node(node_id(STATIONS_FOLDER, index)).add_object(index, "intruder")
        await client.get_node(node_id("S-1/Answer/Sequence", index)).write_value(0, ua.VariantType.Int64)


@pytest.mark.parametrize("user", [None, USER])
async def test_policy_none_is_refused(machines: MachineServer, user: str | None) -> None:
    client = Client(machines.endpoint.url, timeout=2.0)
    if user is not None:
        client.set_user(user)
        client.set_password(PASSWORD)
    with pytest.raises(UaError, match="BadSecurityPolicyRejected"):
        await client.connect()


async def test_signing_without_encryption_is_refused(machines: MachineServer, keys: Keys) -> None:
    client = await raw_client(machines.endpoint, keys, mode=ua.MessageSecurityMode.Sign)
    with pytest.raises((UaError, ConnectionError, TimeoutError)):
        await client.connect()


async def test_an_unknown_client_certificate_opens_no_channel(
    machines: MachineServer, keys: Keys, stranger: Identity
) -> None:
    client = await raw_client(machines.endpoint, keys, identity=stranger)
    with pytest.raises(UaError, match="BadCertificateUntrusted"):
        await client.connect_sessionless()


async def test_an_expired_client_certificate_is_refused(keys: Keys, tmp_path: Path) -> None:
    late_us = host_clock() + 20 * 365 * 86_400_000_000
    trust = TrustList(tmp_path, lambda: late_us)
    trust.add(keys.mes.identity.certificate)
    async with MachineServer(msgspec.structs.replace(keys, machine_trust=trust), ["S-1"]) as machines:
        with pytest.raises(LinkError, match="BadCertificateUntrusted"):
            await open_as(machines.endpoint, keys.mes)


async def test_a_server_that_nobody_trusted_is_not_called(machines: MachineServer, keys: Keys, tmp_path: Path) -> None:
    empty = TrustList(tmp_path, host_clock)
    security = LinkSecurity(keys.mes.identity, keys.mes.credentials, empty)
    with pytest.raises(CertificateRefusedError, match="put the machine's certificate"):
        await open_as(machines.endpoint, security)


async def test_a_changed_server_certificate_is_refused_with_what_to_compare(keys: Keys, stranger: Identity) -> None:
    renewed = make_identity(keys.machine.application_uri, hosts=[], now_us=host_clock())
    async with MachineServer(msgspec.structs.replace(keys, machine=renewed), ["S-1"]) as machines:
        with pytest.raises(LinkError, match=f"its certificate is {keys.machine.thumbprint}"):
            await open_as(machines.endpoint, keys.mes)
    del stranger


# --- beneath the session ----------------------------------------------------------------


class Peer:
    """Bytes on a socket, after the greeting."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self) -> bytes:
        """What the server sends before it closes."""
        async with asyncio.timeout(5.0):
            answer = await self.reader.read()
        self.writer.close()
        return answer


def greeting() -> bytes:
    hello = ua.Hello(EndpointUrl=ua.String("opc.tcp://127.0.0.1"))
    return uatcp_to_binary(ua.MessageType.Hello, hello)  # type: ignore[arg-type]


async def greeted(endpoint: Endpoint) -> Peer:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(endpoint.url.rpartition(":")[2]))
    writer.write(greeting())
    header = await reader.readexactly(8)
    await reader.readexactly(int(struct.unpack_from("<4xI", header)[0]) - 8)
    assert header[:4] == b"ACKF"
    return Peer(reader, writer)


async def test_a_call_before_any_channel_is_refused(machines: MachineServer) -> None:
    peer = await greeted(machines.endpoint)
    connection = SecureConnection(SecurityPolicyNone(), TransportLimits())  # type: ignore[no-untyped-call]
    peer.writer.write(connection.message_to_binary(struct_to_binary(ua.CreateSessionRequest()), request_id=1))
    answer = await peer.answer()
    assert answer.startswith(b"ERRF")
    assert b"BadSecureChannelClosed" in answer


async def test_a_second_greeting_closes_the_connection(machines: MachineServer) -> None:
    peer = await greeted(machines.endpoint)
    peer.writer.write(greeting())
    assert b"BadTcpMessageTypeInvalid" in await peer.answer()


@pytest.mark.parametrize(
    "junk",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"MSGF\x04\x00\x00\x00\x00\x00\x00\x00"],
    ids=["http", "zeros", "short"],
)
async def test_junk_closes_the_connection_and_nothing_else(machines: MachineServer, keys: Keys, junk: bytes) -> None:
    peer = await greeted(machines.endpoint)
    peer.writer.write(junk)
    peer.writer.write_eof()
    await peer.answer()
    await open_as(machines.endpoint, keys.mes)


async def test_a_chunk_that_announces_too_much_is_cut_at_its_header(machines: MachineServer) -> None:
    peer = await greeted(machines.endpoint)
    peer.writer.write(b"OPNF" + struct.pack("<I", 100 * 1024 * 1024) + b"\x00" * 1000)
    assert b"BadTcpMessageTooLarge" in await peer.answer()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def intermediate_chunk(client: Client, number: int) -> bytes:
    """A full, correctly signed and encrypted chunk of a message that never ends."""
    protocol = client.uaclient.protocol
    assert protocol is not None
    connection = protocol._connection
    chunk: Any = MessageChunk(connection.security_policy.symmetric_cryptography, b"\x00" * 16000)
    chunk.MessageHeader.ChunkType = ua.ChunkType.Intermediate
    chunk.MessageHeader.ChannelId = connection.security_token.ChannelId
    chunk.SecurityHeader.TokenId = connection.security_token.TokenId
    chunk.SequenceHeader.SequenceNumber = ua.UInt32(number)
    chunk.SequenceHeader.RequestId = ua.UInt32(77)
    return bytes(chunk.to_binary())


async def flood(client: Client) -> int:
    """Send chunks until the server hangs up; return the bytes it took."""
    protocol = client.uaclient.protocol
    assert protocol is not None
    sent = 0
    for number in range(2, 4000):
        if protocol.transport is None or protocol.transport.is_closing():
            break
        block = intermediate_chunk(client, number)
        protocol.transport.write(block)
        sent += len(block)
        await asyncio.sleep(0)
    return sent


async def test_a_message_without_end_is_cut_at_one_mebibyte(machines: MachineServer, keys: Keys) -> None:
    before = resident_bytes()
    clients = [await raw_client(machines.endpoint, keys) for _ in range(3)]
    for client in clients:
        await client.connect_sessionless()
    taken = await asyncio.gather(*(flood(client) for client in clients))
    for client in clients:
        client.disconnect_socket()
    # What is still in the sockets counts as sent; the server keeps none of it.
    assert max(taken) < 8 * MESSAGE_BYTES_MAX
    assert resident_bytes() - before < 3 * 8 * 1024 * 1024
    await open_as(machines.endpoint, keys.mes)


async def test_connections_are_limited_and_come_free_again(machines: MachineServer, keys: Keys) -> None:
    peers = [await greeted(machines.endpoint) for _ in range(CONNECTION_COUNT_MAX)]
    with pytest.raises((OSError, TimeoutError, LinkError)):
        await open_as(machines.endpoint, keys.mes)
    for peer in peers:
        peer.writer.close()
        await peer.writer.wait_closed()
    await open_as(machines.endpoint, keys.mes)


async def test_subscriptions_are_limited(machines: MachineServer, keys: Keys) -> None:
    session = await open_session(machines.endpoint, keys.mes, timeout_s=2.0)

    async def subscribe_many() -> None:
        for _ in range(200):
            await session.subscribe([], interval_ms=1000.0, queue_size=1, notify=lambda _: None)

    with pytest.raises(UaError, match="BadTooManySubscriptions"):
        await subscribe_many()
    await session.close()


# --- a machine that attacks the client --------------------------------------------------


async def serve_junk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"MSGF" + struct.pack("<I", 0xFFFF_FFFF))
    try:
        while True:
            writer.write(b"\x00" * CHUNK_BYTES_MAX)
            await writer.drain()
    except OSError:
        writer.transport.abort()


async def test_a_server_that_announces_an_endless_chunk_is_left(keys: Keys) -> None:
    before = resident_bytes()
    async with await asyncio.start_server(serve_junk, "127.0.0.1", 0) as server:
        url = f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises((LinkError, OSError, TimeoutError)):
            await open_session(Endpoint(url, keys.machine.application_uri), keys.mes, timeout_s=1.0)
    assert resident_bytes() - before < 8 * 1024 * 1024


async def test_a_server_without_the_contract_is_named(keys: Keys) -> None:
    async with MachineServer(keys, []) as machines:
        with pytest.raises(LinkError, match="namespace urn:cellwright:station:1 is missing"):
            await open_as(machines.endpoint, keys.mes)


async def test_a_session_closes_though_the_server_is_silent(keys: Keys) -> None:
    async with MachineServer(keys, ["S-1"]) as machines:
        session = await open_session(machines.endpoint, keys.mes, timeout_s=2.0)
        assert isinstance(session, Session)
        await machines.kill()
        async with asyncio.timeout(3.0):
            await session.close()
