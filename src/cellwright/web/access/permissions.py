"""What each role may do, and on which objects."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from cellwright.rules.people import ROLES


class Permission(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    """Anybody, signed in or not."""
    SELF = "self"
    """Whoever is signed in, by session or API token."""
    ACCOUNT = "account"
    """One's own password, sessions and tokens: by session only, never by API token."""
    PLANT_READ = "plant_read"
    HOLD_PLACE = "hold_place"
    HOLD_RELEASE = "hold_release"
    UNIT_DISPOSITION = "unit_disposition"
    UNIT_REPAIR = "unit_repair"
    """Opening modules and packs: replacing members, taking units apart."""
    UNIT_SHIP = "unit_ship"
    """Sending units to partners, taking them back, telling in which vehicles packs are."""
    LOT_RECEIVE = "lot_receive"
    LOT_RELEASE = "lot_release"
    MATERIAL_LOAD = "material_load"
    EQUIPMENT_MAINTAIN = "equipment_maintain"
    """Tools and calibrations."""
    SAMPLE_RECORD = "sample_record"
    """What samples gave that were destroyed by a plan."""
    CORRECTION_RELEASE = "correction_release"
    """Putting in force what gauges add to what they measure: it moves grades."""
    OPERATION_ABORT = "operation_abort"
    """Giving up what a machine that died will never report."""
    ORDER_MANAGE = "order_manage"
    JOB_DISPATCH = "job_dispatch"
    """Ordering stations of a line to join a group of units that was matched."""
    RECORD_CORRECT = "record_correct"
    """Correcting which lots and stretches were used; a second person signs."""
    PEOPLE_READ = "people_read"
    PEOPLE_MANAGE = "people_manage"
    AUDIT_READ = "audit_read"


class ObjectRule(StrEnum):
    """Which objects of its kind a caller reaches."""

    NONE = "none"
    """The route has no object."""
    SITE = "site"
    """Every object of this plant."""
    OWN = "own"
    """Only the caller's own: others look as if they were not there."""


_P = Permission
_ALWAYS: Final = frozenset({_P.PUBLIC, _P.SELF, _P.ACCOUNT})
_ROLES: Final[dict[str, frozenset[Permission]]] = {
    "operator": frozenset({_P.PLANT_READ, _P.HOLD_PLACE, _P.MATERIAL_LOAD, _P.SAMPLE_RECORD}),
    "line_lead": frozenset(
        {
            _P.PLANT_READ,
            _P.HOLD_PLACE,
            _P.MATERIAL_LOAD,
            _P.SAMPLE_RECORD,
            _P.LOT_RECEIVE,
            _P.OPERATION_ABORT,
            _P.JOB_DISPATCH,
        }
    ),
    "quality": frozenset(
        {
            _P.PLANT_READ,
            _P.HOLD_PLACE,
            _P.HOLD_RELEASE,
            _P.UNIT_DISPOSITION,
            _P.UNIT_REPAIR,
            _P.UNIT_SHIP,
            _P.LOT_RECEIVE,
            _P.LOT_RELEASE,
            _P.OPERATION_ABORT,
            _P.CORRECTION_RELEASE,
            _P.RECORD_CORRECT,
            _P.SAMPLE_RECORD,
        }
    ),
    "process": frozenset({_P.PLANT_READ, _P.HOLD_PLACE, _P.CORRECTION_RELEASE, _P.JOB_DISPATCH}),
    "maintenance": frozenset({_P.PLANT_READ, _P.HOLD_PLACE, _P.EQUIPMENT_MAINTAIN, _P.OPERATION_ABORT, _P.UNIT_REPAIR}),
    "planner": frozenset({_P.PLANT_READ, _P.LOT_RECEIVE, _P.ORDER_MANAGE, _P.UNIT_SHIP, _P.JOB_DISPATCH}),
    "auditor": frozenset({_P.PLANT_READ, _P.PEOPLE_READ, _P.AUDIT_READ}),
    "admin": frozenset({_P.PLANT_READ, _P.OPERATION_ABORT, _P.PEOPLE_READ, _P.PEOPLE_MANAGE, _P.AUDIT_READ}),
    "partner": frozenset(),
}

GRANTABLE: Final = frozenset(Permission) - _ALWAYS - {_P.PEOPLE_MANAGE}
"""What an API token may be given. Who manages people makes others' accounts, so that takes a session."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, with the roles and permissions of this moment; person "" is nobody. `csrf` only with a session."""

    person: str = ""
    roles: tuple[str, ...] = ()
    permissions: frozenset[Permission] = frozenset({Permission.PUBLIC})
    csrf: str = ""
    session: int = 0
    """Number of the session, 0 = none."""
    token: str = ""
    """Id of the API token, "" = none."""
    terminal: str = ""
    request_id: str = ""


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Return what roles permit together; an unknown role permits nothing."""
    return _ALWAYS.union(*(_ROLES.get(role, frozenset()) for role in roles))


def roles_with(permission: Permission) -> tuple[str, ...]:
    """Return the roles that permit something, in their usual order."""
    return tuple(role for role in ROLES if permission in permissions_of((role,)))
