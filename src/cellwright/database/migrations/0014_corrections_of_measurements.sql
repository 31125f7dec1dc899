-- What gauges add to what they measure, as released: values reported afterwards are corrected by the newest version.

CREATE TABLE correction (
    id bigint PRIMARY KEY,
    station text NOT NULL,
    operation text NOT NULL,
    characteristic text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    effects json NOT NULL,
    released_us bigint NOT NULL,
    released_by text NOT NULL,
    UNIQUE (station, operation, characteristic, version)
);
COMMENT ON TABLE correction IS 'Effects of a station''s gauges on a characteristic, by version; they never change.';
