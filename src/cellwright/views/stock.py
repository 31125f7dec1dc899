"""Stock: lots, and what stands at the material positions of stations."""

from cellwright.rules.state import LoadingRow, LotRow
from cellwright.views.stored import Stored

LOTS = Stored(
    LotRow,
    "lot",
    (
        "id",
        "code",
        "material",
        "measure",
        "quantity",
        "remaining",
        "loaded",
        "status",
        "station",
        "supplier",
        "certificate_sha256",
        "expires_us",
        "made_us",
        "holds",
        "cursor",
        "recall",
    ),
    """
    INSERT INTO lot (id, code, material, measure, quantity, remaining, loaded, status, station, supplier,
                     certificate_sha256, expires_us, made_us, holds, cursor, recall)
    SELECT *
    FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::smallint[], $15::bigint[],
                $16::text[])
    ON CONFLICT (id) DO UPDATE
    SET quantity = excluded.quantity, remaining = excluded.remaining, loaded = excluded.loaded,
        status = excluded.status, station = excluded.station, certificate_sha256 = excluded.certificate_sha256,
        expires_us = excluded.expires_us, made_us = excluded.made_us, holds = excluded.holds, cursor = excluded.cursor,
        recall = excluded.recall
    """,
)

LOADINGS = Stored(
    LoadingRow,
    "loading",
    ("station", "position", "lot", "remaining", "reserved", "consumed_to", "run_a", "run_layer"),
    """
    INSERT INTO loading (station, position, lot, remaining, reserved, consumed_to, run_a, run_layer)
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::smallint[])
    ON CONFLICT (station, position) DO UPDATE
    SET lot = excluded.lot, remaining = excluded.remaining, reserved = excluded.reserved,
        consumed_to = excluded.consumed_to, run_a = excluded.run_a, run_layer = excluded.run_layer
    """,
)
