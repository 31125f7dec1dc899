"""Job orders of lines that run by themselves, and calls for somebody, as rows."""

from cellwright.rules.job_rows import CallRow, JobRow
from cellwright.views.stored import Stored

JOBS = Stored(
    JobRow,
    "job",
    (
        "code",
        "station",
        "operation",
        "units",
        "members",
        "serves",
        "work_order",
        "digest",
        "ordered_digest",
        "state",
        "made",
        "dispatched_us",
        "proved_us",
        "started_us",
        "ended_us",
        "reason",
    ),
    """
    INSERT INTO job (code, station, operation, units, members, serves, work_order, digest, ordered_digest, state, made,
                     dispatched_us, proved_us, started_us, ended_us, reason)
    SELECT code, station, operation, units::bigint[], members::bigint[], serves, work_order, digest,
           ordered_digest, state, made::bigint[], dispatched_us, proved_us, started_us, ended_us, reason
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                $16::text[])
         AS n (code, station, operation, units, members, serves, work_order, digest, ordered_digest, state, made,
               dispatched_us, proved_us, started_us, ended_us, reason)
    ON CONFLICT (code) DO UPDATE
    SET members = excluded.members, digest = excluded.digest, state = excluded.state, made = excluded.made,
        proved_us = excluded.proved_us, started_us = excluded.started_us, ended_us = excluded.ended_us,
        reason = excluded.reason
    """,
)

CALLS = Stored(
    CallRow,
    "call",
    ("code", "station", "kind", "text", "raised_us", "raised_by", "cleared_us", "cleared_by", "reason"),
    """
    INSERT INTO call (code, station, kind, text, raised_us, raised_by, cleared_us, cleared_by, reason)
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
                $9::text[])
    ON CONFLICT (code) DO UPDATE
    SET cleared_us = excluded.cleared_us, cleared_by = excluded.cleared_by, reason = excluded.reason
    """,
)
