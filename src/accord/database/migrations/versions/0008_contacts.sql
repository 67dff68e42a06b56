ALTER TABLE accord.organisation_policies
    ADD COLUMN explicit_assignment BOOLEAN DEFAULT false NOT NULL;

ALTER TABLE accord.role_delegations
    ADD COLUMN role_version INTEGER DEFAULT 1 NOT NULL,
    ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE;

CREATE INDEX ix_role_delegations_expires ON accord.role_delegations (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE accord.role_group_members ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE accord.external_contacts (
    id UUID DEFAULT accord.new_id() NOT NULL,
    host_id UUID NOT NULL,
    email TEXT NOT NULL,
    roles TEXT[] DEFAULT '{}' NOT NULL,
    status TEXT NOT NULL,
    invited_by UUID NOT NULL,
    user_id UUID,
    home_id UUID,
    partnership_id UUID,
    token_hash TEXT,
    token_expires_at TIMESTAMP WITH TIME ZONE,
    accepted_at TIMESTAMP WITH TIME ZONE,
    converted_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    member_status TEXT GENERATED ALWAYS AS (CASE WHEN user_id IS NOT NULL AND ended_at IS NULL THEN 'ACTIVE' END) STORED,
    CONSTRAINT pk_external_contacts PRIMARY KEY (id),
    CONSTRAINT ck_external_contacts_status_known CHECK (status IN ('ACTIVE', 'CONVERTED', 'INVITED', 'REMOVED')),
    CONSTRAINT ck_external_contacts_roles_known CHECK (roles <@ ARRAY['DECISION_MAKER', 'PHONE_MANAGER'] AND cardinality(roles) > 0),
    CONSTRAINT ck_external_contacts_person_at_home CHECK ((user_id IS NULL) = (home_id IS NULL)),
    CONSTRAINT ck_external_contacts_person_known CHECK (status = 'REMOVED' OR (status = 'INVITED') = (user_id IS NULL)),
    CONSTRAINT ck_external_contacts_token_while_invited CHECK (token_hash IS NULL OR status = 'INVITED'),
    CONSTRAINT ck_external_contacts_converted_under CHECK ((partnership_id IS NULL) = (converted_at IS NULL)),
    CONSTRAINT ck_external_contacts_ended_once CHECK (CASE status WHEN 'CONVERTED' THEN partnership_id IS NOT NULL WHEN 'REMOVED' THEN ended_at IS NOT NULL ELSE partnership_id IS NULL AND ended_at IS NULL END),
    CONSTRAINT fk_external_contacts_partnership FOREIGN KEY(partnership_id, host_id, home_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT fk_external_contacts_active_member FOREIGN KEY(home_id, user_id, member_status) REFERENCES accord.memberships (organisation_id, user_id, status),
    CONSTRAINT fk_external_contacts_host_id FOREIGN KEY(host_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_external_contacts_invited_by FOREIGN KEY(invited_by) REFERENCES accord.users (id),
    CONSTRAINT uq_external_contacts_token_hash UNIQUE (token_hash)
);

CREATE INDEX ix_external_contacts_home ON accord.external_contacts (home_id, host_id);

CREATE INDEX ix_external_contacts_host ON accord.external_contacts (host_id, id);

CREATE INDEX ix_external_contacts_partnership ON accord.external_contacts (partnership_id, id);

CREATE INDEX ix_external_contacts_user ON accord.external_contacts (user_id, host_id);

CREATE UNIQUE INDEX uq_external_contacts_address ON accord.external_contacts (host_id, lower(email)) WHERE ended_at IS NULL;

CREATE UNIQUE INDEX uq_external_contacts_live ON accord.external_contacts (host_id, user_id) WHERE ended_at IS NULL;

CREATE TABLE accord.customer_assignments (
    id UUID DEFAULT accord.new_id() NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    user_id UUID NOT NULL,
    assigned_by UUID NOT NULL,
    assigned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    member_status TEXT GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN 'ACTIVE' END) STORED,
    CONSTRAINT pk_customer_assignments PRIMARY KEY (id),
    CONSTRAINT fk_customer_assignments_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT fk_customer_assignments_active_member FOREIGN KEY(guest_id, user_id, member_status) REFERENCES accord.memberships (organisation_id, user_id, status),
    CONSTRAINT fk_customer_assignments_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_customer_assignments_assigned_by FOREIGN KEY(assigned_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_customer_assignments_guest ON accord.customer_assignments (guest_id, id);

CREATE INDEX ix_customer_assignments_partnership ON accord.customer_assignments (partnership_id, id);

CREATE INDEX ix_customer_assignments_user ON accord.customer_assignments (user_id, partnership_id) WHERE ended_at IS NULL;

CREATE UNIQUE INDEX uq_customer_assignments_live ON accord.customer_assignments (partnership_id, user_id) WHERE ended_at IS NULL;

ALTER TABLE accord.acting_sessions
    ADD CONSTRAINT fk_acting_sessions_contact_id FOREIGN KEY(contact_id) REFERENCES accord.external_contacts (id);

CREATE FUNCTION accord.keep_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL
        OR (OLD.user_id IS NOT NULL AND (NEW.user_id, NEW.home_id) IS DISTINCT FROM (OLD.user_id, OLD.home_id))
        OR (OLD.partnership_id IS NOT NULL AND NEW.partnership_id IS DISTINCT FROM OLD.partnership_id)
    THEN
        RAISE EXCEPTION 'a contact stays who it is, and what has ended stays so' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_contact BEFORE UPDATE ON accord.external_contacts
    FOR EACH ROW EXECUTE FUNCTION accord.keep_contact();

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'contact_invited', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));

ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'contact_invited', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
