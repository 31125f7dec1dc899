-- Commands of people have rows of the audit trail, written with their facts. Facts from before this migration have none,
-- so the trail still shows those themselves.

CREATE TABLE audit_of_commands (
    since_xid xid8 NOT NULL
);
CREATE UNIQUE INDEX audit_of_commands_one ON audit_of_commands ((true));
INSERT INTO audit_of_commands VALUES (pg_current_xact_id());
COMMENT ON TABLE audit_of_commands IS 'One row: from this transaction on, every command of a person has its row in the audit trail.';

ALTER TABLE audit ADD COLUMN named text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN audit.named IS 'Codes by which a row is found beside its object. They stand in old and new; the hash does not cover them again.';
CREATE INDEX audit_named ON audit USING gin (named);
CREATE INDEX audit_object ON audit (object, seq);
