CREATE TABLE accord.api_clients (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    owner_user_id UUID NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT[] DEFAULT '{}' NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    revoked_by UUID,
    revoked_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    member_status TEXT GENERATED ALWAYS AS (CASE WHEN status = 'ACTIVE' THEN 'ACTIVE' END) STORED,
    CONSTRAINT pk_api_clients PRIMARY KEY (id),
    CONSTRAINT ck_api_clients_status_known CHECK (status IN ('ACTIVE', 'REVOKED')),
    CONSTRAINT ck_api_clients_scopes_named CHECK (cardinality(scopes) > 0),
    CONSTRAINT ck_api_clients_a_year_at_most CHECK (expires_at > created_at AND expires_at <= created_at + interval '365 days'),
    CONSTRAINT ck_api_clients_revoked_once CHECK ((status = 'REVOKED') = (revoked_at IS NOT NULL)),
    CONSTRAINT fk_api_clients_active_member FOREIGN KEY(organisation_id, owner_user_id, member_status) REFERENCES accord.memberships (organisation_id, user_id, status),
    CONSTRAINT fk_api_clients_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_api_clients_owner_user_id FOREIGN KEY(owner_user_id) REFERENCES accord.users (id),
    CONSTRAINT uq_api_clients_secret_hash UNIQUE (secret_hash),
    CONSTRAINT fk_api_clients_revoked_by FOREIGN KEY(revoked_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_api_clients_organisation ON accord.api_clients (organisation_id, id);

CREATE INDEX ix_api_clients_owner ON accord.api_clients (owner_user_id, organisation_id) WHERE status = 'ACTIVE';

CREATE FUNCTION accord.keep_api_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'REVOKED' THEN
        RAISE EXCEPTION 'a revoked client stays so' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_api_client BEFORE UPDATE ON accord.api_clients
    FOR EACH ROW EXECUTE FUNCTION accord.keep_api_client();

ALTER TABLE accord.activity_events ADD COLUMN actor_api_client_id UUID;

CREATE OR REPLACE FUNCTION accord.person() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN accord.shown('client') IS NULL THEN (
        SELECT user_id FROM accord.identities
        WHERE issuer = accord.shown('issuer') AND subject = accord.shown('subject')
    ) ELSE (
        SELECT owner_user_id FROM accord.api_clients
        WHERE id = accord.shown('client')::uuid AND status = 'ACTIVE'
    ) END
$$;

CREATE FUNCTION accord.myself() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN accord.shown('client') IS NULL THEN accord.person() END $$;
