-- The journal: what was asked, what was answered, what was decided. Append-only.

CREATE TABLE gate_head (
    site text PRIMARY KEY,
    version bigint NOT NULL
);
CREATE UNIQUE INDEX gate_head_one ON gate_head ((true));
COMMENT ON TABLE gate_head IS 'One row: a database holds one site. Every batch of a gate moves its version by compare-and-set, so two gates cannot decide on the same state.';

CREATE FUNCTION move_head(site_of_gate text, version_seen bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    version_moved bigint;
BEGIN
    UPDATE gate_head SET version = version + 1
    WHERE site = site_of_gate AND version = version_seen
    RETURNING version INTO version_moved;
    IF version_moved IS NULL THEN
        RAISE EXCEPTION 'another gate wrote since version % of %', version_seen, site_of_gate
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN version_moved;
END
$$;

CREATE TABLE inbox (
    source text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    payload_sha256 bytea NOT NULL,
    answer json NOT NULL,
    recorded_us bigint NOT NULL,
    PRIMARY KEY (source, epoch, seq)
);
COMMENT ON TABLE inbox IS 'The stored answer of every command; a repeat gets it again.';

CREATE TABLE fact (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    source text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    part smallint NOT NULL,
    kind text NOT NULL,
    version smallint NOT NULL,
    time_us bigint NOT NULL,
    recorded_us bigint NOT NULL,
    actor text NOT NULL,
    body json NOT NULL,
    UNIQUE (source, epoch, seq, part)
);
CREATE INDEX fact_kind_position ON fact (kind, position);
COMMENT ON TABLE fact IS 'The journal. Readers take rows with xid < pg_snapshot_xmin(pg_current_snapshot()), ordered by position, so that none is skipped.';

CREATE TABLE outbox_cursor (
    consumer text PRIMARY KEY,
    position bigint NOT NULL
);
COMMENT ON TABLE outbox_cursor IS 'How far each consumer of the journal has come.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER fact_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER inbox_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inbox
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Inline views: the state that the next decision reads. Rebuilt from the journal by `cellwright rebuild`.

CREATE TABLE counter (
    name text PRIMARY KEY,
    value bigint NOT NULL CHECK (value >= 0)
);

CREATE TABLE route (
    id integer PRIMARY KEY,
    code text NOT NULL,
    revision integer NOT NULL,
    product text NOT NULL,
    operations json NOT NULL,
    UNIQUE (code, revision)
);

CREATE TABLE unit_block (
    prefix text NOT NULL,
    serial_from bigint NOT NULL,
    id_from bigint NOT NULL UNIQUE,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (prefix, serial_from)
);
COMMENT ON TABLE unit_block IS 'Printed codes are arithmetic on a block of dense ids; no index over codes exists.';

CREATE TABLE unit (
    id bigint PRIMARY KEY,
    kind text NOT NULL,
    product text NOT NULL,
    route integer NOT NULL REFERENCES route,
    step smallint NOT NULL CHECK (step >= 0),
    status text NOT NULL,
    station text NOT NULL,
    completed_us bigint[] NOT NULL,
    attempts smallint[] NOT NULL,
    grade text NOT NULL,
    holds smallint NOT NULL CHECK (holds >= 0),
    carrier text NOT NULL,
    slot smallint NOT NULL,
    parent bigint NOT NULL,
    CONSTRAINT unit_claimed_by_one CHECK ((status IN ('running', 'reserved')) = (station <> '')),
    CONSTRAINT unit_member_has_parent CHECK (status <> 'assembled' OR parent <> 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE unit IS 'Its only index is over what never changes, so that every update stays within its page.';

CREATE TABLE carrier (
    code text PRIMARY KEY,
    slots bigint[] NOT NULL
);

CREATE TABLE lot (
    id bigint PRIMARY KEY,
    code text NOT NULL UNIQUE,
    material text NOT NULL,
    measure text NOT NULL,
    quantity bigint NOT NULL,
    remaining bigint NOT NULL,
    loaded bigint NOT NULL,
    status text NOT NULL,
    station text NOT NULL,
    supplier text NOT NULL,
    certificate_sha256 text NOT NULL,
    expires_us bigint NOT NULL,
    made_us bigint NOT NULL,
    holds smallint NOT NULL CHECK (holds >= 0),
    cursor bigint NOT NULL,
    CONSTRAINT lot_never_overdrawn CHECK (remaining >= 0 AND loaded >= 0 AND remaining + loaded <= quantity)
);
CREATE INDEX lot_material ON lot (material, id);

CREATE TABLE loading (
    station text NOT NULL,
    position text NOT NULL,
    lot bigint NOT NULL,
    remaining bigint NOT NULL,
    reserved bigint NOT NULL,
    consumed_to bigint NOT NULL,
    run_a bigint NOT NULL,
    run_layer smallint NOT NULL,
    PRIMARY KEY (station, position),
    CONSTRAINT loading_never_overdrawn CHECK (remaining >= 0 AND reserved >= 0)
);

-- Genealogy: intervals, not edges.

CREATE TABLE load_run (
    kind text NOT NULL,
    layer smallint NOT NULL,
    a bigint NOT NULL,
    b bigint NOT NULL,
    lot bigint NOT NULL REFERENCES lot,
    pos_a bigint NOT NULL,
    pos_b bigint NOT NULL,
    tolerance bigint NOT NULL,
    slope_low double precision NOT NULL,
    slope_high double precision NOT NULL,
    station text NOT NULL,
    from_us bigint NOT NULL,
    to_us bigint NOT NULL,
    PRIMARY KEY (kind, layer, a),
    CHECK (a <= b AND pos_a <= pos_b)
);
CREATE INDEX load_run_lot ON load_run (lot, kind, layer, a) INCLUDE (b, pos_a, pos_b);
COMMENT ON TABLE load_run IS 'Units a..b took [pos_a, pos_b) of a lot evenly, each within the tolerance; one row per run, not per unit.';

CREATE TABLE lot_part (
    child bigint NOT NULL REFERENCES lot,
    number smallint NOT NULL,
    parent bigint NOT NULL REFERENCES lot,
    parent_start bigint NOT NULL,
    parent_end bigint NOT NULL,
    child_start bigint NOT NULL,
    child_end bigint NOT NULL,
    lane smallint NOT NULL,
    reversed boolean NOT NULL,
    tolerance bigint NOT NULL,
    PRIMARY KEY (child, number)
);
CREATE INDEX lot_part_parent ON lot_part (parent, parent_start) INCLUDE (child, parent_end);

CREATE TABLE unit_member (
    unit bigint NOT NULL,
    from_us bigint NOT NULL,
    parent bigint NOT NULL,
    slot smallint NOT NULL,
    to_us bigint NOT NULL,
    PRIMARY KEY (unit, from_us)
);
CREATE UNIQUE INDEX unit_member_once ON unit_member (unit) WHERE to_us = 0;
CREATE UNIQUE INDEX unit_member_slot ON unit_member (parent, slot) WHERE to_us = 0;

CREATE TABLE assembly (
    id bigint PRIMARY KEY,
    members bigint[] NOT NULL
);

-- Holds, tools, calibrations, people.

CREATE TABLE hold (
    id bigint PRIMARY KEY,
    subject text NOT NULL,
    subjects bigint[] NOT NULL,
    reason text NOT NULL,
    placed_us bigint NOT NULL,
    placed_by text NOT NULL,
    released_us bigint NOT NULL,
    released_by text NOT NULL,
    second_person text NOT NULL,
    CONSTRAINT hold_lifted_by_two CHECK (released_us = 0 OR released_by <> second_person)
);

CREATE TABLE tool (
    station text NOT NULL,
    tool text NOT NULL,
    used_count bigint NOT NULL,
    PRIMARY KEY (station, tool)
);

CREATE TABLE calibration (
    station text PRIMARY KEY,
    valid_until_us bigint NOT NULL,
    certificate_sha256 text NOT NULL
);

CREATE TABLE person (
    person text PRIMARY KEY,
    roles text[] NOT NULL,
    disabled boolean NOT NULL
);

CREATE TABLE qualification (
    person text NOT NULL REFERENCES person,
    qualification text NOT NULL,
    valid_until_us bigint NOT NULL,
    PRIMARY KEY (person, qualification)
);

-- A view for people, behind a cursor.

CREATE TABLE yield_tally (
    operation text PRIMARY KEY,
    first_count bigint NOT NULL,
    first_good_count bigint NOT NULL,
    done_count bigint NOT NULL,
    good_count bigint NOT NULL
);
