"""What each role may do, and on which objects."""

from enum import StrEnum

from msgspec import Struct


class Permission(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    SELF = "self"
    PLANT_READ = "plant_read"
    AUDIT_READ = "audit_read"
    PEOPLE_MANAGE = "people_manage"


class ObjectRule(StrEnum):
    """Which objects of its kind a caller reaches."""

    NONE = "none"
    SITE = "site"
    OWN = "own"


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: a person with the roles and permissions of this moment; `csrf` only for sessions."""

    person: str
    roles: tuple[str, ...]
    permissions: frozenset[Permission]
    csrf: str = ""
