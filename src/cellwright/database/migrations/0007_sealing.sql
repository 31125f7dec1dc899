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
    block bigint PRIMARY KEY,
    bases bigint[] NOT NULL CHECK (cardinality(bases) <= 8),
    near smallint[] CHECK (cardinality(near) = 1024),
    far integer[] CHECK (cardinality(far) = 1024),
    CHECK ((near IS NULL) <> (far IS NULL))
) WITH (toast_tuple_target = 4080);
ALTER TABLE sealed_member ALTER COLUMN near SET STORAGE EXTERNAL;
ALTER TABLE sealed_member ALTER COLUMN far SET STORAGE EXTERNAL;
COMMENT ON TABLE sealed_member IS 'The parent of each unit of a block. A number says which base and how far above it; -1 = none. Its bits for how far are 12 in `near` (parents of a day or so), 28 in `far`.';

CREATE TABLE sealed_assembly (
    id bigint PRIMARY KEY,
    from_us bigint NOT NULL,
    bases bigint[] NOT NULL CHECK (cardinality(bases) <= 8),
    members integer[] NOT NULL
);
COMMENT ON TABLE sealed_assembly IS 'The members of a unit by slot, as numbers like those in `far` of sealed_member. All came in at `from_us`.';

CREATE FUNCTION based(bases bigint[], number integer, bits integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN number >= 0 THEN bases[(number >> bits) + 1] + (number & ((1 << bits) - 1)) END
$$;
COMMENT ON FUNCTION based IS 'The id that a packed number stands for; NULL = none.';

CREATE TABLE unsealed_unit (
    id bigint PRIMARY KEY
);
COMMENT ON TABLE unsealed_unit IS 'Units that were sealed once and are rows again: a time or an attempt of 0 means that only the journal knows it.';

CREATE FUNCTION sealed_unit(wanted bigint)
RETURNS TABLE (id bigint, kind text, product text, route integer, step smallint, status text, grade text, parent bigint)
LANGUAGE sql STABLE AS $$
    SELECT wanted, p.kind, p.product, p.route, p.step, p.status, p.grade,
           coalesce((SELECT coalesce(based(m.bases, m.near[(wanted & 1023)::integer + 1], 12),
                                     based(m.bases, m.far[(wanted & 1023)::integer + 1], 28))
                     FROM sealed_member AS m WHERE m.block = wanted >> 10), 0)
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
    SELECT based(a.bases, n.number, 28), a.from_us, a.id, (n.place - 1)::smallint, 0
    FROM sealed_assembly AS a CROSS JOIN LATERAL unnest(a.members) WITH ORDINALITY AS n (number, place)
    WHERE a.id = wanted AND n.number >= 0
$$;
COMMENT ON FUNCTION members_kept IS 'What is in the slots of a unit now, sealed or not.';

CREATE FUNCTION memberships_kept(wanted bigint)
RETURNS TABLE (unit bigint, from_us bigint, parent bigint, slot smallint, to_us bigint)
LANGUAGE sql STABLE AS $$
    SELECT m.unit, m.from_us, m.parent, m.slot, m.to_us FROM unit_member AS m WHERE m.unit = wanted
    UNION ALL
    SELECT wanted, a.from_us, s.parent, (n.place - 1)::smallint, 0
    FROM sealed_unit(wanted) AS s
    CROSS JOIN LATERAL (SELECT bases, from_us, members FROM sealed_assembly
                        WHERE sealed_assembly.id = s.parent OFFSET 0) AS a
    CROSS JOIN LATERAL unnest(a.members) WITH ORDINALITY AS n (number, place)
    WHERE s.parent <> 0 AND based(a.bases, n.number, 28) = wanted
$$;
COMMENT ON FUNCTION memberships_kept IS 'Where a unit is and was a member, sealed or not.';
