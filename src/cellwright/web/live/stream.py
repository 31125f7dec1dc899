"""`/api/v1/stream`: the same frames as server-sent events, for curl and scripts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.params import QueryParameter
from litestar.response import Stream

from cellwright.web.access.permissions import Caller, ObjectRule, Permission
from cellwright.web.live.channels import Message
from cellwright.web.live.hub import TOPICS_MAX
from cellwright.web.live.pace import RATE_MAX_HZ, RATE_MIN_HZ, stride_of
from cellwright.web.live.service import Live
from cellwright.web.live.viewer import Ending
from cellwright.web.services import services_of

_OPT: Final = {"permission": Permission.PLANT_READ, "object_rule": ObjectRule.SITE}
_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}

Topics = Annotated[list[str], QueryParameter(name="topic", min_items=1, max_items=TOPICS_MAX)]
Rate = Annotated[float, QueryParameter(name="rate_hz", ge=RATE_MIN_HZ)]


@get("/api/v1/stream", opt=_OPT, operation_id="stream_topics", summary="Live topics as server-sent events")
async def live_stream(request: Request[Any, Any, Any], topics: Topics, rate_hz: Rate = RATE_MAX_HZ) -> Stream:
    """Stream topics; each begins with a snapshot, also for who comes back with Last-Event-ID."""
    live, caller = services_of(request).live, request.state.caller
    for topic in topics:
        why = live.hub.refusal(caller, topic)
        if why:
            raise NotFoundException(f"{topic[:200]}: {why}")
    events = _events(live, caller, topics, stride_of(rate_hz))
    return Stream(events, media_type="text/event-stream", headers=_HEADERS)


async def _events(live: Live, caller: Caller, topics: list[str], stride: int) -> AsyncIterator[str]:
    loop, viewer = asyncio.get_running_loop(), live.enter(caller)
    try:
        for topic in topics:
            live.subscribe(viewer, topic, stride)
        while True:
            message = await viewer.next()
            if isinstance(message, Ending):
                yield f"event: end\ndata: {message.text}\n\n"
                return
            begun_s = loop.time()
            yield _event(message)
            now_s = loop.time()
            live.hub.sent(viewer, now_s - begun_s, now_s)
    finally:
        live.hub.leave(viewer)


def _event(message: Message) -> str:
    if message.is_beat:
        return f": {message.text}\n\n"
    if message.sequence is None:
        return f"event: notice\ndata: {message.text}\n\n"
    return f"id: {message.sequence}\ndata: {message.text}\n\n"
