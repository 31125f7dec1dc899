"""Calls of a station's methods that no MES would make: each gets a bad status, changes nothing and crashes nothing."""

from collections.abc import AsyncIterator

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.uaerrors import UaError

from cellwright.links.opcua.contract import JOB_CODE_COUNT_MAX, JOB_CODE_LENGTH_MAX, METHODS, NAMESPACE_URI
from cellwright.links.opcua.session import Session, open_session
from cellwright.plant.clock import host_clock
from cellwright.testing.machine import CountingMemory, Keys, MachineServer, make_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"), host_clock)


@pytest.fixture
def memory() -> CountingMemory:
    return CountingMemory()


@pytest.fixture
async def machines(keys: Keys, memory: CountingMemory) -> AsyncIterator[MachineServer]:
    server = MachineServer(keys, ["S-1", "S-2"], takes_jobs=True)
    server.machines["S-1"].memory = memory
    async with server:
        yield server


@pytest.fixture
async def session(machines: MachineServer, keys: Keys) -> AsyncIterator[Session]:
    session = await open_session(machines.endpoint, keys.mes, timeout_s=2.0)
    yield session
    await session.close()


def text(value: str | None) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.String)


def texts(*values: str) -> ua.Variant:
    return ua.Variant(list(values), ua.VariantType.String, is_array=True)


def number(value: int) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.Int64)


GOOD = [text("J"), text("eol"), texts("U1"), texts(), text("")]
TOO_LONG = "x" * (JOB_CODE_LENGTH_MAX + 1)
GRID = ua.Variant([["a", "b"], ["c", "d"]], ua.VariantType.String, is_array=True)


def instead(index: int, variant: ua.Variant) -> list[ua.Variant]:
    return [*GOOD[:index], variant, *GOOD[index + 1 :]]


@pytest.mark.parametrize(
    ("arguments", "status", "at", "why"),
    [
        ([], "BadArgumentsMissing", None, ""),
        (GOOD[:4], "BadArgumentsMissing", None, ""),
        ([*GOOD, text("")], "BadTooManyArguments", None, ""),
        (instead(0, number(7)), "BadInvalidArgument", 0, "BadTypeMismatch"),
        (instead(0, texts("J")), "BadInvalidArgument", 0, "BadTypeMismatch"),
        (instead(2, text("U1")), "BadInvalidArgument", 2, "BadTypeMismatch"),
        (instead(2, GRID), "BadInvalidArgument", 2, "BadTypeMismatch"),
        (instead(3, ua.Variant([1], ua.VariantType.Int32, is_array=True)), "BadInvalidArgument", 3, "BadTypeMismatch"),
        (instead(0, text("")), "BadInvalidArgument", 0, "BadOutOfRange"),
        (instead(0, text(None)), "BadInvalidArgument", 0, "BadOutOfRange"),
        (instead(0, text(TOO_LONG)), "BadInvalidArgument", 0, "BadOutOfRange"),
        (instead(0, text("J\nK")), "BadInvalidArgument", 0, "BadOutOfRange"),
        (instead(1, text(TOO_LONG)), "BadInvalidArgument", 1, "BadOutOfRange"),
        (instead(2, texts("U1", "")), "BadInvalidArgument", 2, "BadOutOfRange"),
        (instead(2, texts("U1\x00")), "BadInvalidArgument", 2, "BadOutOfRange"),
        (instead(2, texts(*["U"] * (JOB_CODE_COUNT_MAX + 1))), "BadInvalidArgument", 2, "BadOutOfRange"),
        (instead(4, text(TOO_LONG)), "BadInvalidArgument", 4, "BadOutOfRange"),
    ],
)
async def test_hostile_arguments_get_a_bad_status_and_change_nothing(
    session: Session,
    memory: CountingMemory,
    *,
    arguments: list[ua.Variant],
    status: str,
    at: int | None,
    why: str,
) -> None:
    control, method = (session.node_id(f"S-1/JobOrderControl{each}") for each in ("", "/StoreAndStart"))
    result = await session.call(control, method, arguments)
    assert result.StatusCode.name == status
    if at is not None:
        found = [each.name for each in result.InputArgumentResults]
        assert found == [why if index == at else "Good" for index in range(len(arguments))]
    assert memory.stored == []
    assert (await session.call(control, method, GOOD)).StatusCode.is_good()


async def test_a_method_is_called_on_its_own_station_only(session: Session, memory: CountingMemory) -> None:
    own, foreign = session.node_id("S-1/JobOrderControl"), session.node_id("S-2/JobOrderControl")
    for target in (foreign, session.node_id("S-1"), ua.NodeId(ua.Int32(ua.ObjectIds.Server))):
        result = await session.call(target, session.node_id("S-1/JobOrderControl/StoreAndStart"), GOOD)
        assert result.StatusCode.name == "BadMethodInvalid"
    assert (await session.call(own, session.node_id("S-1/Request"), GOOD)).StatusCode.is_bad()
    assert memory.stored == []


async def test_a_call_of_many_methods_is_refused_whole(session: Session, memory: CountingMemory) -> None:
    control, method = (session.node_id(f"S-1/JobOrderControl{each}") for each in ("", "/StoreAndStart"))
    request = ua.CallMethodRequest(ObjectId=control, MethodId=method, InputArguments=GOOD)
    with pytest.raises(UaError, match="BadTooManyOperations"):
        await session._service.call([request] * 11)
    assert memory.stored == []


async def test_nobody_calls_a_method_before_the_session_is_activated(
    machines: MachineServer, keys: Keys, memory: CountingMemory
) -> None:
    client = Client(machines.endpoint.url, timeout=2.0)
    client.application_uri = keys.mes.identity.application_uri
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        CertProperties(keys.mes.identity.certificate, "der"),
        CertProperties(keys.mes.identity.private_key, "pem"),
        server_certificate=CertProperties(keys.machine.certificate, "der"),
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )
    await client.connect_sessionless()
    index = ua.Int16(await machines.server.get_namespace_index(NAMESPACE_URI))
    control, method = (ua.NodeId(ua.String(f"S-1/JobOrderControl{each}"), index) for each in ("", "/StoreAndStart"))
    request = ua.CallMethodRequest(ObjectId=control, MethodId=method, InputArguments=GOOD)
    with pytest.raises(UaError):
        await client.uaclient.call([request])
    await client.create_session()
    with pytest.raises(UaError):
        await client.uaclient.call([request])
    client.disconnect_socket()
    assert memory.stored == []


async def test_what_was_not_done_is_uncertain_and_carries_its_status(session: Session) -> None:
    control, method = (session.node_id(f"S-1/JobOrderControl{each}") for each in ("", "/Cancel"))
    result = await session.call(control, method, [text("nobody")])
    assert result.StatusCode.is_uncertain()
    (output,) = result.OutputArguments
    assert (output.VariantType, output.Value) == (ua.VariantType.UInt64, 2)


async def test_the_methods_tell_their_arguments_to_who_browses(machines: MachineServer) -> None:
    server, machine = machines.server, machines.machines["S-1"]
    index = await server.get_namespace_index("urn:cellwright:station:1")
    for method in METHODS:
        node = server.get_node(ua.NodeId(ua.String(f"{machine.code}/{method.path}"), ua.Int16(index)))
        inputs = await (await node.get_child("0:InputArguments")).read_value()
        assert [(each.Name, each.ValueRank) for each in inputs] == [
            (spec.name, 1 if spec.is_array else -1) for spec in method.inputs
        ]
        outputs = await (await node.get_child("0:OutputArguments")).read_value()
        assert [(each.Name, each.DataType.Identifier) for each in outputs] == [("ReturnStatus", ua.ObjectIds.UInt64)]
