"""The API that places a recall: all that is in doubt, and all that was made of it, held under one key."""

from functools import partial
from typing import Annotated, Any

from litestar import post
from litestar.handlers.base import BaseRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct, structs

from cellwright.database.pool import Connection
from cellwright.journal.audit import Author
from cellwright.model.answers import Answer, Refusal, RefusalCode
from cellwright.model.commands import PlaceRecall
from cellwright.model.wire import Code, Text
from cellwright.plant.recall_questions import AskedRecall, QuestionError, find_question
from cellwright.plant.recalls import Order, RecallReport, place_recall
from cellwright.rules.reasons import reason
from cellwright.views.holds import holds_placed
from cellwright.views.subjects import TraceError
from cellwright.web.access.guard import author_of
from cellwright.web.access.people import SOURCE
from cellwright.web.access.permissions import ObjectRule, Permission
from cellwright.web.commands import Key, epoch_of
from cellwright.web.pages.reading import reading
from cellwright.web.pages.recall import too_much, wrong_question
from cellwright.web.problems import RefusedError
from cellwright.web.question import Asked
from cellwright.web.services import Services, services_of

_OPT: dict[str, Any] = {"permission": Permission.HOLD_PLACE, "object_rule": ObjectRule.SITE}

RecallCode = Annotated[Code, Meta(min_length=1)]
RecallReason = Annotated[Text, Meta(min_length=1)]


class RecallWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recall to be placed: its code, why, and what is in doubt; under a key that makes a repetition harmless."""

    key: Key
    recall: RecallCode
    reason: RecallReason
    question: AskedRecall


@post("/api/v1/recalls", opt=_OPT, status_code=200, summary="Hold what is in doubt, and all that was made of it")
async def give_recall(request: Asked, data: JSONBody[RecallWish]) -> RecallReport:
    """Place a recall. 400 names what is wrong in the question, 409 every reason of the gate.

    The same key again goes on where it stopped, and tells the same holds; the same recall under another key holds what
    it does not hold yet.
    """
    services = services_of(request)
    async with services.recalling, reading(services) as connection:
        try:
            return await _place(connection, services, author_of(request), data)
        except QuestionError as error:
            raise wrong_question(error, "question.") from None


async def _place(connection: Connection, services: Services, author: Author, wish: RecallWish) -> RecallReport:
    """Hold all of it; tells what this wish has put on hold, also when it was made before."""
    epoch = epoch_of(author.actor, f"recall {wish.key}")
    await _refuse_other_use(connection, epoch, wish)
    question = await find_question(connection, services.plant, wish.question, now_us=services.clock())
    order = Order(recall=wish.recall, reason=wish.reason, question=question)
    submit = partial(_submit, services, connection, author, epoch)
    try:
        report = await place_recall(connection, services.plant, order, submit=submit)
    except TraceError as error:
        raise too_much(wish.question, error) from None
    placed = await holds_placed(connection, SOURCE, epoch)
    return structs.replace(report, holds=tuple(str(fact.hold) for fact in placed))


async def _submit(
    services: Services, connection: Connection, author: Author, epoch: int, command: PlaceRecall
) -> Answer:
    return await services.desk.go_on(connection, author, epoch, command=command)


async def _refuse_other_use(connection: Connection, epoch: int, wish: RecallWish) -> None:
    """Raise RefusedError when the key was used for another recall."""
    for fact in await holds_placed(connection, SOURCE, epoch):
        if (fact.recall, fact.reason) != (wish.recall, wish.reason):
            text = f"this key has placed recall {fact.recall!r} for another reason or code; make up a new key"
            raise RefusedError(Refusal((reason(RefusalCode.SEQUENCE_CONFLICT, text, recall=fact.recall),)))


ROUTES: list[BaseRouteHandler] = [give_recall]
"""Every route of recalls."""
