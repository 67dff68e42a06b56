ALTER TABLE accord.partnerships ADD COLUMN auto_extend INTERVAL;
ALTER TABLE accord.partnerships ADD COLUMN suspended_by TEXT[] NOT NULL DEFAULT '{}';
ALTER TABLE accord.partnerships
    ADD CONSTRAINT ck_partnerships_suspended_by_somebody CHECK ((state = 'SUSPENDED') = (suspended_by <> '{}'));
ALTER TABLE accord.partnerships
    ADD CONSTRAINT ck_partnerships_holders_known CHECK (suspended_by <@ ARRAY['GUEST', 'HOST', 'OPERATOR']);
ALTER TABLE accord.partnerships
    ADD CONSTRAINT ck_partnerships_extension_positive CHECK (auto_extend > interval '0');

CREATE TABLE accord.organisation_policies (
    id UUID NOT NULL,
    max_partnership_duration INTERVAL,
    default_auto_extend INTERVAL,
    require_mfa BOOLEAN DEFAULT false NOT NULL,
    allowed_partners UUID[] DEFAULT '{}' NOT NULL,
    blocked_partners UUID[] DEFAULT '{}' NOT NULL,
    auto_approve_partners UUID[] DEFAULT '{}' NOT NULL,
    host_admin_may_unshare BOOLEAN DEFAULT true NOT NULL,
    frozen BOOLEAN DEFAULT false NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_organisation_policies PRIMARY KEY (id),
    CONSTRAINT ck_organisation_policies_duration_positive CHECK (max_partnership_duration > interval '0'),
    CONSTRAINT ck_organisation_policies_extension_positive CHECK (default_auto_extend > interval '0'),
    CONSTRAINT fk_organisation_policies_id FOREIGN KEY (id) REFERENCES accord.organisations (id)
);

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
