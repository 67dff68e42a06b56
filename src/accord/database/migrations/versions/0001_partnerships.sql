CREATE FUNCTION accord.shown(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('accord.' || name, true), '') $$;

CREATE FUNCTION accord.operating() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('accord.operator', true) = 'on', false) $$;

CREATE FUNCTION accord.mine() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(string_to_array(nullif(current_setting('accord.organisations', true), ''), ',')::uuid[], '{}') $$;


CREATE TABLE accord.activity_events (
    id UUID DEFAULT accord.new_id() NOT NULL,
    stream_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    type TEXT NOT NULL,
    outcome TEXT NOT NULL,
    actor_user_id UUID,
    actor_name TEXT NOT NULL,
    actor_home_organisation_id UUID,
    host_id UUID,
    guest_id UUID,
    partnership_id UUID,
    account_id UUID,
    account_label TEXT,
    app TEXT,
    location TEXT,
    os TEXT,
    device TEXT,
    ip TEXT,
    reason TEXT,
    data JSONB NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_activity_events PRIMARY KEY (id),
    CONSTRAINT ck_activity_events_outcome_known CHECK (outcome IN ('DENIED', 'SUCCESS')),
    CONSTRAINT uq_activity_events_stream_id_sequence UNIQUE (stream_id, sequence)
);

CREATE INDEX ix_activity_events_account ON accord.activity_events (stream_id, account_id, sequence);

CREATE INDEX ix_activity_events_actor ON accord.activity_events (stream_id, actor_user_id, sequence);

CREATE INDEX ix_activity_events_partnership ON accord.activity_events (stream_id, partnership_id, sequence);

CREATE TABLE accord.chain_heads (
    stream_id UUID NOT NULL,
    sequence BIGINT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_chain_heads PRIMARY KEY (stream_id)
);

CREATE TABLE accord.organisations (
    id UUID DEFAULT accord.new_id() NOT NULL,
    handle TEXT NOT NULL,
    name TEXT NOT NULL,
    country_code TEXT NOT NULL,
    partners_enabled BOOLEAN DEFAULT false NOT NULL,
    status TEXT DEFAULT 'ACTIVE' NOT NULL,
    created_for_id UUID,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_organisations PRIMARY KEY (id),
    CONSTRAINT ck_organisations_status_known CHECK (status IN ('ACTIVE', 'CLOSED', 'SUSPENDED')),
    CONSTRAINT uq_organisations_handle UNIQUE (handle),
    CONSTRAINT fk_organisations_created_for_id FOREIGN KEY(created_for_id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_organisations_created_for_id ON accord.organisations (created_for_id);

CREATE TABLE accord.terms_versions (
    id UUID DEFAULT accord.new_id() NOT NULL,
    code TEXT NOT NULL,
    version TEXT NOT NULL,
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_terms_versions PRIMARY KEY (id),
    CONSTRAINT uq_terms_versions_code_version UNIQUE (code, version)
);

CREATE TABLE accord.accounts (
    id UUID DEFAULT accord.new_id() NOT NULL,
    host_id UUID NOT NULL,
    kind TEXT NOT NULL,
    category TEXT,
    app TEXT NOT NULL,
    label TEXT NOT NULL,
    launch_url TEXT NOT NULL,
    status TEXT DEFAULT 'ACTIVE' NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT ck_accounts_kind_known CHECK (kind IN ('ACCOUNT', 'PRODUCT')),
    CONSTRAINT ck_accounts_status_known CHECK (status IN ('ACTIVE', 'ARCHIVED')),
    CONSTRAINT uq_accounts_id_host_id UNIQUE (id, host_id),
    CONSTRAINT ck_accounts_product_has_category CHECK (kind = 'ACCOUNT' OR category IS NOT NULL),
    CONSTRAINT ck_accounts_launch_url_https CHECK (launch_url LIKE 'https://%'),
    CONSTRAINT fk_accounts_host_id FOREIGN KEY(host_id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_accounts_host ON accord.accounts (host_id, id);

CREATE TABLE accord.users (
    id UUID DEFAULT accord.new_id() NOT NULL,
    email TEXT NOT NULL,
    display_name TEXT NOT NULL,
    home_organisation_id UUID NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT fk_users_home_organisation_id FOREIGN KEY(home_organisation_id) REFERENCES accord.organisations (id)
);

CREATE UNIQUE INDEX uq_users_home_email ON accord.users (home_organisation_id, lower(email));

CREATE TABLE accord.identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_identities PRIMARY KEY (issuer, subject),
    CONSTRAINT fk_identities_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id)
);

CREATE INDEX ix_identities_user_id ON accord.identities (user_id);

CREATE TABLE accord.memberships (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    user_id UUID,
    email TEXT NOT NULL,
    display_name TEXT NOT NULL,
    roles TEXT[] DEFAULT '{}' NOT NULL,
    delegated_admin BOOLEAN DEFAULT false NOT NULL,
    status TEXT NOT NULL,
    invited_by UUID,
    token_hash TEXT,
    token_expires_at TIMESTAMP WITH TIME ZONE,
    joined_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (id),
    CONSTRAINT ck_memberships_status_known CHECK (status IN ('ACTIVE', 'DEACTIVATED', 'INVITED', 'REMOVED')),
    CONSTRAINT uq_memberships_organisation_id_user_id UNIQUE (organisation_id, user_id),
    CONSTRAINT uq_memberships_organisation_id_user_id_status UNIQUE (organisation_id, user_id, status),
    CONSTRAINT ck_memberships_person_known CHECK (status = 'INVITED' OR status = 'REMOVED' OR user_id IS NOT NULL),
    CONSTRAINT ck_memberships_token_while_invited CHECK (token_hash IS NULL OR status = 'INVITED'),
    CONSTRAINT fk_memberships_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_memberships_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT uq_memberships_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_memberships_user_id ON accord.memberships (user_id);

CREATE UNIQUE INDEX uq_memberships_invited ON accord.memberships (organisation_id, lower(email)) WHERE status = 'INVITED';

CREATE TABLE accord.partnerships (
    id UUID DEFAULT accord.new_id() NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    told_guest BOOLEAN DEFAULT false NOT NULL,
    visible_guest_id UUID GENERATED ALWAYS AS (CASE WHEN told_guest THEN guest_id END) STORED,
    path TEXT NOT NULL,
    state TEXT NOT NULL,
    created_by_user_id UUID NOT NULL,
    requester_user_id UUID NOT NULL,
    owner_user_id UUID,
    co_owner_ids UUID[] DEFAULT '{}' NOT NULL,
    representative_user_id UUID,
    contact_email TEXT,
    purposes TEXT[] DEFAULT '{}' NOT NULL,
    access_mode TEXT DEFAULT 'LIMITED' NOT NULL,
    wallet_entrusted BOOLEAN DEFAULT false NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE,
    lapses_at TIMESTAMP WITH TIME ZONE,
    lapse_noticed_at TIMESTAMP WITH TIME ZONE,
    expiry_noticed_days INTEGER,
    resends INTEGER DEFAULT 0 NOT NULL,
    last_resent_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    end_reason TEXT,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_partnerships PRIMARY KEY (id),
    CONSTRAINT ck_partnerships_state_known CHECK (state IN ('ACTIVE', 'AWAITING_GUEST_ACCEPTANCE', 'AWAITING_HOST_APPROVAL', 'DECLINED_BY_GUEST', 'DECLINED_BY_HOST', 'EXPIRED', 'LAPSED', 'SUSPENDED', 'TERMINATED', 'WITHDRAWN')),
    CONSTRAINT ck_partnerships_path_known CHECK (path IN ('GUEST_REQUEST', 'HOST_INVITE', 'HOST_REQUEST', 'VENDOR_LINK')),
    CONSTRAINT uq_partnerships_id_host_id_guest_id UNIQUE (id, host_id, guest_id),
    CONSTRAINT ck_partnerships_two_organisations CHECK (host_id <> guest_id),
    CONSTRAINT ck_partnerships_access_mode_known CHECK (access_mode IN ('LIMITED', 'COMPLETE')),
    CONSTRAINT ck_partnerships_wallet_with_complete CHECK (NOT wallet_entrusted OR access_mode = 'COMPLETE'),
    CONSTRAINT ck_partnerships_connected_has_start CHECK (state NOT IN ('ACTIVE', 'SUSPENDED') OR starts_at IS NOT NULL),
    CONSTRAINT ck_partnerships_approved_has_owner CHECK (state NOT IN ('AWAITING_GUEST_ACCEPTANCE', 'DECLINED_BY_GUEST', 'ACTIVE', 'SUSPENDED') OR (owner_user_id IS NOT NULL AND told_guest)),
    CONSTRAINT ck_partnerships_untold CHECK (state <> 'AWAITING_HOST_APPROVAL' OR path = 'GUEST_REQUEST' OR NOT told_guest),
    CONSTRAINT ck_partnerships_ended_once CHECK ((state IN ('ACTIVE', 'AWAITING_GUEST_ACCEPTANCE', 'AWAITING_HOST_APPROVAL', 'DECLINED_BY_GUEST', 'SUSPENDED')) = (ended_at IS NULL)),
    CONSTRAINT fk_partnerships_host_id FOREIGN KEY(host_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_partnerships_guest_id FOREIGN KEY(guest_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_partnerships_created_by_user_id FOREIGN KEY(created_by_user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_partnerships_requester_user_id FOREIGN KEY(requester_user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_partnerships_owner_user_id FOREIGN KEY(owner_user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_partnerships_representative_user_id FOREIGN KEY(representative_user_id) REFERENCES accord.users (id)
);

CREATE INDEX ix_partnerships_guest ON accord.partnerships (guest_id, host_id);

CREATE INDEX ix_partnerships_host ON accord.partnerships (host_id, id);

CREATE INDEX ix_partnerships_lapses ON accord.partnerships (lapses_at) WHERE lapses_at IS NOT NULL;

CREATE INDEX ix_partnerships_owner ON accord.partnerships (owner_user_id);

CREATE INDEX ix_partnerships_visible_guest ON accord.partnerships (visible_guest_id, id);

CREATE UNIQUE INDEX uq_partnerships_open_pair ON accord.partnerships (host_id, guest_id) WHERE state IN ('ACTIVE', 'AWAITING_GUEST_ACCEPTANCE', 'AWAITING_HOST_APPROVAL', 'DECLINED_BY_GUEST', 'SUSPENDED');

CREATE TABLE accord.sign_ins (
    token_hash TEXT NOT NULL,
    user_id UUID NOT NULL,
    first_used_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_ins PRIMARY KEY (token_hash),
    CONSTRAINT fk_sign_ins_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id)
);

CREATE INDEX ix_sign_ins_expires_at ON accord.sign_ins (expires_at);

CREATE TABLE accord.account_ownerships (
    account_id UUID NOT NULL,
    user_id UUID NOT NULL,
    host_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_account_ownerships PRIMARY KEY (account_id, user_id),
    CONSTRAINT fk_account_ownerships_account_id_host_id FOREIGN KEY(account_id, host_id) REFERENCES accord.accounts (id, host_id),
    CONSTRAINT fk_account_ownerships_host_id_user_id FOREIGN KEY(host_id, user_id) REFERENCES accord.memberships (organisation_id, user_id)
);

CREATE INDEX ix_account_ownerships_user ON accord.account_ownerships (user_id, account_id);

CREATE TABLE accord.attempts (
    id UUID DEFAULT accord.new_id() NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    visible_guest_id UUID GENERATED ALWAYS AS (CASE WHEN host_decision IN ('APPROVED', 'SKIPPED') THEN guest_id END) STORED,
    number INTEGER NOT NULL,
    terms JSONB NOT NULL,
    reason TEXT,
    submitted_by UUID NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    host_decision TEXT,
    host_decided_by UUID,
    host_decided_at TIMESTAMP WITH TIME ZONE,
    host_reason TEXT,
    guest_decision TEXT,
    guest_decided_by UUID,
    guest_decided_at TIMESTAMP WITH TIME ZONE,
    guest_reason TEXT,
    terms_version_id UUID,
    lapses_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reminders_sent INTEGER DEFAULT 0 NOT NULL,
    last_reminder_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_attempts PRIMARY KEY (id),
    CONSTRAINT fk_attempts_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT uq_attempts_partnership_id_number UNIQUE (partnership_id, number),
    CONSTRAINT ck_attempts_host_decision_known CHECK (host_decision IN ('APPROVED', 'DECLINED', 'SKIPPED')),
    CONSTRAINT ck_attempts_guest_decision_known CHECK (guest_decision IN ('ACCEPTED', 'DECLINED')),
    CONSTRAINT ck_attempts_host_first CHECK (guest_decision IS NULL OR coalesce(host_decision IN ('APPROVED', 'SKIPPED'), false)),
    CONSTRAINT ck_attempts_two_people CHECK (host_decided_by IS NULL OR host_decided_by <> guest_decided_by),
    CONSTRAINT fk_attempts_submitted_by FOREIGN KEY(submitted_by) REFERENCES accord.users (id),
    CONSTRAINT fk_attempts_host_decided_by FOREIGN KEY(host_decided_by) REFERENCES accord.users (id),
    CONSTRAINT fk_attempts_guest_decided_by FOREIGN KEY(guest_decided_by) REFERENCES accord.users (id),
    CONSTRAINT fk_attempts_terms_version_id FOREIGN KEY(terms_version_id) REFERENCES accord.terms_versions (id)
);

CREATE TABLE accord.mails (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    partnership_id UUID,
    template TEXT NOT NULL,
    address TEXT NOT NULL,
    display_name TEXT,
    facts JSONB NOT NULL,
    secret TEXT,
    external BOOLEAN NOT NULL,
    ordinal SMALLINT NOT NULL,
    state TEXT DEFAULT 'QUEUED' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_mails PRIMARY KEY (id),
    CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partnership_ended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'share_resumed', 'share_suspended', 'shared', 'withdrawn')),
    CONSTRAINT ck_mails_state_known CHECK (state IN ('DEAD', 'FAILED', 'QUEUED', 'SENT')),
    CONSTRAINT ck_mails_sent_at_when_sent CHECK ((state = 'SENT') = (sent_at IS NOT NULL)),
    CONSTRAINT ck_mails_secret_forgotten CHECK (state NOT IN ('SENT', 'DEAD') OR secret IS NULL),
    CONSTRAINT fk_mails_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_mails_partnership_id FOREIGN KEY(partnership_id) REFERENCES accord.partnerships (id)
);

CREATE INDEX ix_mails_counted ON accord.mails (organisation_id, created_at) WHERE external;

CREATE INDEX ix_mails_created_at ON accord.mails (created_at);

CREATE TABLE accord.notifications (
    id UUID DEFAULT accord.new_id() NOT NULL,
    user_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    partnership_id UUID,
    template TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_notifications PRIMARY KEY (id),
    CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partnership_ended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'share_resumed', 'share_suspended', 'shared', 'withdrawn')),
    CONSTRAINT fk_notifications_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_notifications_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_notifications_partnership_id FOREIGN KEY(partnership_id) REFERENCES accord.partnerships (id)
);

CREATE INDEX ix_notifications_user_id_created_at ON accord.notifications (user_id, created_at, id);

CREATE TABLE accord.shares (
    id UUID DEFAULT accord.new_id() NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    account_id UUID NOT NULL,
    shared_by UUID NOT NULL,
    state TEXT NOT NULL,
    shared_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_shares PRIMARY KEY (id),
    CONSTRAINT ck_shares_state_known CHECK (state IN ('ACTIVE', 'REMOVED', 'SUSPENDED')),
    CONSTRAINT fk_shares_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT fk_shares_account_id_host_id FOREIGN KEY(account_id, host_id) REFERENCES accord.accounts (id, host_id),
    CONSTRAINT uq_shares_whole UNIQUE (id, partnership_id, account_id, host_id, guest_id),
    CONSTRAINT fk_shares_shared_by FOREIGN KEY(shared_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_shares_account ON accord.shares (account_id, id);

CREATE INDEX ix_shares_guest ON accord.shares (guest_id, account_id);

CREATE INDEX ix_shares_partnership ON accord.shares (partnership_id, id);

CREATE UNIQUE INDEX uq_shares_live ON accord.shares (partnership_id, account_id) WHERE state != 'REMOVED';

CREATE TABLE accord.grants (
    id UUID DEFAULT accord.new_id() NOT NULL,
    share_id UUID NOT NULL,
    partnership_id UUID NOT NULL,
    account_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    member_status TEXT GENERATED ALWAYS AS (CASE WHEN state = 'ACTIVE' THEN 'ACTIVE' END) STORED,
    origin TEXT NOT NULL,
    granted_by UUID NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    expiry_noticed_days INTEGER,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_grants PRIMARY KEY (id),
    CONSTRAINT ck_grants_role_known CHECK (role IN ('ACCOUNT_MANAGER', 'COLLABORATOR')),
    CONSTRAINT ck_grants_state_known CHECK (state IN ('ACTIVE', 'EXPIRED', 'REVOKED')),
    CONSTRAINT ck_grants_origin_known CHECK (origin IN ('ACCESS_REQUEST', 'SHARE')),
    CONSTRAINT fk_grants_share_id_partnership_id_account_id_host_id_guest_id FOREIGN KEY(share_id, partnership_id, account_id, host_id, guest_id) REFERENCES accord.shares (id, partnership_id, account_id, host_id, guest_id),
    CONSTRAINT fk_grants_active_member FOREIGN KEY(guest_id, user_id, member_status) REFERENCES accord.memberships (organisation_id, user_id, status),
    CONSTRAINT fk_grants_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_grants_granted_by FOREIGN KEY(granted_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_grants_account ON accord.grants (account_id, id);

CREATE INDEX ix_grants_partnership ON accord.grants (partnership_id, user_id);

CREATE INDEX ix_grants_share ON accord.grants (share_id, id);

CREATE INDEX ix_grants_user ON accord.grants (user_id, state);

CREATE UNIQUE INDEX uq_grants_live ON accord.grants (share_id, user_id) WHERE state = 'ACTIVE';

CREATE TABLE accord.invitations (
    token_hash TEXT NOT NULL,
    partnership_id UUID NOT NULL,
    attempt_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    email TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    voided_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (token_hash),
    CONSTRAINT fk_invitations_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT fk_invitations_attempt_id FOREIGN KEY(attempt_id) REFERENCES accord.attempts (id)
);

CREATE INDEX ix_invitations_attempt_id ON accord.invitations (attempt_id);

CREATE INDEX ix_invitations_partnership ON accord.invitations (partnership_id);

CREATE TABLE accord.terms_acceptances (
    id UUID DEFAULT accord.new_id() NOT NULL,
    terms_version_id UUID NOT NULL,
    partnership_id UUID NOT NULL,
    attempt_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    user_id UUID NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    CONSTRAINT pk_terms_acceptances PRIMARY KEY (id),
    CONSTRAINT fk_terms_acceptances_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT uq_terms_acceptances_attempt_id UNIQUE (attempt_id),
    CONSTRAINT fk_terms_acceptances_terms_version_id FOREIGN KEY(terms_version_id) REFERENCES accord.terms_versions (id),
    CONSTRAINT fk_terms_acceptances_attempt_id FOREIGN KEY(attempt_id) REFERENCES accord.attempts (id),
    CONSTRAINT fk_terms_acceptances_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id)
);

CREATE TABLE accord.access_items (
    id UUID DEFAULT accord.new_id() NOT NULL,
    request_id UUID NOT NULL,
    share_id UUID NOT NULL,
    partnership_id UUID NOT NULL,
    account_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    member_user_id UUID NOT NULL,
    requested_by UUID NOT NULL,
    role TEXT NOT NULL,
    note TEXT,
    state TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    lapses_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    decision_note TEXT,
    grant_id UUID,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_access_items PRIMARY KEY (id),
    CONSTRAINT ck_access_items_role_known CHECK (role IN ('ACCOUNT_MANAGER', 'COLLABORATOR')),
    CONSTRAINT ck_access_items_state_known CHECK (state IN ('ACCEPTED', 'CANCELLED', 'DECLINED', 'LAPSED', 'PENDING', 'WITHDRAWN')),
    CONSTRAINT fk_access_items_share_id_partnership_id_account_id_host_68e1 FOREIGN KEY(share_id, partnership_id, account_id, host_id, guest_id) REFERENCES accord.shares (id, partnership_id, account_id, host_id, guest_id),
    CONSTRAINT fk_access_items_member_user_id FOREIGN KEY(member_user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_access_items_requested_by FOREIGN KEY(requested_by) REFERENCES accord.users (id),
    CONSTRAINT fk_access_items_decided_by FOREIGN KEY(decided_by) REFERENCES accord.users (id),
    CONSTRAINT fk_access_items_grant_id FOREIGN KEY(grant_id) REFERENCES accord.grants (id)
);

CREATE INDEX ix_access_items_account ON accord.access_items (account_id, id);

CREATE INDEX ix_access_items_lapses ON accord.access_items (lapses_at) WHERE state = 'PENDING';

CREATE INDEX ix_access_items_partnership ON accord.access_items (partnership_id);

CREATE INDEX ix_access_items_share ON accord.access_items (share_id, id);

CREATE UNIQUE INDEX uq_access_items_pending ON accord.access_items (share_id, member_user_id) WHERE state = 'PENDING';

CREATE TABLE accord.tickets (
    id UUID DEFAULT accord.new_id() NOT NULL,
    account_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID,
    grant_id UUID,
    user_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    audience TEXT NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    redeemed_at TIMESTAMP WITH TIME ZONE,
    voided_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_tickets PRIMARY KEY (id),
    CONSTRAINT fk_tickets_account_id_host_id FOREIGN KEY(account_id, host_id) REFERENCES accord.accounts (id, host_id),
    CONSTRAINT ck_tickets_one_end CHECK (redeemed_at IS NULL OR voided_at IS NULL),
    CONSTRAINT fk_tickets_grant_id FOREIGN KEY(grant_id) REFERENCES accord.grants (id),
    CONSTRAINT fk_tickets_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_tickets_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_tickets_account ON accord.tickets (account_id);

CREATE INDEX ix_tickets_grant_id ON accord.tickets (grant_id);


CREATE FUNCTION accord.person() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT user_id FROM accord.identities WHERE issuer = accord.shown('issuer') AND subject = accord.shown('subject') $$;

CREATE FUNCTION accord.keep_decided_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.guest_decision IS NOT NULL OR OLD.host_decision = 'DECLINED' THEN
        RAISE EXCEPTION 'a decided attempt does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_decided_attempt BEFORE UPDATE OR DELETE ON accord.attempts
    FOR EACH ROW EXECUTE FUNCTION accord.keep_decided_attempt();

CREATE FUNCTION accord.keep_activity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'activity is append-only' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER keep_activity BEFORE UPDATE OR DELETE OR TRUNCATE ON accord.activity_events
    FOR EACH STATEMENT EXECUTE FUNCTION accord.keep_activity();

CREATE FUNCTION accord.keep_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence <= OLD.sequence THEN
        RAISE EXCEPTION 'the head of a chain only moves on' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_head BEFORE UPDATE ON accord.chain_heads FOR EACH ROW EXECUTE FUNCTION accord.keep_head();

INSERT INTO accord.chain_heads (stream_id, sequence, hash)
    VALUES ('00000000-0000-0000-0000-000000000000', 0, repeat('0', 64));
