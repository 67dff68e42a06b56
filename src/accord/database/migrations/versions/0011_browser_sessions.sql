CREATE TABLE accord.browser_sessions (
    id UUID DEFAULT accord.new_id() NOT NULL,
    token_hash TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id UUID,
    email TEXT,
    email_verified BOOLEAN NOT NULL,
    name TEXT,
    mfa BOOLEAN NOT NULL,
    speaks_for TEXT[] DEFAULT '{}' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_browser_sessions PRIMARY KEY (id),
    CONSTRAINT ck_browser_sessions_a_day_at_work CHECK (ends_at > started_at AND ends_at <= started_at + interval '12 hours'),
    CONSTRAINT uq_browser_sessions_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_browser_sessions_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id)
);

CREATE INDEX ix_browser_sessions_identity ON accord.browser_sessions (issuer, subject);

CREATE INDEX ix_browser_sessions_user ON accord.browser_sessions (user_id) WHERE ended_at IS NULL;

CREATE INDEX ix_browser_sessions_ends_at ON accord.browser_sessions (ends_at);

CREATE TABLE accord.sign_in_attempts (
    secret_hash TEXT NOT NULL,
    issuer TEXT NOT NULL,
    return_to TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (secret_hash)
);

CREATE INDEX ix_sign_in_attempts_expires_at ON accord.sign_in_attempts (expires_at);

ALTER TABLE accord.memberships ADD COLUMN vouched_by TEXT;

-- identities are their own people's alone; an organisation asks whether somebody at home there has any
CREATE FUNCTION accord.signs_in(person uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM accord.identities i JOIN accord.users u ON u.id = i.user_id
        WHERE u.id = person AND u.home_organisation_id = ANY (accord.mine()))
$$;

-- where else somebody belongs is hidden from the organisation that somebody leaves
CREATE FUNCTION accord.sign_out_browsers(person uuid, at timestamptz) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
    WITH ended AS (
        UPDATE accord.browser_sessions s SET ended_at = at
        WHERE s.user_id = person AND s.ended_at IS NULL
          AND EXISTS (
              SELECT FROM accord.memberships m
              WHERE m.user_id = person AND m.organisation_id = ANY (accord.mine()))
          AND NOT EXISTS (SELECT FROM accord.memberships m WHERE m.user_id = person AND m.status = 'ACTIVE')
        RETURNING 1)
    SELECT count(*) FROM ended
$$;
