ALTER TABLE accord.organisation_policies
    ADD COLUMN roles_only_to_partner_of_record BOOLEAN DEFAULT true NOT NULL,
    ADD COLUMN representative_manages_groups BOOLEAN DEFAULT false NOT NULL;

CREATE TABLE accord.role_delegations (
    id UUID DEFAULT accord.new_id() NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    group_state TEXT GENERATED ALWAYS AS (CASE WHEN state = 'ACTIVE' THEN 'ACTIVE' ELSE 'DELETED' END) STORED,
    notify_addresses TEXT[] DEFAULT '{}' NOT NULL,
    granted_by UUID NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_role_delegations PRIMARY KEY (id),
    CONSTRAINT ck_role_delegations_role_known CHECK (role IN ('DECISION_MAKER', 'PHONE_MANAGER')),
    CONSTRAINT ck_role_delegations_state_known CHECK (state IN ('ACTIVE', 'EXPIRED', 'REVOKED')),
    CONSTRAINT ck_role_delegations_ended_once CHECK ((state = 'ACTIVE') = (ended_at IS NULL)),
    CONSTRAINT ck_role_delegations_somebody_told CHECK (cardinality(notify_addresses) BETWEEN 1 AND 20),
    CONSTRAINT fk_role_delegations_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT uq_role_delegations_whole UNIQUE (id, partnership_id, host_id, guest_id, role, group_state),
    CONSTRAINT fk_role_delegations_granted_by FOREIGN KEY(granted_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_role_delegations_partnership ON accord.role_delegations (partnership_id, id);

CREATE UNIQUE INDEX uq_role_delegations_live ON accord.role_delegations (partnership_id, role) WHERE state = 'ACTIVE';

CREATE TABLE accord.role_groups (
    id UUID DEFAULT accord.new_id() NOT NULL,
    delegation_id UUID NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_role_groups PRIMARY KEY (id),
    CONSTRAINT ck_role_groups_state_known CHECK (state IN ('ACTIVE', 'DELETED')),
    CONSTRAINT fk_role_groups_delegation FOREIGN KEY(delegation_id, partnership_id, host_id, guest_id, role, state) REFERENCES accord.role_delegations (id, partnership_id, host_id, guest_id, role, group_state) ON UPDATE CASCADE,
    CONSTRAINT uq_role_groups_whole UNIQUE (id, partnership_id, host_id, guest_id),
    CONSTRAINT uq_role_groups_id_state UNIQUE (id, state),
    CONSTRAINT uq_role_groups_delegation_id UNIQUE (delegation_id)
);

CREATE INDEX ix_role_groups_guest ON accord.role_groups (guest_id, id);

CREATE TABLE accord.role_group_members (
    id UUID DEFAULT accord.new_id() NOT NULL,
    group_id UUID NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    user_id UUID NOT NULL,
    added_by UUID NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    group_state TEXT GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN 'ACTIVE' END) STORED,
    member_status TEXT GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN 'ACTIVE' END) STORED,
    CONSTRAINT pk_role_group_members PRIMARY KEY (id),
    CONSTRAINT fk_role_group_members_group FOREIGN KEY(group_id, partnership_id, host_id, guest_id) REFERENCES accord.role_groups (id, partnership_id, host_id, guest_id),
    CONSTRAINT fk_role_group_members_active_group FOREIGN KEY(group_id, group_state) REFERENCES accord.role_groups (id, state),
    CONSTRAINT fk_role_group_members_active_member FOREIGN KEY(guest_id, user_id, member_status) REFERENCES accord.memberships (organisation_id, user_id, status),
    CONSTRAINT fk_role_group_members_user_id FOREIGN KEY(user_id) REFERENCES accord.users (id),
    CONSTRAINT fk_role_group_members_added_by FOREIGN KEY(added_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_role_group_members_group ON accord.role_group_members (group_id, id);

CREATE INDEX ix_role_group_members_user ON accord.role_group_members (user_id, partnership_id) WHERE ended_at IS NULL;

CREATE UNIQUE INDEX uq_role_group_members_live ON accord.role_group_members (group_id, user_id) WHERE ended_at IS NULL;

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'ceiling_changed', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));

ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'ceiling_changed', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
