-- Who may come in, and the audit trail of every change to that.

CREATE TABLE audit (
    seq bigint PRIMARY KEY CHECK (seq > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    recorded_us bigint NOT NULL,
    actor text NOT NULL,
    terminal text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    old json NOT NULL,
    new json NOT NULL,
    reason text NOT NULL,
    request_id text NOT NULL,
    prev_hash bytea NOT NULL UNIQUE CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_xid ON audit (xid, seq);
CREATE INDEX audit_signed_in ON audit (object, recorded_us) WHERE action = 'session_opened';
COMMENT ON TABLE audit IS 'One hash chain: hash = SHA-256(prev_hash || canonical JSON of the row). Old and new keep their text as written, because it is hashed.';
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE audit_head (
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE UNIQUE INDEX audit_head_one ON audit_head ((true));
INSERT INTO audit_head VALUES (0, '\x0000000000000000000000000000000000000000000000000000000000000000');
COMMENT ON TABLE audit_head IS 'One row: the end of the chain. Whoever appends locks it until the commit, so that rows get their places one after another.';

-- The rows of the journal that people made through pages and command line, beside the audit trail: same order.
CREATE INDEX fact_by_people ON fact (xid, position) WHERE source IN ('web', 'cli');

CREATE FUNCTION demand_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM audit WHERE xid = pg_current_xact_id()) THEN
        RAISE EXCEPTION '% of % without an audit row in the same transaction', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION demand_audit IS 'Checked at the commit. What the end of a person takes along is told by the fact that ended it.';

CREATE TABLE account (
    person text PRIMARY KEY,
    password_hash text NOT NULL,
    made_us bigint NOT NULL,
    changed_us bigint NOT NULL
);
COMMENT ON TABLE account IS 'The password of a person. No foreign key: the table person is a view that a rebuild writes anew.';
CREATE CONSTRAINT TRIGGER account_is_audited
    AFTER INSERT OR UPDATE OR DELETE ON account DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_audit();

CREATE TABLE access_link (
    token_sha256 bytea PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('set_up', 'invitation', 'reset', 'sign_in')),
    person text NOT NULL,
    made_us bigint NOT NULL,
    expires_us bigint NOT NULL
);
CREATE INDEX access_link_person ON access_link (person);
COMMENT ON TABLE access_link IS 'Unused one-time links. A set-up link has no person until the first one who uses it binds it to a badge; using a link deletes it.';
CREATE CONSTRAINT TRIGGER access_link_is_audited
    AFTER INSERT OR UPDATE ON access_link DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_audit();

CREATE TABLE session (
    id_sha256 bytea PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    person text NOT NULL,
    terminal text NOT NULL,
    agent text NOT NULL,
    opened_us bigint NOT NULL,
    seen_us bigint NOT NULL
);
CREATE INDEX session_person ON session (person);
CREATE CONSTRAINT TRIGGER session_is_audited
    AFTER INSERT ON session DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION demand_audit();

CREATE TABLE api_token (
    id text PRIMARY KEY,
    secret_sha256 bytea NOT NULL,
    person text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    made_us bigint NOT NULL,
    expires_us bigint NOT NULL,
    used_us bigint NOT NULL DEFAULT 0,
    revoked_us bigint NOT NULL DEFAULT 0
);
CREATE INDEX api_token_person ON api_token (person);
CREATE CONSTRAINT TRIGGER api_token_is_audited
    AFTER INSERT OR UPDATE OF secret_sha256, person, scopes, expires_us, revoked_us OR DELETE ON api_token
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION demand_audit();

CREATE FUNCTION end_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM session WHERE person = NEW.person;
    DELETE FROM access_link WHERE person = NEW.person;
    UPDATE api_token SET revoked_us = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    WHERE person = NEW.person AND revoked_us = 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER person_disabled_has_no_access AFTER INSERT OR UPDATE ON person
    FOR EACH ROW WHEN (NEW.disabled) EXECUTE FUNCTION end_access();
COMMENT ON FUNCTION end_access IS 'Whoever is disabled is out at the same commit, and stays out when enabled again until signing in anew.';
