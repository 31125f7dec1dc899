"""The API of people's commands: each takes its own permission; lifting a hold, correcting the record and releasing a correction take two passwords."""

from typing import Any

from litestar import post
from litestar.handlers.base import BaseRouteHandler
from litestar.params import JSONBody

from cellwright.model.answers import Receipt
from cellwright.model.commands import ReleaseHold
from cellwright.model.correction_commands import CorrectParts, CorrectRuns
from cellwright.model.corrections import ReleaseCorrection
from cellwright.web.access.accounts import Signing
from cellwright.web.access.ground import AccessRefusedError
from cellwright.web.access.guard import access_of, author_of, require
from cellwright.web.access.permissions import Caller, ObjectRule, Permission
from cellwright.web.commands import PERMISSIONS, Wish
from cellwright.web.question import Asked
from cellwright.web.services import services_of

_Signed = ReleaseHold | CorrectRuns | CorrectParts | ReleaseCorrection
_SIGNED: dict[type[Any], str] = {
    ReleaseHold: "lifting a hold",
    CorrectRuns: "correcting the record",
    CorrectParts: "correcting the record",
    ReleaseCorrection: "putting a correction in force",
}
"""What takes two signatures, in words."""

_OPT: dict[str, Any] = {"permission": Permission.SELF, "object_rule": ObjectRule.SITE}


@post("/api/v1/commands", opt=_OPT, status_code=200, summary="Ask the gate for something, as a person")
async def give_command(request: Asked, data: JSONBody[Wish]) -> Receipt:
    """Put a command before the gate. 403 without the command's permission, 409 with every reason when refused."""
    caller = request.state.caller
    assert isinstance(caller, Caller)  # noqa: S101 - the guard let nobody else in
    require(caller, PERMISSIONS[type(data.command)])
    signing, author = _signing(caller.person, data), author_of(request)
    if signing:
        author = await access_of(request).accounts.sign(signing, author=author)
    return await services_of(request).desk.submit(author, data)


def _signing(person: str, wish: Wish) -> Signing | None:
    """Return who must sign; that there are not two people is left to the gate, which refuses and journals it."""
    command = wish.command
    if not isinstance(command, _Signed) or command.second_person in {"", person}:
        return None
    if wish.signatures is None:
        text = f"{_SIGNED[type(command)]} takes the passwords of both people who sign"
        raise AccessRefusedError(text, 422, fields=(("signatures", text),))
    return Signing(
        person=person,
        password=wish.signatures.password,
        second_person=command.second_person,
        second_password=wish.signatures.second_password,
    )


ROUTES: list[BaseRouteHandler] = [give_command]
"""Every route of people's commands."""
