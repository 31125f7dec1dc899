"""People as admins manage them: every change is a command to the gate, the only writer of who may do what."""

from cellwright.journal.audit import Author
from cellwright.model.answers import Refusal
from cellwright.model.commands import AddPerson, Command, DisablePerson, Submission
from cellwright.plant.clock import Clock
from cellwright.plant.gate import Gate
from cellwright.web.access.ground import AccessRefusedError, Ground
from cellwright.web.access.links import Links
from cellwright.web.access.roster import Person, read_roster
from cellwright.web.problems import RefusedError

SOURCE = "web"
"""What facts that people caused through pages name as their source."""


class People:
    """Lists people, and changes them through the gate."""

    def __init__(self, ground: Ground, gate: Gate, links: Links, *, clock: Clock) -> None:
        """Use these parts; `clock` is the plant's time."""
        self._ground = ground
        self._gate = gate
        self._links = links
        self._clock = clock

    async def list(self) -> list[Person]:
        """Return everybody, by badge code."""
        async with self._ground.reading() as connection:
            return await read_roster(connection, self._ground.wall_us())

    async def add(self, person: str, roles: tuple[str, ...], author: Author) -> None:
        """Make a person known. Raises AccessRefusedError when there is one with this badge code."""
        known = await self.find_roles(person)
        if known is not None:
            raise AccessRefusedError(f"{person} is known already; change the roles instead", 409)
        await self._submit(AddPerson(person=person, roles=roles), author)

    async def change_roles(self, person: str, roles: tuple[str, ...], author: Author) -> None:
        """Give a person other roles, at once; a disabled one is enabled. Nobody changes their own."""
        _refuse_self(person, author)
        await self._refuse_unknown(person)
        await self._submit(AddPerson(person=person, roles=roles), author)

    async def disable(self, person: str, author: Author) -> None:
        """A person may act no more: sessions, links and tokens end with the same commit. Nobody disables themselves."""
        _refuse_self(person, author)
        await self._refuse_unknown(person)
        await self._submit(DisablePerson(person=person), author)

    async def invite(self, person: str, author: Author) -> str:
        """Return the token of an invitation for a person who has no account yet; a reset takes the command line."""
        await self._refuse_unknown(person)
        async with self._ground.reading() as connection:
            if await connection.fetchval("SELECT true FROM account WHERE person = $1", person):
                text = f"{person} has an account; a new password takes `cellwright user link {person}`"
                raise AccessRefusedError(text, 409)
        _, token = await self._links.make_for(person, author)
        return token

    async def make_admin(self, person: str, author: Author) -> None:
        """Make a person an admin, beside the roles there are; nothing happens when it is one already."""
        roles = await self.find_roles(person, only_enabled=True) or ()
        if "admin" not in roles:
            await self._submit(AddPerson(person=person, roles=(*roles, "admin")), author)

    async def find_roles(self, person: str, *, only_enabled: bool = False) -> tuple[str, ...] | None:
        """Return a person's roles; None when nobody has this badge code."""
        async with self._ground.reading() as connection:
            roles = await connection.fetchval(
                "SELECT roles FROM person WHERE person = $1 AND NOT ($2 AND disabled)", person, only_enabled
            )
        return None if roles is None else tuple(roles)

    async def _refuse_unknown(self, person: str) -> None:
        if await self.find_roles(person) is None:
            raise AccessRefusedError(f"nobody has the badge code {person[:40]!r}", 404)

    async def _submit(self, command: Command, author: Author) -> None:
        submission = Submission(
            source=SOURCE,
            epoch=self._ground.make_number(),
            seq=1,
            time_us=self._clock(),
            actor=author.actor,
            command=command,
        )
        answer = await self._gate.submit(submission, author)
        if isinstance(answer, Refusal):
            raise RefusedError(answer)
        self._ground.changed()


def _refuse_self(person: str, author: Author) -> None:
    if person == author.actor:
        raise AccessRefusedError("nobody changes their own roles or disables themselves; ask another admin", 403)
