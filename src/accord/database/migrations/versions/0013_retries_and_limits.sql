CREATE TABLE accord.retries (
    id UUID DEFAULT accord.new_id() NOT NULL,
    actor TEXT NOT NULL,
    acting_session_id UUID,
    mutation TEXT NOT NULL,
    place TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    arguments_hash TEXT NOT NULL,
    result BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_retries PRIMARY KEY (id),
    CONSTRAINT uq_retries_attempt UNIQUE NULLS NOT DISTINCT (actor, acting_session_id, mutation, place, key_hash)
);

CREATE INDEX ix_retries_expires_at ON accord.retries (expires_at);
