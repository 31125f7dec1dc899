-- Dispatching: what stations of a line that runs by itself are to do, what that reserves, and calls for somebody.

CREATE TABLE job (
    code text PRIMARY KEY,
    station text NOT NULL,
    operation text NOT NULL,
    units bigint[] NOT NULL,
    members bigint[] NOT NULL,
    serves text NOT NULL,
    work_order text NOT NULL,
    digest text NOT NULL,
    ordered_digest text NOT NULL,
    state text NOT NULL,
    made bigint[] NOT NULL,
    dispatched_us bigint NOT NULL,
    proved_us bigint NOT NULL,
    started_us bigint NOT NULL,
    ended_us bigint NOT NULL CHECK ((ended_us <> 0) = (state IN ('ended', 'aborted'))),
    reason text NOT NULL
);
CREATE INDEX job_open ON job (station, dispatched_us) WHERE ended_us = 0;
CREATE INDEX job_order ON job (work_order, dispatched_us) WHERE work_order <> '';
COMMENT ON TABLE job IS 'Job orders; members of one that is not over are reserved for it. operation "" = only bring units together.';

CREATE TABLE call (
    code text PRIMARY KEY,
    station text NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    raised_us bigint NOT NULL,
    raised_by text NOT NULL,
    cleared_us bigint NOT NULL CHECK (cleared_us = 0 OR cleared_us >= raised_us),
    cleared_by text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX call_open ON call (station, raised_us) WHERE cleared_us = 0;
COMMENT ON TABLE call IS 'Calls of stations for somebody; cleared_us 0 = still open.';
