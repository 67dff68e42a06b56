CREATE TABLE accord.acting_sessions (
    id UUID DEFAULT accord.new_id() NOT NULL,
    user_id UUID NOT NULL,
    home_id UUID NOT NULL,
    host_id UUID NOT NULL,
    partnership_id UUID,
    basis TEXT NOT NULL,
    level TEXT,
    role_key TEXT,
    role_group_id UUID,
    contact_id UUID,
    reason TEXT,
    state TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    CONSTRAINT pk_acting_sessions PRIMARY KEY (id),
    CONSTRAINT ck_acting_sessions_basis_known CHECK (basis IN ('CONTACT', 'LEVEL', 'ROLE_GROUP')),
    CONSTRAINT ck_acting_sessions_state_known CHECK (state IN ('ACTIVE', 'ENDED', 'EXPIRED', 'REVOKED')),
    CONSTRAINT ck_acting_sessions_level_known CHECK (level IN ('MANAGE', 'SUPPORT')),
    CONSTRAINT ck_acting_sessions_role_key_known CHECK (role_key IN ('DECISION_MAKER', 'PHONE_MANAGER')),
    CONSTRAINT ck_acting_sessions_two_organisations CHECK (home_id <> host_id),
    CONSTRAINT ck_acting_sessions_ended_once CHECK ((state = 'ACTIVE') = (ended_at IS NULL)),
    CONSTRAINT ck_acting_sessions_an_hour_at_most CHECK (ends_at > started_at AND ends_at <= started_at + interval '60 minutes'),
    CONSTRAINT ck_acting_sessions_one_basis CHECK (CASE basis WHEN 'LEVEL' THEN level IS NOT NULL AND num_nonnulls(role_key, role_group_id, contact_id) = 0 WHEN 'ROLE_GROUP' THEN num_nonnulls(role_key, role_group_id) = 2 AND num_nonnulls(level, contact_id) = 0 ELSE num_nonnulls(role_key, contact_id) = 2 AND num_nonnulls(level, role_group_id) = 0 END),
    CONSTRAINT ck_acting_sessions_under_a_partnership CHECK (partnership_id IS NOT NULL OR basis = 'CONTACT'),
    CONSTRAINT fk_acting_sessions_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_acting_sessions_home_id FOREIGN KEY(home_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_acting_sessions_host_id FOREIGN KEY(host_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_acting_sessions_partnership_id FOREIGN KEY(partnership_id) REFERENCES accord.partnerships (id),
    CONSTRAINT fk_acting_sessions_role_group_id FOREIGN KEY(role_group_id) REFERENCES accord.role_groups (id)
);

CREATE INDEX ix_acting_sessions_ends ON accord.acting_sessions (ends_at) WHERE ended_at IS NULL;

CREATE INDEX ix_acting_sessions_host ON accord.acting_sessions (host_id) WHERE ended_at IS NULL;

CREATE INDEX ix_acting_sessions_partnership ON accord.acting_sessions (partnership_id) WHERE ended_at IS NULL;

CREATE INDEX ix_acting_sessions_user ON accord.acting_sessions (user_id, id);

ALTER TABLE accord.activity_events ADD COLUMN acting_session_id UUID;

CREATE INDEX ix_activity_events_session ON accord.activity_events (stream_id, acting_session_id, sequence) WHERE acting_session_id IS NOT NULL;

ALTER TABLE accord.organisation_policies ADD COLUMN require_reason BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE accord.tickets ADD COLUMN acting_session_id UUID;
ALTER TABLE accord.tickets
    ADD CONSTRAINT fk_tickets_acting_session_id FOREIGN KEY (acting_session_id) REFERENCES accord.acting_sessions (id);

ALTER TABLE accord.memberships ADD COLUMN invited_in UUID;
