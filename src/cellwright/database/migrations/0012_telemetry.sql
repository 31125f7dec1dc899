-- Samples: batches as they came, the manifest of the files they were sealed into, last values, features of steps.

CREATE TABLE telemetry_store (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    dropped_samples bigint NOT NULL DEFAULT 0,
    dropped_curves bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE telemetry_store IS 'Which folder belongs to this database, and how many rows were dropped for their age.';

CREATE TABLE signal (
    channel integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    unit text NOT NULL,
    scale double precision NOT NULL CHECK (scale > 0 AND scale < 'Infinity'),
    "offset" double precision NOT NULL,
    UNIQUE (name, scale, "offset")
);
COMMENT ON TABLE signal IS 'A signal whose resolution changes gets another channel; both are read under its name.';

CREATE TABLE telemetry_batch (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('samples', 'curves')),
    row_count bigint NOT NULL CHECK (row_count > 0),
    payload_sha256 bytea NOT NULL,
    UNIQUE (source, epoch, seq)
);
COMMENT ON TABLE telemetry_batch IS 'Every batch that was ever accepted, for ever: a repeat is known by it.';

CREATE TABLE telemetry_fresh (
    batch bigint PRIMARY KEY REFERENCES telemetry_batch,
    kind text NOT NULL,
    row_count bigint NOT NULL,
    key_min bigint NOT NULL,
    key_max bigint NOT NULL,
    time_min_us bigint NOT NULL,
    time_max_us bigint NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    data bytea NOT NULL
);
-- Compressed already.
ALTER TABLE telemetry_fresh ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE telemetry_fresh IS 'Batches that are in no segment yet. A batch is here or in a segment, never both, never neither.';

CREATE TABLE telemetry_segment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    level smallint NOT NULL,
    path text NOT NULL UNIQUE,
    schema smallint NOT NULL,
    key_min bigint NOT NULL,
    key_max bigint NOT NULL,
    time_min_us bigint NOT NULL,
    time_max_us bigint NOT NULL,
    batch_min bigint NOT NULL,
    batch_max bigint NOT NULL,
    row_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    sha256 bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX telemetry_segment_reach ON telemetry_segment
    USING gist (int8range(key_min, key_max, '[]'), int8range(time_min_us, time_max_us, '[]'));
COMMENT ON TABLE telemetry_segment IS 'The manifest: the only way to find files. Keys are channels of samples, units of curves.';

CREATE TABLE telemetry_last (
    channel integer PRIMARY KEY REFERENCES signal,
    time_us bigint NOT NULL,
    count bigint NOT NULL,
    state smallint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE telemetry_last IS 'Newest sample of each channel among the sealed ones; fresh batches are looked at besides.';

CREATE TABLE step_feature (
    unit bigint NOT NULL,
    operation text NOT NULL,
    attempt smallint NOT NULL,
    step smallint NOT NULL,
    names text[] NOT NULL,
    "values" double precision[] NOT NULL,
    method text NOT NULL,
    PRIMARY KEY (unit, operation, attempt, step),
    CHECK (cardinality(names) = cardinality("values"))
);
COMMENT ON TABLE step_feature IS 'What an analysis (method: its name and version) made of a step of a curve; NULL = unknown. Names end in their unit.';
