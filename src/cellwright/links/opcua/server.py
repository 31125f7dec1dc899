"""A hardened asyncua server, for simulators and test doubles: the library's defaults let anybody write.

Closed here, each proved by a test on a real socket: anonymous users, any password for `admin`, policy None (also
where it is not offered), messages before a secure channel, certificates that nobody trusted, endless messages.
"""

import asyncio
import hmac
import logging
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.common.connection import SecureConnection
from asyncua.common.utils import Buffer, ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.security_policies import SecurityPolicy, SecurityPolicyFactory, SecurityPolicyNone
from asyncua.server.address_space import AttributeValue, MethodService, NodeData
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import uatcp_to_binary
from asyncua.ua.uaerrors import UaStatusCodeError

from cellwright.links.contract import CertificateRefusedError
from cellwright.links.opcua.limits import CONNECTION_COUNT_MAX, bounded_limits, is_oversized
from cellwright.links.opcua.security import Identity, TrustList

_POLICIES = [
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
]
_SUBSCRIPTION_COUNT_MAX = 64
_CALL_COUNT_MAX = 10
_PENDING_MESSAGE_COUNT_MAX = 100
_ACTIVATION_S_MAX = 10.0
_SESSION_MS_MAX = 60_000.0

_logger = logging.getLogger(__name__)


class UserTable(UserManager):
    """Users by name and password; nobody else, and nobody is admin."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        """Keep the passwords by user name."""
        self._passwords = dict(passwords)

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """Return the user if name and password are right, else None."""
        del iserver, certificate
        expected = self._passwords.get(username or "")
        if expected is None or not hmac.compare_digest(expected.encode(), (password or "").encode()):
            _logger.warning("user %r refused: unknown name or wrong password", username)
            return None
        return User(role=UserRole.User, name=username)


class _TrustingPolicies(SecurityPolicyFactory):
    """Makes a channel's policy only for a certificate that is on the trust list."""

    def __init__(self, factory: SecurityPolicyFactory, trust: TrustList) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            factory.cls, factory.mode, factory.certificate, factory.private_key, factory.permission_ruleset
        )
        self._trust = trust

    def create(self, peer_certificate: bytes | None) -> SecurityPolicy:
        """Check the peer's certificate before anything else is done with it."""
        try:
            self._trust.check(peer_certificate or b"")
        except CertificateRefusedError as error:
            _logger.warning("peer refused: %s", error)
            raise ServiceError(StatusCodes.BadCertificateUntrusted) from error
        return super().create(peer_certificate)  # type: ignore[no-any-return, no-untyped-call]


class _Connection(SecureConnection):
    """Takes no policy that is not offered, one greeting, and no message before the channel is open."""

    _is_greeted = False

    def select_policy(
        self, uri: str, peer_certificate: bytes | None, mode: ua.MessageSecurityMode | None = None
    ) -> None:
        """Refuse what no factory offers; the library would fall back to policy None."""
        if not any(policy.matches(uri, mode) for policy in self._policies):
            raise ServiceError(StatusCodes.BadSecurityPolicyRejected)
        super().select_policy(uri, peer_certificate, mode)

    def receive_from_header_and_body(self, header: ua.Header, body: Buffer) -> Any:
        """Refuse service calls outside a secure channel, and a second greeting (each costs an answer)."""
        kind: object = header.MessageType
        if kind == ua.MessageType.Hello:
            if self._is_greeted:
                raise ServiceError(StatusCodes.BadTcpMessageTypeInvalid)
            self._is_greeted = True
        if kind in (ua.MessageType.SecureMessage, ua.MessageType.SecureClose) and not self.is_open():
            raise ServiceError(StatusCodes.BadSecureChannelClosed)
        return super().receive_from_header_and_body(header, body)


class _Protocol(OPCUAProtocol):
    """One connection: bounded memory, and closed at the first thing that is wrong with it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with a channel that has no fall-back policy."""
        super().connection_made(transport)
        if self.processor is not None:
            connection = _Connection(SecurityPolicyNone(), self.processor._limits)  # type: ignore[no-untyped-call] # noqa: SLF001
            connection.set_policy_factories(self.policies)
            self.processor._connection = connection  # noqa: SLF001

    def data_received(self, data: bytes) -> None:
        """Close when a chunk announces more than a chunk may hold; the library would wait for all of it."""
        if self.transport is None or self.transport.is_closing():
            return
        super().data_received(data)
        if is_oversized(self._buffer):
            self._close(StatusCodes.BadTcpMessageTooLarge)

    async def _process_one_msg(self, header: Any, buf: Buffer) -> bool:
        try:
            return await super()._process_one_msg(header, buf)
        except (ServiceError, UaStatusCodeError) as error:
            self._close(error.code)
        except Exception as error:  # noqa: BLE001 - whatever a peer sends, only its own connection may suffer
            _logger.warning("connection of %s closed: %r", self.peer_name, error)
            self._close(StatusCodes.BadTcpInternalError)
        return False

    def _close(self, code: int) -> None:
        self._buffer = b""
        if self.transport is None or self.transport.is_closing():
            return
        status = ua.StatusCode(ua.UInt32(code))
        _logger.warning("connection of %s closed: %s", self.peer_name, status.name)
        last = ua.ErrorMessage(status, ua.String(status.name))
        self.transport.write(uatcp_to_binary(ua.MessageType.Error, last))  # type: ignore[arg-type]
        self.transport.close()


class _BinaryServer(BinaryServer):
    def _make_protocol(self) -> _Protocol:
        return _Protocol(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )


class _Methods(MethodService):
    """Takes few methods in one call; the library would work off whatever fits into a message."""

    async def call(self, methods: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        """Call methods one after another. Raises ServiceError for too many."""
        if len(methods) > _CALL_COUNT_MAX:
            raise ServiceError(StatusCodes.BadTooManyOperations)
        return await super().call(methods)


class _InternalServer(InternalServer):
    """Builds the standard address space once per process; further servers copy a node when they touch it."""

    _template: dict[ua.NodeId, NodeData] | None = None

    def __init__(self, user_manager: UserManager) -> None:
        """Prepare with our own limits on methods."""
        super().__init__(user_manager=user_manager)
        self.method_service.stop()
        self.method_service = _Methods(self.aspace)

    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        """Take the address space from the template, making that first if need be."""
        if _InternalServer._template is None:
            await super().load_standard_address_space(shelf_file)
            _InternalServer._template = dict(self.aspace._nodes)  # noqa: SLF001
        self.aspace._nodes = _Nodes(_InternalServer._template)  # type: ignore[assignment] # noqa: SLF001


class _Nodes(MutableMapping[ua.NodeId, NodeData]):
    """Nodes of one server over a template that stays as it is."""

    def __init__(self, template: Mapping[ua.NodeId, NodeData]) -> None:
        self._template = template
        self._own: dict[ua.NodeId, NodeData] = {}
        self._gone: set[ua.NodeId] = set()

    def __getitem__(self, key: ua.NodeId) -> NodeData:
        node = self._own.get(key)
        if node is None and key not in self._gone:
            node = self._own[key] = _copy_node(self._template[key])
        if node is None:
            raise KeyError(key)
        return node

    def __setitem__(self, key: ua.NodeId, node: NodeData) -> None:
        self._own[key] = node
        self._gone.discard(key)

    def __delitem__(self, key: ua.NodeId) -> None:
        self._own.pop(key, None)
        self._gone.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key in self._template and key not in self._gone)

    def __iter__(self) -> Iterator[ua.NodeId]:
        yield from self._own
        yield from (key for key in self._template if key not in self._own and key not in self._gone)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _copy_node(node: NodeData) -> NodeData:
    twin = NodeData(node.nodeid)
    twin.call = node.call
    twin.references = list(node.references)
    twin.attributes = {key: AttributeValue(each.value) for key, each in node.attributes.items()}  # type: ignore[arg-type]
    return twin


class HardenedServer(Server):
    """An asyncua server that admits only trusted certificates with a user and password, signed and encrypted."""

    def __init__(self, identity: Identity, trust: TrustList, passwords: Mapping[str, str]) -> None:
        """Prepare; `hardened_server` initialises."""
        super().__init__(iserver=_InternalServer(user_manager=UserTable(passwords)))
        self._identity = identity
        self._trust = trust
        self.limits = bounded_limits()

    async def init(self, shelf_file: Path | None = None) -> None:
        """Load the standard address space, then close every door but one."""
        await super().init(shelf_file)
        await self.set_application_uri(self._identity.application_uri)
        await self.load_certificate(self._identity.certificate, "der")
        await self.load_private_key(self._identity.private_key, format="pem")
        self.set_security_policy(list(_POLICIES))
        self.set_identity_tokens([ua.UserNameIdentityToken])
        self.allow_remote_admin(allow=False)
        self._set_limits(self.iserver)

    @staticmethod
    def _set_limits(internal: InternalServer) -> None:
        internal.max_connections = CONNECTION_COUNT_MAX
        internal.max_subscriptions = _SUBSCRIPTION_COUNT_MAX
        internal.max_pending_messages_per_connection = _PENDING_MESSAGE_COUNT_MAX
        internal.max_pending_activation_seconds = _ACTIVATION_S_MAX
        internal.max_session_timeout_ms = _SESSION_MS_MAX

    async def start(self) -> None:
        """Listen, with our own connection class."""
        await self._setup_server_nodes()
        self._policies = [_TrustingPolicies(factory, self._trust) for factory in self._policies]
        await self.iserver.start()
        host, port = self._get_bind_socket_info()
        self.bserver = _BinaryServer(self.iserver, host or "127.0.0.1", port or 0, self.limits)
        self.bserver.set_policies(self._policies)
        try:
            await self.bserver.start()
        except OSError:
            await self.iserver.stop()
            raise

    async def stop(self) -> None:
        """Close all connections and stop listening, without waiting for the server's own clock."""
        clock, self.iserver.time_task = self.iserver.time_task, None
        if clock is not None:
            clock.cancel()
        await super().stop()

    @property
    def port(self) -> int:
        """TCP port the server listens on."""
        return self.bserver.port if self.bserver is not None else 0


async def hardened_server(
    url: str, *, identity: Identity, trust: TrustList, passwords: Mapping[str, str]
) -> HardenedServer:
    """Return an initialised server for `opc.tcp://host:port` (port 0 = any); use as `async with` to listen."""
    server = HardenedServer(identity, trust, passwords)
    server.set_endpoint(url)
    await server.init()
    return server
