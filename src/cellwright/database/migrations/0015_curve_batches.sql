-- Batches of tests: which cells a cycler tested together in one operation, on which channels, and what stands out.

CREATE TABLE curve_batch (
    batch bigint NOT NULL REFERENCES telemetry_batch (number),
    operation text NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint NOT NULL,
    units bigint[] NOT NULL,
    attempts smallint[] NOT NULL,
    channels text[] NOT NULL,
    faults text[] NOT NULL,
    discharge_ratios double precision[] NOT NULL,
    onset_ohms double precision[] NOT NULL,
    faults_count integer NOT NULL,
    outliers_count integer NOT NULL,
    unknown_count integer NOT NULL,
    outliers json NOT NULL,
    method text NOT NULL,
    PRIMARY KEY (batch, operation),
    CHECK (cardinality(units) > 0 AND cardinality(units) = cardinality(attempts)
           AND cardinality(units) = cardinality(channels) AND cardinality(units) = cardinality(faults)
           AND cardinality(units) = cardinality(discharge_ratios) AND cardinality(units) = cardinality(onset_ohms))
);
CREATE INDEX curve_batch_newest ON curve_batch (start_us DESC, batch DESC);
CREATE INDEX curve_batch_of_operation ON curve_batch (operation, start_us DESC, batch DESC);
CREATE INDEX curve_batch_units ON curve_batch USING gin (units);
COMMENT ON TABLE curve_batch IS 'The tests of one operation in one batch of curves, by column, and what an analysis (method: its name and version) made of them together; NULL = unknown.';
