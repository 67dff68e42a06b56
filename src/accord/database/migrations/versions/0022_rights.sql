-- Tickets made before this are redeemed as those of a sign-in without a second factor; they live a minute.
ALTER TABLE accord.tickets ADD COLUMN mfa BOOLEAN DEFAULT false NOT NULL;

-- Who has put a role on a directory's group, and who made the credential by which somebody was put into one. For roles
-- that stand, the person of the newest event about the group is taken; who filled it was not kept.
ALTER TABLE accord.scim_groups ADD COLUMN given_by JSONB DEFAULT '{}' NOT NULL;
ALTER TABLE accord.scim_group_members ADD COLUMN added_by UUID
    CONSTRAINT fk_scim_group_members_added_by REFERENCES accord.users (id);
UPDATE accord.scim_groups g SET given_by = (
    SELECT jsonb_object_agg(role, jsonb_build_array(said.actor_user_id))
    FROM unnest(g.roles) AS role, LATERAL (
        SELECT e.actor_user_id FROM accord.activity_events e
        WHERE e.stream_id = g.organisation_id AND e.type = 'scim_group.roles_set'
          AND e.data ->> 'group' = 'scimgroup_' || g.id AND e.actor_user_id IS NOT NULL
        ORDER BY e.sequence DESC LIMIT 1
    ) AS said
)
WHERE cardinality(g.roles) > 0 AND EXISTS (
    SELECT FROM accord.activity_events e
    WHERE e.stream_id = g.organisation_id AND e.type = 'scim_group.roles_set'
      AND e.data ->> 'group' = 'scimgroup_' || g.id AND e.actor_user_id IS NOT NULL
);

-- Who used an invitation's link that was mailed to another address, and what the organisation said to it.
CREATE TABLE accord.invitation_claims (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    membership_id UUID,
    contact_id UUID,
    by_operator BOOLEAN NOT NULL,
    link_hash TEXT NOT NULL,
    invited_email TEXT NOT NULL,
    roles TEXT[] DEFAULT '{}' NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id UUID,
    email TEXT,
    email_verified BOOLEAN NOT NULL,
    display_name TEXT,
    state TEXT NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_invitation_claims PRIMARY KEY (id),
    CONSTRAINT ck_invitation_claims_state_known CHECK (state IN ('CONFIRMED', 'LAPSED', 'REFUSED', 'WAITING')),
    CONSTRAINT ck_invitation_claims_one_invitation CHECK ((membership_id IS NULL) <> (contact_id IS NULL)),
    CONSTRAINT ck_invitation_claims_decided_once CHECK ((state IN ('CONFIRMED', 'REFUSED')) = (decided_at IS NOT NULL)),
    CONSTRAINT fk_invitation_claims_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_invitation_claims_membership_id FOREIGN KEY(membership_id) REFERENCES accord.memberships (id),
    CONSTRAINT fk_invitation_claims_contact_id FOREIGN KEY(contact_id) REFERENCES accord.external_contacts (id)
);

CREATE INDEX ix_invitation_claims_organisation ON accord.invitation_claims (organisation_id, id);

CREATE INDEX ix_invitation_claims_link ON accord.invitation_claims (link_hash);

CREATE UNIQUE INDEX uq_invitation_claims_waiting ON accord.invitation_claims (link_hash) WHERE state = 'WAITING';

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'claim_confirmed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_claimed', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'last_legal_representative_refused', 'leading_roles_changed', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'claim_confirmed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_claimed', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'last_legal_representative_refused', 'leading_roles_changed', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.held_mails DROP CONSTRAINT ck_held_mails_template_known;
ALTER TABLE accord.held_mails ADD CONSTRAINT ck_held_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'claim_confirmed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_claimed', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'last_legal_representative_refused', 'leading_roles_changed', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
