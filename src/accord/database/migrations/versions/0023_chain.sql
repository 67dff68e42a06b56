-- Personal facts enter the hash as salted commitments; a head says up to where a checkpoint has it on record.

ALTER TABLE accord.activity_events
    ADD COLUMN facts TEXT[] DEFAULT '{}' NOT NULL,
    ADD COLUMN salt BYTEA,
    ADD COLUMN fact_keys JSONB,
    ADD COLUMN erased JSONB,
    ADD CONSTRAINT ck_activity_events_sequence_counts CHECK (sequence > 0);

ALTER TABLE accord.chain_heads ADD COLUMN anchored BIGINT DEFAULT 0 NOT NULL;

DROP TRIGGER keep_head ON accord.chain_heads;

CREATE TRIGGER keep_head BEFORE UPDATE OF sequence, hash ON accord.chain_heads
    FOR EACH ROW EXECUTE FUNCTION accord.keep_head();
