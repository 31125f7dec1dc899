"""The page of a lot: how much is left and where, what it was made of, and what took which stretch of it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from cellwright.database.pool import Connection
from cellwright.model.commands import HoldSubject
from cellwright.views.corrected import Corrected, corrections_of_lot
from cellwright.views.finding import find_lot
from cellwright.views.history import Event, lot_history
from cellwright.views.holds import HoldCard, holds_of
from cellwright.views.lots import (
    LotCard,
    LotPlace,
    LotStretch,
    LotUse,
    read_became,
    read_lot,
    read_made_of,
    read_places,
    read_uses,
)
from cellwright.web.access.permissions import Permission
from cellwright.web.page import Page
from cellwright.web.pages.measured import Measured, measured_in
from cellwright.web.pages.reading import reading
from cellwright.web.problems import NotFoundError
from cellwright.web.question import Question
from cellwright.web.tables import Table, facts_of, table_of

_EVENTS_MAX = 200
_STRETCHES_MAX = 500


class LotData(Struct, frozen=True, kw_only=True):
    """All that the page of a lot shows; a count says how many there are where only the first are listed."""

    lot: LotCard
    material_name: str
    is_purchased: bool
    is_expired: bool
    places: tuple[LotPlace, ...]
    holds: tuple[HoldCard, ...]
    corrections: tuple[Corrected, ...]
    """Of what took of it, and of what it was made of; the oldest first."""
    measurements: tuple[Measured, ...]
    made_of: tuple[LotStretch, ...]
    made_of_count: int
    became: tuple[LotStretch, ...]
    became_count: int
    uses: tuple[LotUse, ...]
    uses_count: int
    units_count: int
    history: tuple[Event, ...]
    history_before: int | None
    """Where older history begins, None = this is all."""


async def _load(question: Question) -> LotData:
    async with reading(question.services) as connection:
        number = await find_lot(connection, question.code)
        if number is None:
            raise NotFoundError(f"no lot has the code {question.code!r}; look for a part of it, or scan it again")
        return await _read(connection, question, number)


async def _read(connection: Connection, question: Question, number: int) -> LotData:
    plant = question.services.plant
    lot = await read_lot(connection, number)
    history = await lot_history(connection, number, question.whole("before"), limit=_EVENTS_MAX)
    made_of = await read_made_of(connection, number, _STRETCHES_MAX)
    became = await read_became(connection, number, _STRETCHES_MAX)
    uses = await read_uses(connection, number, _STRETCHES_MAX)
    material = plant.materials.get(lot.material)
    return LotData(
        lot=lot,
        material_name=material.name if material else lot.material,
        is_purchased=material.purchased if material else bool(lot.supplier),
        is_expired=lot.expires_us is not None and lot.expires_us <= question.services.clock(),
        places=await read_places(connection, number),
        holds=await holds_of(connection, HoldSubject.LOT, number),
        corrections=await corrections_of_lot(connection, number),
        measurements=measured_in(history.events, plant.lot_operations.values()),
        made_of=made_of.stretches,
        made_of_count=made_of.total_count,
        became=became.stretches,
        became_count=became.total_count,
        uses=uses.uses,
        uses_count=uses.total_count,
        units_count=uses.units_count,
        history=history.events,
        history_before=history.next_before,
    )


def _tables(data: LotData) -> list[Table]:
    """Uses first: what holds one table holds these."""
    about = structs.replace(
        data, places=(), holds=(), corrections=(), measurements=(), made_of=(), became=(), uses=(), history=()
    )
    lists: dict[str, tuple[type[Any], Sequence[Any]]] = {
        "uses": (LotUse, data.uses),
        "made_of": (LotStretch, data.made_of),
        "became": (LotStretch, data.became),
        "places": (LotPlace, data.places),
        "measurements": (Measured, data.measurements),
        "holds": (HoldCard, data.holds),
        "corrections": (Corrected, data.corrections),
        "history": (Event, data.history),
    }
    tables = [table_of(name, kind, rows) for name, (kind, rows) in lists.items()]
    return [*tables, facts_of("lot", about)]


LOT = Page(
    name="lot",
    path="/lots/",
    permission=Permission.PLANT_READ,
    load=_load,
    query=("before",),
    tables=_tables,
    aliases={"/rolls/": "/lots/"},
)
