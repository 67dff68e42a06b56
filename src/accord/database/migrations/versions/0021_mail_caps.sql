-- What each cap counts is a column of its own; the addresses of mails so far are counted as they are written.
ALTER TABLE accord.mails ADD COLUMN address_key TEXT DEFAULT '' NOT NULL;
ALTER TABLE accord.mails ADD COLUMN about TEXT;
ALTER TABLE accord.mails ADD COLUMN budget TEXT;
ALTER TABLE accord.mails ADD COLUMN claimed_at TIMESTAMP WITH TIME ZONE;
UPDATE accord.mails SET address_key = lower(address) WHERE created_at > now() - interval '1 day';
UPDATE accord.mails
SET budget = CASE template WHEN 'member_invited' THEN 'MEMBERS' ELSE 'PARTNERS' END
WHERE external AND created_at > now() - interval '1 day';
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_budget_known CHECK (budget IN ('ACTING', 'MEMBERS', 'PARTNERS'));
ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_state_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_state_known
    CHECK (state IN ('DEAD', 'FAILED', 'QUEUED', 'SENDING', 'SENT'));
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_claimed_at_when_sending
    CHECK (state <> 'SENDING' OR claimed_at IS NOT NULL);
ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
DROP INDEX accord.ix_mails_counted;
CREATE INDEX ix_mails_budget ON accord.mails (organisation_id, budget, created_at) WHERE budget IS NOT NULL;
CREATE INDEX ix_mails_recipient ON accord.mails (organisation_id, address_key, created_at);

CREATE TABLE accord.mail_turns (
    key TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER NOT NULL,
    waiting BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_mail_turns PRIMARY KEY (key)
);

CREATE TABLE accord.held_mails (
    id UUID DEFAULT accord.new_id() NOT NULL,
    key TEXT NOT NULL,
    organisation_id UUID NOT NULL,
    partnership_id UUID,
    template TEXT NOT NULL,
    address TEXT NOT NULL,
    about TEXT,
    budget TEXT,
    display_name TEXT,
    facts JSONB NOT NULL,
    secret TEXT,
    due_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_held_mails PRIMARY KEY (id),
    CONSTRAINT ck_held_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'auto_extend_changed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'notice_digest', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn')),
    CONSTRAINT ck_held_mails_budget_known CHECK (budget IN ('ACTING', 'MEMBERS', 'PARTNERS')),
    CONSTRAINT ck_held_mails_due_at_with_secret CHECK ((due_at IS NULL) = (secret IS NULL)),
    CONSTRAINT fk_held_mails_organisation_id FOREIGN KEY (organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_held_mails_partnership_id FOREIGN KEY (partnership_id) REFERENCES accord.partnerships (id)
);
CREATE INDEX ix_held_mails_key ON accord.held_mails (key);
CREATE INDEX ix_held_mails_due_at ON accord.held_mails (due_at) WHERE due_at IS NOT NULL;

ALTER TABLE accord.organisations ADD COLUMN partner_mails_per_day INTEGER;
ALTER TABLE accord.organisations ADD COLUMN member_mails_per_day INTEGER;
ALTER TABLE accord.organisations ADD COLUMN acting_mails_per_day INTEGER;
ALTER TABLE accord.organisations ADD CONSTRAINT ck_organisations_mails_per_day_positive
    CHECK (least(partner_mails_per_day, member_mails_per_day, acting_mails_per_day) > 0);
