-- What was measured along lots, and the flaws seen on them: views for people, folded with the others behind one cursor.
-- Facts from before have neither, so nothing has to be folded anew.

CREATE TABLE lot_profile (
    lot bigint NOT NULL,
    characteristic text NOT NULL,
    lane smallint NOT NULL,
    operation text NOT NULL,
    pos_a bigint NOT NULL,
    step bigint NOT NULL CHECK (step > 0),
    "values" double precision[] NOT NULL,
    PRIMARY KEY (lot, characteristic, lane)
);
-- Noise does not compress: not trying saves the time, and a value is read as it lies.
ALTER TABLE lot_profile ALTER COLUMN "values" SET STORAGE EXTERNAL;
COMMENT ON TABLE lot_profile IS 'Value k of a characteristic holds for [pos_a + k * step, pos_a + (k + 1) * step) of a lot, NULL = not measured; lane 0 = the whole width.';

CREATE TABLE lot_mark (
    lot bigint NOT NULL,
    number integer NOT NULL,
    operation text NOT NULL,
    defect text NOT NULL,
    pos_a bigint NOT NULL,
    pos_b bigint NOT NULL CHECK (pos_a < pos_b),
    lane smallint NOT NULL,
    PRIMARY KEY (lot, number)
);
COMMENT ON TABLE lot_mark IS 'A defect was seen on [pos_a, pos_b) of a lot; lane 0 = the whole width.';
