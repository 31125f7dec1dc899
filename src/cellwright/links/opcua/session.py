"""A client session to one machine server: signed, encrypted, pinned certificate, bounded memory, one bulk call each.

The library's own reconnect is off; `link` makes a new session each time.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient, UASocketProtocol
from asyncua.common.shortcuts import Shortcuts
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss, SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError

from cellwright.links.contract import LinkError, StationContractError
from cellwright.links.opcua.contract import NAMESPACE_URI
from cellwright.links.opcua.limits import CHUNK_COUNT_MAX, MESSAGE_BYTES_MAX, bounded_limits, is_oversized
from cellwright.links.opcua.security import LinkSecurity, thumbprint
from cellwright.links.opcua.values import node_id

_SESSION_MS = 30_000
_NODES_PER_CALL_MAX = 50  # controllers limit this; the contract asks for as many
_LIFETIME_COUNT = 3000
_KEEP_ALIVE_COUNT = 100
_POLICIES = {
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
    "Aes256Sha256RsaPss": SecurityPolicyAes256Sha256RsaPss,
}

_NOTHING = ua.StatusCode(ua.UInt32(StatusCodes.BadNothingToDo))

_logger = logging.getLogger(__name__)


def quiet_library() -> None:
    """Silence asyncua's own log, which prints tracebacks for every lost connection; the link says it in a line."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)


class Endpoint(msgspec.Struct, frozen=True):
    """Where a machine server is and who it must prove to be (application URI of its pinned certificate)."""

    url: str
    application_uri: str
    policy: str = "Basic256Sha256"


class _BoundedProtocol(UASocketProtocol):
    def data_received(self, data: bytes) -> None:
        """Close when the server announces a chunk larger than a chunk may be."""
        super().data_received(data)
        if is_oversized(self.receive_buffer):
            _logger.warning("server announced a chunk above the limit; connection closed")
            self.receive_buffer = None
            self.disconnect_socket()


class _BoundedUaClient(UaClient):
    def _make_protocol(self) -> UASocketProtocol:
        protocol = _BoundedProtocol(self._timeout, security_policy=self.security_policy, limits=bounded_limits())
        protocol.pre_request_hook = self._pre_request_hook
        protocol.on_connection_lost = self._on_transport_lost
        protocol.is_session_closing = self._is_session_closing
        self.protocol = protocol
        return protocol


class _BoundedClient(Client):
    def __init__(self, url: str, timeout_s: float) -> None:
        # The health probe may take as long as any request: a busy machine is not a dead one.
        super().__init__(url, timeout=timeout_s, watchdog_intervall=timeout_s, auto_reconnect=False)
        self.uaclient = _BoundedUaClient(timeout_s)
        self.uaclient.pre_request_hook = self._wait_until_ready
        self.nodes = Shortcuts(self.uaclient.session)
        self.max_messagesize = MESSAGE_BYTES_MAX
        self.max_chunkcount = CHUNK_COUNT_MAX
        self.session_timeout = _SESSION_MS


Notify = Callable[[ua.PublishResult], None]
"""Called in the receiving task with what the server published; must only set a flag."""


class Session:
    """An activated session; every method is one service call and raises within the timeout."""

    def __init__(self, client: Client, index: int) -> None:
        """Wrap a connected client; `index` is the station namespace on this server."""
        self._client = client
        self._service = client.uaclient.session
        self._index = index

    def node_id(self, key: str) -> ua.NodeId:
        """Return the node id of `<STATION>/<path>` on this server."""
        return node_id(key, self._index)

    async def read(
        self, nodes: Sequence[ua.NodeId], attribute: AttributeIds = AttributeIds.Value
    ) -> list[ua.DataValue]:
        """Read the values (or another attribute) of nodes in the order given; up to 50 in one call."""
        values: list[ua.DataValue] = []
        for start in range(0, len(nodes), _NODES_PER_CALL_MAX):
            part = list(nodes[start : start + _NODES_PER_CALL_MAX])
            values += await self._service.read_attributes(part, attribute)
        return values

    async def write(self, nodes: Sequence[ua.NodeId], variants: Sequence[ua.Variant]) -> list[ua.StatusCode]:
        """Write several nodes in one call, in the order given: values only, without status or time stamps."""
        # Many controllers answer BadWriteNotSupported when a status or time stamp comes along.
        values = [ua.DataValue(each, StatusCode=None) for each in variants]
        return await self._service.write_attributes(list(nodes), values)

    async def call(
        self, object_id: ua.NodeId, method_id: ua.NodeId, arguments: Sequence[ua.Variant]
    ) -> ua.CallMethodResult:
        """Call one method of an object; what it returned, or why it was not called, is in the result."""
        request = ua.CallMethodRequest(ObjectId=object_id, MethodId=method_id, InputArguments=list(arguments))
        results = await self._service.call([request])
        return results[0] if results else ua.CallMethodResult(StatusCode=_NOTHING)

    async def subscribe(
        self, nodes: Sequence[ua.NodeId], *, interval_ms: float, queue_size: int, notify: Notify
    ) -> list[ua.StatusCode]:
        """Subscribe to value changes; the result says of each node whether it is monitored."""
        wish = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=interval_ms,
            RequestedLifetimeCount=_LIFETIME_COUNT,
            RequestedMaxKeepAliveCount=_KEEP_ALIVE_COUNT,
            PublishingEnabled=True,
        )
        made = await self._service.create_subscription(wish, notify)
        items = [_item(node, handle, queue_size) for handle, node in enumerate(nodes)]
        statuses: list[ua.StatusCode] = []
        for start in range(0, len(items), _NODES_PER_CALL_MAX):
            part = items[start : start + _NODES_PER_CALL_MAX]
            request = ua.CreateMonitoredItemsParameters(SubscriptionId=made.SubscriptionId, ItemsToCreate=part)
            statuses += [result.StatusCode for result in await self._service.create_monitored_items(request)]
        return statuses

    async def close(self, *, timeout_s: float = 1.0) -> None:
        """Close session, channel and socket, within `timeout_s` even if the server is wedged."""
        await _close(self._client, timeout_s)


def _item(node: ua.NodeId, handle: int, queue_size: int) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle, SamplingInterval=0.0, QueueSize=queue_size, DiscardOldest=True
        ),
    )


async def open_session(endpoint: Endpoint, security: LinkSecurity, *, timeout_s: float) -> Session:
    """Connect and log in. Raises LinkError for certificates and contract, OSError, TimeoutError or UaError else."""
    client = _BoundedClient(endpoint.url, timeout_s)
    await _secure(client, endpoint, security)
    try:
        await client.connect()
        return Session(client, await _namespace_index(client, endpoint))
    except UaError as error:
        await _close(client, timeout_s)
        raise LinkError(_refused(endpoint, security, error)) from error
    except BaseException:
        await _close(client, timeout_s)
        raise


def _refused(endpoint: Endpoint, security: LinkSecurity, error: UaError) -> str:
    pinned = thumbprint(security.trust.certificate_of(endpoint.application_uri))
    return (
        f"{endpoint.url} refused the session ({error}); check at the machine: its certificate is {pinned}, "
        f"it trusts {security.identity.thumbprint}, user {security.credentials.user!r} and the password are known"
    )


async def _close(client: Client, timeout_s: float) -> None:
    publishing = client.uaclient._publish_task  # noqa: SLF001 - it outlives a lost connection otherwise
    try:
        async with asyncio.timeout(timeout_s):
            await client.disconnect()
    except TimeoutError:
        client.disconnect_socket()
    if publishing is not None:
        publishing.cancel()
        await asyncio.wait([publishing])


async def _secure(client: Client, endpoint: Endpoint, security: LinkSecurity) -> None:
    identity = security.identity
    client.application_uri = identity.application_uri
    client.set_user(security.credentials.user)
    client.set_password(security.credentials.password)
    await client.set_security(
        _POLICIES[endpoint.policy],  # type: ignore[type-abstract]
        CertProperties(identity.certificate, "der"),
        CertProperties(identity.private_key, "pem"),
        server_certificate=CertProperties(security.trust.certificate_of(endpoint.application_uri), "der"),
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )


async def _namespace_index(client: Client, endpoint: Endpoint) -> int:
    names: list[Any] = await client.get_namespace_array()
    if NAMESPACE_URI not in names:
        message = f"{endpoint.url}: namespace {NAMESPACE_URI} is missing; the server must offer the station contract"
        raise StationContractError(message)
    return names.index(NAMESPACE_URI)
