CREATE TABLE accord.amendments (
    id UUID DEFAULT accord.new_id() NOT NULL,
    partnership_id UUID NOT NULL,
    host_id UUID NOT NULL,
    guest_id UUID NOT NULL,
    told_guest BOOLEAN NOT NULL,
    visible_guest_id UUID GENERATED ALWAYS AS (CASE WHEN told_guest THEN guest_id END) STORED,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    terms_before JSONB NOT NULL,
    terms_after JSONB NOT NULL,
    opens_everything BOOLEAN NOT NULL,
    proposed_by UUID NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    host_decision TEXT,
    host_decided_by UUID,
    host_decided_at TIMESTAMP WITH TIME ZONE,
    guest_decision TEXT,
    guest_decided_by UUID,
    guest_decided_at TIMESTAMP WITH TIME ZONE,
    decision_reason TEXT,
    lapses_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_amendments PRIMARY KEY (id),
    CONSTRAINT fk_amendments_partnership_id_host_id_guest_id FOREIGN KEY(partnership_id, host_id, guest_id) REFERENCES accord.partnerships (id, host_id, guest_id),
    CONSTRAINT ck_amendments_side_known CHECK (side IN ('GUEST', 'HOST')),
    CONSTRAINT ck_amendments_kind_known CHECK (kind IN ('NARROW', 'WIDEN')),
    CONSTRAINT ck_amendments_state_known CHECK (state IN ('APPLIED', 'DECLINED', 'LAPSED', 'PENDING_GUEST', 'PENDING_HOST', 'WITHDRAWN')),
    CONSTRAINT ck_amendments_host_decision_known CHECK (host_decision IN ('APPROVED', 'DECLINED', 'SKIPPED')),
    CONSTRAINT ck_amendments_guest_decision_known CHECK (guest_decision IN ('ACCEPTED', 'DECLINED')),
    CONSTRAINT ck_amendments_ended_once CHECK ((state IN ('PENDING_GUEST', 'PENDING_HOST')) = (ended_at IS NULL)),
    CONSTRAINT ck_amendments_pending_lapses CHECK ((state IN ('PENDING_GUEST', 'PENDING_HOST')) = (lapses_at IS NOT NULL)),
    CONSTRAINT ck_amendments_narrow_at_once CHECK (kind = 'WIDEN' OR state = 'APPLIED'),
    CONSTRAINT ck_amendments_told CHECK (told_guest OR (side = 'HOST' AND state NOT IN ('PENDING_GUEST', 'APPLIED'))),
    CONSTRAINT ck_amendments_host_applies CHECK (state <> 'APPLIED' OR (host_decided_by IS NOT NULL AND host_decision IN ('APPROVED', 'SKIPPED'))),
    CONSTRAINT ck_amendments_guest_accepts CHECK (state <> 'APPLIED' OR kind = 'NARROW' OR side = 'GUEST' OR guest_decision IS NOT DISTINCT FROM 'ACCEPTED'),
    CONSTRAINT ck_amendments_two_people CHECK (host_decided_by <> guest_decided_by AND proposed_by <> CASE side WHEN 'HOST' THEN guest_decided_by ELSE host_decided_by END),
    CONSTRAINT fk_amendments_proposed_by FOREIGN KEY(proposed_by) REFERENCES accord.users (id),
    CONSTRAINT fk_amendments_host_decided_by FOREIGN KEY(host_decided_by) REFERENCES accord.users (id),
    CONSTRAINT fk_amendments_guest_decided_by FOREIGN KEY(guest_decided_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_amendments_lapses ON accord.amendments (lapses_at) WHERE lapses_at IS NOT NULL;

CREATE INDEX ix_amendments_partnership ON accord.amendments (partnership_id, id);

CREATE UNIQUE INDEX uq_amendments_open ON accord.amendments (partnership_id, told_guest) WHERE state IN ('PENDING_GUEST', 'PENDING_HOST');

ALTER TABLE accord.terms_acceptances
    ALTER COLUMN attempt_id DROP NOT NULL,
    ADD COLUMN amendment_id UUID,
    ADD CONSTRAINT ck_terms_acceptances_for_one_yes CHECK (num_nonnulls(attempt_id, amendment_id) = 1),
    ADD CONSTRAINT uq_terms_acceptances_amendment_id UNIQUE (amendment_id),
    ADD CONSTRAINT fk_terms_acceptances_amendment_id FOREIGN KEY (amendment_id) REFERENCES accord.amendments (id);

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));

ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
