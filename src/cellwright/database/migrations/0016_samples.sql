-- Sample plans: what was made since the last good sample of an operation, and every sample that was destroyed.

CREATE TABLE sample_stand (
    station text NOT NULL,
    operation text NOT NULL,
    units bigint[] NOT NULL,
    times_us bigint[] NOT NULL,
    good_us bigint NOT NULL,
    tools text[] NOT NULL,
    tool_counts bigint[] NOT NULL,
    is_failed boolean NOT NULL,
    PRIMARY KEY (station, operation),
    CHECK (cardinality(units) = cardinality(times_us)),
    CHECK (cardinality(tools) = cardinality(tool_counts))
);
COMMENT ON TABLE sample_stand IS 'An operation at a station since its last sample; good_us 0 = there was no good one yet.';

CREATE TABLE sample (
    id bigint PRIMARY KEY,
    station text NOT NULL,
    operation text NOT NULL,
    characteristic text NOT NULL,
    "values" float8[] NOT NULL,
    modes text[] NOT NULL,
    is_good boolean NOT NULL,
    units bigint[] NOT NULL,
    "of" bigint[] NOT NULL,
    hold bigint NOT NULL,
    lower float8,
    upper float8,
    recorded_us bigint NOT NULL,
    recorded_by text NOT NULL,
    person text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX sample_station ON sample (station, id);
CREATE INDEX sample_units ON sample USING gin (units);
COMMENT ON TABLE sample IS 'Samples that were destroyed, and the units that each speaks for.';
