ALTER TABLE accord.organisation_policies ADD COLUMN admin_may_invite BOOLEAN DEFAULT false NOT NULL;

CREATE TABLE accord.directory_entries (
    id UUID NOT NULL,
    listed BOOLEAN DEFAULT false NOT NULL,
    email TEXT,
    request_code TEXT,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_directory_entries PRIMARY KEY (id),
    CONSTRAINT uq_directory_entries_request_code UNIQUE (request_code),
    CONSTRAINT fk_directory_entries_id FOREIGN KEY(id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_directory_entries_listed ON accord.directory_entries (id) WHERE listed;

ALTER TABLE accord.partnerships ADD COLUMN asked_by_guest BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE accord.partnerships DROP CONSTRAINT ck_partnerships_untold;
ALTER TABLE accord.partnerships
    ADD CONSTRAINT ck_partnerships_untold CHECK (state <> 'AWAITING_HOST_APPROVAL' OR told_guest = asked_by_guest),
    ADD CONSTRAINT ck_partnerships_guest_asks CHECK (NOT asked_by_guest OR path = 'GUEST_REQUEST');

-- the policies that name the column are made anew after every migration
ALTER TABLE accord.attempts DROP COLUMN visible_guest_id CASCADE;
ALTER TABLE accord.attempts ADD COLUMN by_guest BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE accord.attempts ADD COLUMN visible_guest_id UUID GENERATED ALWAYS AS
    (CASE WHEN by_guest OR host_decision IN ('APPROVED', 'SKIPPED') THEN guest_id END) STORED;

-- a guest that asked consents when it asks, and again to what the host has made of it
ALTER TABLE accord.terms_acceptances DROP CONSTRAINT uq_terms_acceptances_attempt_id;
CREATE INDEX ix_terms_acceptances_attempt_id ON accord.terms_acceptances (attempt_id);

CREATE FUNCTION accord.partner_directory(search text) RETURNS TABLE (handle text, name text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
    SELECT o.handle, o.name
    FROM accord.directory_entries e JOIN accord.organisations o ON o.id = e.id
    WHERE e.listed AND o.partners_enabled AND o.status = 'ACTIVE' AND o.partner_status <> 'SUSPENDED'
      AND NOT (o.id = ANY (accord.mine()))
      AND CASE WHEN strpos(search, '@') > 0 THEN lower(e.email) = lower(search)
          ELSE strpos(lower(o.name), lower(search)) > 0 END
    ORDER BY lower(o.name), o.handle LIMIT 25
$$;

CREATE FUNCTION accord.published_address(wanted text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
    SELECT e.email FROM accord.directory_entries e JOIN accord.organisations o ON o.id = e.id
    WHERE o.handle = wanted AND e.listed
$$;

CREATE FUNCTION accord.requestable(wanted text, code text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
    SELECT o.handle
    FROM accord.organisations o LEFT JOIN accord.directory_entries e ON e.id = o.id
    WHERE o.status = 'ACTIVE' AND o.partners_enabled
      AND CASE WHEN code IS NULL THEN o.handle = wanted AND e.request_code IS NULL ELSE e.request_code = code END
$$;

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));

ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
