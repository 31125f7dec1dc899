-- Views for people: folded from the journal behind one cursor (`people`), a page of facts in one transaction.
-- What a page adds does not depend on where pages begin and end, so folding anew gives the same rows.

-- The yields had a cursor of their own; with the others they begin again at the first fact.
DELETE FROM yield_tally;
DELETE FROM outbox_cursor WHERE consumer = 'yields';

CREATE TABLE journal_tally (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    facts_count bigint NOT NULL,
    last_fact_us bigint NOT NULL
);
COMMENT ON TABLE journal_tally IS 'One row: how many facts were folded, and when the last of them was recorded.';

CREATE TABLE unit_span (
    id_from bigint PRIMARY KEY,
    id_to bigint NOT NULL CHECK (id_from < id_to),
    kind text NOT NULL,
    product text NOT NULL,
    route integer NOT NULL,
    work_order text NOT NULL
);
CREATE INDEX unit_span_order ON unit_span (work_order, id_from);
COMMENT ON TABLE unit_span IS 'Units [id_from, id_to) are of one kind, product, route revision and work order ("" = made for none).';

CREATE TABLE order_want (
    work_order text PRIMARY KEY,
    position bigint NOT NULL,
    product text NOT NULL,
    quantity bigint NOT NULL,
    started_count bigint NOT NULL,
    scrapped_count bigint NOT NULL
);
COMMENT ON TABLE order_want IS 'Open orders: each wants units until its quantity were started and not scrapped, the oldest first.';

CREATE TABLE order_tally (
    work_order text NOT NULL,
    product text NOT NULL,
    started_count bigint NOT NULL,
    good_count bigint NOT NULL,
    scrapped_count bigint NOT NULL,
    first_us bigint NOT NULL,
    last_us bigint NOT NULL,
    PRIMARY KEY (work_order, product)
);
COMMENT ON TABLE order_tally IS 'What was made for an order; "" = for none.';

-- Where units stand.

CREATE TABLE unit_waiting (
    id_from bigint PRIMARY KEY,
    id_to bigint NOT NULL CHECK (id_from < id_to),
    product text NOT NULL,
    operation text NOT NULL,
    since_us bigint NOT NULL
);
-- Rows come and go quickly; the oldest is found behind those that went.
ALTER TABLE unit_waiting SET (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX unit_waiting_since ON unit_waiting (product, operation, since_us);
COMMENT ON TABLE unit_waiting IS 'Units [id_from, id_to) wait for an operation since the same fact; "" = finished and member of nothing yet.';

CREATE TABLE buffer (
    product text NOT NULL,
    operation text NOT NULL,
    waiting_count bigint NOT NULL,
    PRIMARY KEY (product, operation)
);

CREATE TABLE unit_tally (
    kind text NOT NULL,
    status text NOT NULL,
    units_count bigint NOT NULL,
    PRIMARY KEY (kind, status)
);

-- What happened to units and lots.

CREATE TABLE history (
    position bigint PRIMARY KEY,
    kind text NOT NULL,
    station text NOT NULL,
    operation text NOT NULL,
    time_us bigint NOT NULL,
    units bigint[] NOT NULL,
    lots bigint[] NOT NULL
);
CREATE INDEX history_units ON history USING gin (units);
CREATE INDEX history_lots ON history USING gin (lots);
COMMENT ON TABLE history IS 'Which units and lots a fact touched; what it says of them stands in the journal.';

-- Stations and refusals.

CREATE TABLE station_state (
    station text PRIMARY KEY,
    operation text NOT NULL,
    running json NOT NULL,
    cycles_s double precision[] NOT NULL,
    ok_count bigint NOT NULL,
    ng_count bigint NOT NULL,
    refused_count bigint NOT NULL,
    refused_position bigint NOT NULL,
    refused_code text NOT NULL,
    last_fact_us bigint NOT NULL,
    units json NOT NULL
);

CREATE TABLE refusal (
    position bigint PRIMARY KEY,
    station text NOT NULL,
    time_us bigint NOT NULL,
    command text NOT NULL,
    codes text[] NOT NULL,
    named text[] NOT NULL
);
CREATE INDEX refusal_station ON refusal (station, position);
CREATE INDEX refusal_time ON refusal (time_us, position);
CREATE INDEX refusal_named ON refusal USING gin (named);
COMMENT ON TABLE refusal IS 'Refused commands; `named` are the printed codes that their reasons speak of. The reasons stand in the journal.';

CREATE TABLE refusal_code (
    code text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (code, position)
);

CREATE TABLE refusal_tally (
    code text PRIMARY KEY,
    refused_count bigint NOT NULL
);

-- Output and losses.

CREATE TABLE output_hour (
    hour_us bigint NOT NULL,
    kind text NOT NULL,
    started_count bigint NOT NULL,
    finished_count bigint NOT NULL,
    scrapped_count bigint NOT NULL,
    PRIMARY KEY (hour_us, kind)
);

CREATE TABLE loss_tally (
    operation text NOT NULL,
    defect text NOT NULL,
    first_lost_count bigint NOT NULL,
    PRIMARY KEY (operation, defect)
);
COMMENT ON TABLE loss_tally IS 'Units (or lots) that were not good at their first attempt, by what was found.';
