ALTER TABLE accord.organisations ADD COLUMN partner_program TEXT DEFAULT 'NONE' NOT NULL;
ALTER TABLE accord.organisations ADD COLUMN partner_status TEXT DEFAULT 'NONE' NOT NULL;
ALTER TABLE accord.organisations ADD COLUMN parent_partner_id UUID;
ALTER TABLE accord.organisations ADD COLUMN ceiling TEXT;
ALTER TABLE accord.organisations
    ADD CONSTRAINT ck_organisations_partner_program_known
        CHECK (partner_program IN ('MSP', 'NONE', 'REFERRAL', 'RESELLER')),
    ADD CONSTRAINT ck_organisations_partner_status_known CHECK (partner_status IN ('ACTIVE', 'NONE', 'SUSPENDED')),
    ADD CONSTRAINT ck_organisations_ceiling_known CHECK (ceiling IN ('MANAGE', 'NONE', 'SUPPORT')),
    ADD CONSTRAINT ck_organisations_partner_has_status CHECK ((partner_program = 'NONE') = (partner_status = 'NONE')),
    ADD CONSTRAINT ck_organisations_parent_of_partner CHECK (parent_partner_id IS NULL OR partner_program <> 'NONE'),
    ADD CONSTRAINT ck_organisations_not_own_parent CHECK (parent_partner_id <> id),
    ADD CONSTRAINT fk_organisations_parent_partner_id
        FOREIGN KEY (parent_partner_id) REFERENCES accord.organisations (id);
CREATE INDEX ix_organisations_parent_partner_id ON accord.organisations (parent_partner_id);

CREATE TABLE accord.partner_links (
    id UUID DEFAULT accord.new_id() NOT NULL,
    customer_id UUID NOT NULL,
    partner_id UUID NOT NULL,
    kind TEXT NOT NULL,
    ceiling TEXT,
    default_level TEXT DEFAULT 'NONE' NOT NULL,
    status TEXT DEFAULT 'ACTIVE' NOT NULL,
    created_by TEXT NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_partner_links PRIMARY KEY (id),
    CONSTRAINT ck_partner_links_kind_known CHECK (kind IN ('MSP', 'PARTNER_OF_RECORD', 'RESELLER')),
    CONSTRAINT ck_partner_links_status_known CHECK (status IN ('ACTIVE', 'ENDED')),
    CONSTRAINT ck_partner_links_ceiling_known CHECK (ceiling IN ('MANAGE', 'NONE', 'SUPPORT')),
    CONSTRAINT ck_partner_links_default_level_known CHECK (default_level IN ('NONE', 'SUPPORT')),
    CONSTRAINT uq_partner_links_id_customer_id_partner_id UNIQUE (id, customer_id, partner_id),
    CONSTRAINT ck_partner_links_two_organisations CHECK (customer_id <> partner_id),
    CONSTRAINT ck_partner_links_ended_once CHECK ((status = 'ENDED') = (ended_at IS NOT NULL)),
    CONSTRAINT fk_partner_links_customer_id FOREIGN KEY(customer_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_partner_links_partner_id FOREIGN KEY(partner_id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_partner_links_customer ON accord.partner_links (customer_id, id);
CREATE INDEX ix_partner_links_partner ON accord.partner_links (partner_id, id);
CREATE UNIQUE INDEX uq_partner_links_of_record ON accord.partner_links (customer_id) WHERE status = 'ACTIVE' AND kind = 'PARTNER_OF_RECORD';
CREATE UNIQUE INDEX uq_partner_links_pair ON accord.partner_links (customer_id, partner_id) WHERE status = 'ACTIVE';

ALTER TABLE accord.partnerships ADD COLUMN link_id UUID;
ALTER TABLE accord.partnerships ADD COLUMN granted_level TEXT DEFAULT 'NONE' NOT NULL;
ALTER TABLE accord.partnerships ADD COLUMN level_changed_by UUID;
ALTER TABLE accord.partnerships ADD COLUMN level_changed_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE accord.partnerships ALTER COLUMN created_by_user_id DROP NOT NULL;
ALTER TABLE accord.partnerships ALTER COLUMN requester_user_id DROP NOT NULL;
ALTER TABLE accord.partnerships
    ADD CONSTRAINT ck_partnerships_granted_level_known CHECK (granted_level IN ('MANAGE', 'NONE', 'SUPPORT')),
    ADD CONSTRAINT ck_partnerships_made_by_somebody
        CHECK (path = 'VENDOR_LINK' OR (created_by_user_id IS NOT NULL AND requester_user_id IS NOT NULL)),
    ADD CONSTRAINT ck_partnerships_level_while_connected
        CHECK (granted_level = 'NONE' OR state IN ('ACTIVE', 'SUSPENDED')),
    ADD CONSTRAINT ck_partnerships_manage_by_a_person CHECK (granted_level <> 'MANAGE' OR level_changed_by IS NOT NULL),
    ADD CONSTRAINT fk_partnerships_link_id FOREIGN KEY (link_id, host_id, guest_id)
        REFERENCES accord.partner_links (id, customer_id, partner_id),
    ADD CONSTRAINT fk_partnerships_level_changed_by FOREIGN KEY (level_changed_by) REFERENCES accord.users (id);
CREATE INDEX ix_partnerships_link ON accord.partnerships (link_id);

CREATE FUNCTION accord.count_customers(partner uuid) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = accord, pg_temp AS $$
    SELECT count(*) FROM accord.partnerships p
    WHERE p.guest_id = partner AND p.state IN ('ACTIVE', 'SUSPENDED')
      AND (accord.operating() OR EXISTS (
        SELECT FROM accord.organisations o
        WHERE o.id = partner AND (o.id = ANY (accord.mine()) OR o.parent_partner_id = ANY (accord.mine()))
      ))
$$;

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'ceiling_changed', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'ceiling_changed', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
