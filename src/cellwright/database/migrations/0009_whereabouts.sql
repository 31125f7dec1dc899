-- Where units were at any time: in which parent, in which vehicle, with which partner; and the codes given on the way.

CREATE INDEX unit_member_past ON unit_member (parent, from_us) WHERE to_us <> 0;
COMMENT ON TABLE unit_member IS 'A unit was in a slot of its parent from from_us to to_us (UTC us; 0 = still). Intervals of a unit, and of a slot, never overlap.';

CREATE TABLE installation (
    pack bigint NOT NULL,
    from_us bigint NOT NULL,
    vehicle text NOT NULL,
    position text NOT NULL,
    to_us bigint NOT NULL CHECK (to_us = 0 OR to_us > from_us),
    PRIMARY KEY (pack, from_us)
);
CREATE UNIQUE INDEX installation_once ON installation (pack) WHERE to_us = 0;
CREATE UNIQUE INDEX installation_place ON installation (vehicle, position) WHERE to_us = 0;
CREATE INDEX installation_vehicle ON installation (vehicle, from_us);
COMMENT ON TABLE installation IS 'A pack was in a vehicle, at a position ("" = its only one), from from_us to to_us (UTC us; 0 = still).';

CREATE TABLE shipment (
    unit bigint NOT NULL,
    from_us bigint NOT NULL,
    partner text NOT NULL,
    reference text NOT NULL,
    to_us bigint NOT NULL CHECK (to_us = 0 OR to_us > from_us),
    PRIMARY KEY (unit, from_us)
);
CREATE UNIQUE INDEX shipment_once ON shipment (unit) WHERE to_us = 0;
CREATE INDEX shipment_partner ON shipment (partner, from_us);
COMMENT ON TABLE shipment IS 'A unit was with a partner from from_us to to_us (UTC us; 0 = still).';

CREATE TABLE given_code (
    code text PRIMARY KEY,
    unit bigint NOT NULL,
    from_us bigint NOT NULL
);
CREATE INDEX given_code_unit ON given_code (unit);
COMMENT ON TABLE given_code IS 'Printed codes that units got beside their own, for second use; a code names one thing for ever.';
