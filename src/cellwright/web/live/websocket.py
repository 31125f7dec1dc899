"""`/api/v1/live`: topics through a WebSocket. Messages are JSON text both ways; `docs/reference/live.md` has them all."""

import asyncio
import contextlib
from typing import Annotated, Any, Final

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from msgspec import Meta, Struct

from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.live.pace import RATE_MAX_HZ, RATE_MIN_HZ, stride_of
from cellwright.web.live.service import Live
from cellwright.web.live.viewer import Close, Ending, Viewer
from cellwright.web.services import services_of
from cellwright.web.shell import release

Socket = WebSocket[Any, Any, Any]

TOPIC_LENGTH_MAX: Final = 160
_MESSAGES_MAX: Final = 100
_WINDOW_S: Final = 10.0
_OPT: Final = {"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE}


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """A topic and how often at most (Hz); it is sent at the next lower rate that there is."""

    topic: Annotated[str, Meta(max_length=TOPIC_LENGTH_MAX)]
    rate_hz: Annotated[float, Meta(ge=RATE_MIN_HZ)] = RATE_MAX_HZ


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says."""

    subscribe: tuple[Wanted, ...] = ()
    unsubscribe: tuple[str, ...] = ()


_REQUESTS: Final = msgspec.json.Decoder(Request)


@websocket("/api/v1/live", opt=_OPT)
async def live_socket(socket: Socket) -> None:
    """Serve one client until it leaves, its session ends or the server stops."""
    live, caller = services_of(socket).live, socket.state.caller
    await socket.accept()
    viewer = live.enter(caller)
    viewer.say(hello=release())
    writer = asyncio.create_task(_write(socket, live, viewer), name="live writer")
    try:
        await _read(socket, live, viewer)
    finally:
        live.hub.leave(viewer)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


async def _write(socket: Socket, live: Live, viewer: Viewer) -> None:
    loop = asyncio.get_running_loop()
    # A client that leaves while something is sent to it is told of by the reader.
    with contextlib.suppress(WebSocketDisconnect, OSError):
        while True:
            message = await viewer.next()
            if isinstance(message, Ending):
                await socket.close(message.code, message.text)
                return
            begun_s = loop.time()
            # Returns when what was sent before has left the process: one message waits, never a queue.
            await socket.send({"type": "websocket.send", "text": message.text, "bytes": None})
            now_s = loop.time()
            live.hub.sent(viewer, now_s - begun_s, now_s)


async def _read(socket: Socket, live: Live, viewer: Viewer) -> None:
    loop = asyncio.get_running_loop()
    began_s, count = loop.time(), 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if loop.time() - began_s > _WINDOW_S:
            began_s, count = loop.time(), 0
        count += 1
        if count > _MESSAGES_MAX:
            text = f"more than {_MESSAGES_MAX} messages in {_WINDOW_S:.0f} s; ask for several topics in one message"
            viewer.end(Ending(Close.FLOOD, text))
        else:
            _hear(message.get("text"), live, viewer)


def _hear(text: object, live: Live, viewer: Viewer) -> None:
    """Do what a message asks for; one that cannot be read ends the connection, after a word why."""
    try:
        if not isinstance(text, str):
            raise msgspec.DecodeError("expected text, got binary data")  # noqa: TRY301 - one answer to all of them
        request = _REQUESTS.decode(text)
    except msgspec.DecodeError as error:
        viewer.notice("malformed", text=str(error))
        viewer.end(Ending(Close.MALFORMED, "the message could not be read"))
        return
    for topic in request.unsubscribe:
        live.hub.unsubscribe(viewer, topic)
    for wanted in request.subscribe:
        why = live.subscribe(viewer, wanted.topic, stride_of(wanted.rate_hz))
        if why:
            viewer.notice("refused", topic=wanted.topic, text=why)
