-- Corrections: what is believed now stays where every question looks for it, what was believed before goes aside.

CREATE TABLE record_correction (
    id bigint PRIMARY KEY,
    subject text NOT NULL,
    reason text NOT NULL,
    corrected_us bigint NOT NULL,
    corrected_by text NOT NULL,
    second_person text NOT NULL,
    CONSTRAINT record_correction_signed_by_two CHECK (corrected_by <> second_person)
);

ALTER TABLE load_run ADD COLUMN correction bigint NOT NULL DEFAULT 0;
ALTER TABLE lot_part ADD COLUMN correction bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN load_run.correction IS 'The correction that said so; 0 = it was reported like this.';
COMMENT ON COLUMN lot_part.correction IS 'The correction that said so; 0 = it was reported like this.';

CREATE TABLE superseded_run (
    kind text NOT NULL,
    layer smallint NOT NULL,
    a bigint NOT NULL,
    superseded_by bigint NOT NULL REFERENCES record_correction,
    b bigint NOT NULL,
    lot bigint NOT NULL REFERENCES lot,
    pos_a bigint NOT NULL,
    pos_b bigint NOT NULL,
    tolerance bigint NOT NULL,
    station text NOT NULL,
    from_us bigint NOT NULL,
    to_us bigint NOT NULL,
    correction bigint NOT NULL,
    PRIMARY KEY (kind, layer, a, superseded_by),
    CHECK (a <= b AND pos_a <= pos_b)
);
CREATE INDEX superseded_run_lot ON superseded_run (lot);
COMMENT ON TABLE superseded_run IS 'What was believed of units a..b until a correction. What was known at a time: rows here that a later correction ended, and rows of load_run, of both those that no later correction said.';

CREATE TABLE superseded_part (
    child bigint NOT NULL REFERENCES lot,
    number smallint NOT NULL,
    superseded_by bigint NOT NULL REFERENCES record_correction,
    parent bigint NOT NULL REFERENCES lot,
    parent_start bigint NOT NULL,
    parent_end bigint NOT NULL,
    child_start bigint NOT NULL,
    child_end bigint NOT NULL,
    lane smallint NOT NULL,
    reversed boolean NOT NULL,
    tolerance bigint NOT NULL,
    correction bigint NOT NULL,
    PRIMARY KEY (child, number, superseded_by)
);
CREATE INDEX superseded_part_parent ON superseded_part (parent);
COMMENT ON TABLE superseded_part IS 'What was believed of a part of a lot until a correction, as in superseded_run.';
