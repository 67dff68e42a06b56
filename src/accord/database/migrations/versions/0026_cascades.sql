-- What an act has begun and the worker finishes, a batch a transaction.

CREATE TABLE accord.cascades (
    id uuid NOT NULL DEFAULT accord.new_id(),
    organisation_id uuid NOT NULL,
    actor_user_id uuid,
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    facts jsonb,
    author jsonb,
    total integer NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    position uuid,
    failed uuid[] DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    finished_at timestamptz,
    CONSTRAINT pk_cascades PRIMARY KEY (id),
    CONSTRAINT ck_cascades_kind_known CHECK (kind IN ('BOUND_PARTNERSHIPS', 'END_ACCOUNT_SHARES', 'END_PARTNERSHIPS', 'END_SHARES', 'HOLD_PARTNERSHIPS', 'RELEASE_PARTNERSHIPS', 'REPLACE_MEMBER')),
    CONSTRAINT ck_cascades_counts CHECK (total > 0 AND done >= 0),
    CONSTRAINT ck_cascades_author_until_finished CHECK ((finished_at IS NULL) = (author IS NOT NULL)),
    CONSTRAINT ck_cascades_facts_until_finished CHECK ((finished_at IS NULL) = (facts IS NOT NULL))
);
CREATE INDEX ix_cascades_organisation ON accord.cascades (organisation_id, id);
CREATE INDEX ix_cascades_unfinished ON accord.cascades (id) WHERE finished_at IS NULL;

-- One mail where one act concerns many things.

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'changed_together', 'claim_confirmed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_claimed', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'last_legal_representative_refused', 'leading_roles_changed', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'changed_together', 'claim_confirmed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_claimed', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'last_legal_representative_refused', 'leading_roles_changed', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.held_mails DROP CONSTRAINT ck_held_mails_template_known;
ALTER TABLE accord.held_mails ADD CONSTRAINT ck_held_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'changed_together', 'claim_confirmed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_claimed', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'last_legal_representative_refused', 'leading_roles_changed', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
