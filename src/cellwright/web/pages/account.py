"""The page of one's own account: password, sessions and API tokens."""

from msgspec import Struct

from cellwright.web.access.permissions import GRANTABLE, ObjectRule, Permission
from cellwright.web.access.sessions import Session
from cellwright.web.access.tokens import DAYS_MAX, ApiToken
from cellwright.web.page import Page
from cellwright.web.pages.doors import PasswordRules
from cellwright.web.question import Question


class AccountPage(Struct, frozen=True, kw_only=True):
    """One's own account; `scopes` may be given to a token, `wall_us` is the real time, in which sessions live."""

    has_password: bool
    sessions: tuple[Session, ...]
    tokens: tuple[ApiToken, ...]
    scopes: tuple[str, ...]
    days_max: int
    rules: PasswordRules
    wall_us: int


async def _load(question: Question) -> AccountPage:
    access, caller = question.services.access, question.caller
    assert caller is not None  # noqa: S101 - the guard lets nobody else in
    return AccountPage(
        has_password=await access.accounts.has_password(caller.person),
        sessions=tuple(await access.sessions.list(caller.person, caller.session)),
        tokens=tuple(await access.tokens.list(caller.person)),
        scopes=tuple(sorted(caller.permissions & GRANTABLE)),
        days_max=DAYS_MAX,
        rules=PasswordRules(),
        wall_us=question.services.wall_us(),
    )


ACCOUNT = Page(
    name="account",
    path="/account",
    permission=Permission.ACCOUNT,
    rule=ObjectRule.OWN,
    load=_load,
    is_in_api=False,
    has_files=False,
)
