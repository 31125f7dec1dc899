"""What roles permit, against a table written by hand."""

import pytest

from cellwright.rules.abort import ABORTING_ROLES
from cellwright.rules.people import ROLES
from cellwright.rules.repair import REPAIRING_ROLES
from cellwright.rules.signing import SIGNING_ROLES
from cellwright.web.access.permissions import GRANTABLE, Permission, permissions_of, roles_with

ALWAYS = {"public", "self", "account"}
TABLE = {
    "operator": {"plant_read", "hold_place", "material_load", "sample_record"},
    "line_lead": {
        "plant_read",
        "hold_place",
        "material_load",
        "sample_record",
        "lot_receive",
        "operation_abort",
        "job_dispatch",
    },
    "quality": {
        "sample_record",
        "plant_read",
        "hold_place",
        "hold_release",
        "unit_disposition",
        "unit_repair",
        "unit_ship",
        "lot_receive",
        "lot_release",
        "operation_abort",
        "correction_release",
        "record_correct",
    },
    "process": {"plant_read", "hold_place", "correction_release", "job_dispatch"},
    "maintenance": {"plant_read", "hold_place", "equipment_maintain", "operation_abort", "unit_repair"},
    "planner": {"plant_read", "lot_receive", "order_manage", "unit_ship", "job_dispatch"},
    "auditor": {"plant_read", "people_read", "audit_read"},
    "admin": {"plant_read", "operation_abort", "people_read", "people_manage", "audit_read"},
    "partner": set[str](),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_permits_what_the_table_says(role: str) -> None:
    assert permissions_of((role,)) == TABLE[role] | ALWAYS


def test_every_permission_is_given_to_somebody() -> None:
    assert not [each for each in Permission if each not in ALWAYS and not roles_with(each)]


def test_an_admin_cannot_lift_holds() -> None:
    assert roles_with(Permission.HOLD_RELEASE) == ("quality",)


def test_the_gate_asks_for_the_same_roles() -> None:
    assert roles_with(Permission.HOLD_RELEASE) == SIGNING_ROLES
    assert roles_with(Permission.RECORD_CORRECT) == SIGNING_ROLES
    assert roles_with(Permission.OPERATION_ABORT) == ABORTING_ROLES
    assert roles_with(Permission.UNIT_REPAIR) == REPAIRING_ROLES


def test_an_auditor_changes_nothing() -> None:
    assert all(each.endswith("_read") for each in permissions_of(("auditor",)) - ALWAYS)


def test_roles_add_up_and_an_unknown_one_adds_nothing() -> None:
    both = permissions_of(("admin", "quality", "emperor"))
    assert both == permissions_of(("admin",)) | permissions_of(("quality",))


def test_no_token_can_manage_people_or_accounts() -> None:
    assert not GRANTABLE & {Permission.PEOPLE_MANAGE, Permission.ACCOUNT, Permission.PUBLIC, Permission.SELF}
