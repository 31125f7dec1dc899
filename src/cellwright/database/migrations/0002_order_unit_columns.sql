-- What never or rarely changes comes first in a unit's row, what each operation changes last and together: the log of
-- an update holds the bytes from the first changed one to the last.

CREATE TABLE unit_ordered (
    id bigint PRIMARY KEY,
    parent bigint NOT NULL,
    route integer NOT NULL REFERENCES route,
    holds smallint NOT NULL CHECK (holds >= 0),
    slot smallint NOT NULL,
    kind text NOT NULL,
    product text NOT NULL,
    carrier text NOT NULL,
    grade text NOT NULL,
    step smallint NOT NULL CHECK (step >= 0),
    status text NOT NULL,
    station text NOT NULL,
    attempts smallint[] NOT NULL,
    completed_us bigint[] NOT NULL,
    CONSTRAINT unit_claimed_by_one CHECK ((status IN ('running', 'reserved')) = (station <> '')),
    CONSTRAINT unit_member_has_parent CHECK (status <> 'assembled' OR parent <> 0)
) WITH (fillfactor = 50);

INSERT INTO unit_ordered (id, parent, route, holds, slot, kind, product, carrier, grade, step, status, station,
                          attempts, completed_us)
SELECT id, parent, route, holds, slot, kind, product, carrier, grade, step, status, station, attempts, completed_us
FROM unit;

DROP TABLE unit;
ALTER TABLE unit_ordered RENAME TO unit;
ALTER INDEX unit_ordered_pkey RENAME TO unit_pkey;
ALTER TABLE unit RENAME CONSTRAINT unit_ordered_route_fkey TO unit_route_fkey;
ALTER TABLE unit RENAME CONSTRAINT unit_ordered_holds_check TO unit_holds_check;
ALTER TABLE unit RENAME CONSTRAINT unit_ordered_step_check TO unit_step_check;
COMMENT ON TABLE unit IS 'Its only index is over what never changes, so that every update stays within its page.';
