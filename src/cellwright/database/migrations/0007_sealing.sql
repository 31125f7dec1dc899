-- Sealed units: what nobody works on any more, packed 1,024 consecutive ids a row. A unit is either here or in `unit`,
-- never in both; a command that names a sealed one puts it back first. `cellwright seal` fills these tables.

CREATE TABLE sealed_profile (
    number smallint PRIMARY KEY,
    kind text NOT NULL,
    product text NOT NULL,
    route integer NOT NULL REFERENCES route,
    step smallint NOT NULL,
    status text NOT NULL,
    grade text NOT NULL,
    UNIQUE (kind, product, route, step, status, grade)
);
COMMENT ON TABLE sealed_profile IS 'What sealed units have in common; each unit keeps the number of its profile.';

CREATE TABLE sealed_block (
    block bigint PRIMARY KEY,
    profiles smallint[] NOT NULL,
    places bytea NOT NULL CHECK (octet_length(places) = 1024)
);
ALTER TABLE sealed_block ALTER COLUMN places SET STORAGE EXTERNAL;
COMMENT ON TABLE sealed_block IS 'Units [1024 * block, 1024 * block + 1024): the place of each one''s profile in `profiles`, counted from 0; 255 = not sealed.';

CREATE TABLE sealed_member (
    block bigint NOT NULL,
    parent_base bigint NOT NULL,
    parents integer[] NOT NULL CHECK (cardinality(parents) = 1024),
    PRIMARY KEY (block, parent_base)
);
ALTER TABLE sealed_member ALTER COLUMN parents SET STORAGE EXTERNAL;
COMMENT ON TABLE sealed_member IS 'The parent of each unit of a block, less `parent_base`; -1 = none here. EXTERNAL, so that a slice is read without unpacking.';

CREATE TABLE sealed_assembly (
    id bigint NOT NULL,
    member_base bigint NOT NULL,
    from_us bigint NOT NULL,
    members integer[] NOT NULL,
    PRIMARY KEY (id, member_base)
);
COMMENT ON TABLE sealed_assembly IS 'The members of a unit by slot, less `member_base`; -1 = none of this base in the slot. All came in at `from_us`.';

CREATE TABLE unsealed_unit (
    id bigint PRIMARY KEY
);
COMMENT ON TABLE unsealed_unit IS 'Units that were sealed once and are rows again: a time or an attempt of 0 means that only the journal knows it.';

CREATE FUNCTION sealed_unit(wanted bigint)
RETURNS TABLE (id bigint, kind text, product text, route integer, step smallint, status text, grade text, parent bigint)
LANGUAGE sql STABLE AS $$
    SELECT wanted, p.kind, p.product, p.route, p.step, p.status, p.grade,
           coalesce((SELECT m.parent_base + m.parents[(wanted & 1023)::integer + 1] FROM sealed_member AS m
                     WHERE m.block = wanted >> 10 AND m.parents[(wanted & 1023)::integer + 1] >= 0), 0)
    FROM (SELECT profiles, get_byte(places, (wanted & 1023)::integer) AS place
          FROM sealed_block WHERE block = wanted >> 10) AS b
    JOIN sealed_profile AS p ON p.number = b.profiles[b.place + 1]
    WHERE b.place < 255
$$;

CREATE FUNCTION sealed_units(low bigint, high bigint)
RETURNS TABLE (id bigint, kind text, product text, route integer, step smallint, status text)
LANGUAGE sql STABLE AS $$
    SELECT (b.block << 10) + n.place, p.kind, p.product, p.route, p.step, p.status
    FROM sealed_block AS b
    CROSS JOIN generate_series(0, 1023) AS n (place)
    JOIN sealed_profile AS p ON p.number = b.profiles[get_byte(b.places, n.place) + 1]
    WHERE b.block BETWEEN low >> 10 AND high >> 10 AND (b.block << 10) + n.place BETWEEN low AND high
      AND get_byte(b.places, n.place) < 255
$$;
COMMENT ON FUNCTION sealed_units IS 'The sealed units of a range of ids.';

CREATE FUNCTION unit_kept(wanted bigint)
RETURNS TABLE (id bigint, kind text, product text, route integer, step smallint, status text, station text,
               grade text, holds smallint, carrier text, slot smallint, parent bigint, attempts smallint[],
               completed_us bigint[])
LANGUAGE sql STABLE AS $$
    SELECT u.id, u.kind, u.product, u.route, u.step, u.status, u.station, u.grade, u.holds, u.carrier, u.slot, u.parent,
           u.attempts, u.completed_us
    FROM unit AS u WHERE u.id = wanted
    UNION ALL
    SELECT s.id, s.kind, s.product, s.route, s.step, s.status, '', s.grade, 0::smallint, '', (-1)::smallint, s.parent,
           array_fill(0::smallint, ARRAY[json_array_length(r.operations)]),
           array_fill(0::bigint, ARRAY[json_array_length(r.operations)])
    FROM sealed_unit(wanted) AS s JOIN route AS r ON r.id = s.route
$$;
COMMENT ON FUNCTION unit_kept IS 'A unit, sealed or not. Of a sealed one, times and attempts stand in the journal only.';

CREATE FUNCTION members_kept(wanted bigint)
RETURNS TABLE (unit bigint, from_us bigint, parent bigint, slot smallint, to_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT m.unit, m.from_us, m.parent, m.slot, m.to_us FROM unit_member AS m WHERE m.parent = wanted AND m.to_us = 0
    UNION ALL
    SELECT a.member_base + n.number, a.from_us, a.id, (n.place - 1)::smallint, 0
    FROM sealed_assembly AS a CROSS JOIN LATERAL unnest(a.members) WITH ORDINALITY AS n (number, place)
    WHERE a.id = wanted AND n.number >= 0
$$;
COMMENT ON FUNCTION members_kept IS 'What is in the slots of a unit now, sealed or not.';

CREATE FUNCTION memberships_kept(wanted bigint)
RETURNS TABLE (unit bigint, from_us bigint, parent bigint, slot smallint, to_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT m.unit, m.from_us, m.parent, m.slot, m.to_us FROM unit_member AS m WHERE m.unit = wanted
    UNION ALL
    SELECT wanted, a.from_us, s.parent, (array_position(a.members, (wanted - a.member_base)::integer) - 1)::smallint, 0
    FROM sealed_unit(wanted) AS s
    CROSS JOIN LATERAL (SELECT member_base, from_us, members FROM sealed_assembly
                        WHERE sealed_assembly.id = s.parent AND member_base = (wanted >> 31) << 31 OFFSET 0) AS a
    WHERE s.parent <> 0
$$;
COMMENT ON FUNCTION memberships_kept IS 'Where a unit is and was a member, sealed or not.';
