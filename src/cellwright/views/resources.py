"""What work depends on besides material: holds, tools, calibrations, people, orders."""

from cellwright.rules.dated import OrderRow
from cellwright.rules.state import CalibrationRow, HoldRow, PersonRow, QualificationRow, ToolRow
from cellwright.views.stored import Stored

HOLDS = Stored(
    HoldRow,
    "hold",
    (
        "id",
        "subject",
        "subjects",
        "reason",
        "placed_us",
        "placed_by",
        "released_us",
        "released_by",
        "second_person",
        "recall",
    ),
    """
    INSERT INTO hold (id, subject, subjects, reason, placed_us, placed_by, released_us, released_by, second_person,
                      recall)
    SELECT id, subject, subjects::bigint[], reason, placed_us, placed_by, released_us, released_by, second_person, recall
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
                $9::text[], $10::text[])
         AS n (id, subject, subjects, reason, placed_us, placed_by, released_us, released_by, second_person, recall)
    ON CONFLICT (id) DO UPDATE
    SET released_us = excluded.released_us, released_by = excluded.released_by, second_person = excluded.second_person
    """,
)

TOOLS = Stored(
    ToolRow,
    "tool",
    ("station", "tool", "used_count"),
    """
    INSERT INTO tool (station, tool, used_count)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
    ON CONFLICT (station, tool) DO UPDATE SET used_count = excluded.used_count
    """,
)

CALIBRATIONS = Stored(
    CalibrationRow,
    "calibration",
    ("station", "valid_until_us", "certificate_sha256"),
    """
    INSERT INTO calibration (station, valid_until_us, certificate_sha256)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
    ON CONFLICT (station) DO UPDATE
    SET valid_until_us = excluded.valid_until_us, certificate_sha256 = excluded.certificate_sha256
    """,
)

PERSONS = Stored(
    PersonRow,
    "person",
    ("person", "roles", "disabled"),
    """
    INSERT INTO person (person, roles, disabled)
    SELECT person, roles::text[], disabled FROM unnest($1::text[], $2::text[], $3::boolean[])
           AS n (person, roles, disabled)
    ON CONFLICT (person) DO UPDATE SET roles = excluded.roles, disabled = excluded.disabled
    """,
)

QUALIFICATIONS = Stored(
    QualificationRow,
    "qualification",
    ("person", "qualification", "valid_until_us"),
    """
    INSERT INTO qualification (person, qualification, valid_until_us)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
    ON CONFLICT (person, qualification) DO UPDATE SET valid_until_us = excluded.valid_until_us
    """,
)

ORDERS = Stored(
    OrderRow,
    "work_order",
    ("code", "product", "quantity", "due_us", "released_us", "released_by", "closed_us", "closed_by", "reason"),
    """
    INSERT INTO work_order (code, product, quantity, due_us, released_us, released_by, closed_us, closed_by, reason)
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
                $8::text[], $9::text[])
    ON CONFLICT (code) DO UPDATE
    SET closed_us = excluded.closed_us, closed_by = excluded.closed_by, reason = excluded.reason
    """,
)
