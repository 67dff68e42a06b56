CREATE TABLE accord.organisation_settings (
    id UUID NOT NULL,
    locale TEXT DEFAULT 'en' NOT NULL,
    time_zone TEXT DEFAULT 'UTC' NOT NULL,
    notification_addresses TEXT[] DEFAULT '{}' NOT NULL,
    security_contact TEXT,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_organisation_settings PRIMARY KEY (id),
    CONSTRAINT ck_organisation_settings_addresses_bounded CHECK (cardinality(notification_addresses) <= 20),
    CONSTRAINT fk_organisation_settings_id FOREIGN KEY(id) REFERENCES accord.organisations (id)
);

CREATE TABLE accord.organisation_features (
    organisation_id UUID NOT NULL,
    key TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_organisation_features PRIMARY KEY (organisation_id, key),
    CONSTRAINT fk_organisation_features_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id)
);

CREATE TABLE accord.acting_changes (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    change TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_acting_changes PRIMARY KEY (id),
    CONSTRAINT fk_acting_changes_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_acting_changes_organisation ON accord.acting_changes (organisation_id, created_at);

CREATE TABLE accord.invoices (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    number TEXT NOT NULL,
    issued_on DATE NOT NULL,
    due_on DATE NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    state TEXT DEFAULT 'OPEN' NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    voided_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_invoices PRIMARY KEY (id),
    CONSTRAINT ck_invoices_state_known CHECK (state IN ('OPEN', 'PAID', 'VOID')),
    CONSTRAINT ck_invoices_currency_known CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_invoices_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT ck_invoices_due_after_issue CHECK (due_on >= issued_on),
    CONSTRAINT ck_invoices_paid_at_when_paid CHECK ((state = 'PAID') = (paid_at IS NOT NULL)),
    CONSTRAINT ck_invoices_voided_at_when_void CHECK ((state = 'VOID') = (voided_at IS NOT NULL)),
    CONSTRAINT uq_invoices_organisation_id_number UNIQUE (organisation_id, number),
    CONSTRAINT uq_invoices_whole UNIQUE (id, organisation_id, currency),
    CONSTRAINT fk_invoices_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id)
);

CREATE INDEX ix_invoices_organisation ON accord.invoices (organisation_id, id);

CREATE TABLE accord.wallets (
    id UUID NOT NULL,
    currency TEXT NOT NULL,
    balance_minor BIGINT DEFAULT 0 NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_wallets PRIMARY KEY (id),
    CONSTRAINT ck_wallets_currency_known CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT ck_wallets_balance_not_negative CHECK (balance_minor BETWEEN 0 AND 9007199254740991),
    CONSTRAINT uq_wallets_id_currency UNIQUE (id, currency),
    CONSTRAINT fk_wallets_id FOREIGN KEY(id) REFERENCES accord.organisations (id)
);

CREATE TABLE accord.wallet_entries (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    balance_minor BIGINT NOT NULL,
    invoice_id UUID,
    made_by UUID NOT NULL,
    made_by_name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_wallet_entries PRIMARY KEY (id),
    CONSTRAINT ck_wallet_entries_kind_known CHECK (kind IN ('PAYMENT', 'TOP_UP')),
    CONSTRAINT ck_wallet_entries_sign_of_kind CHECK ((kind = 'PAYMENT') = (amount_minor < 0)),
    CONSTRAINT ck_wallet_entries_payment_of_invoice CHECK ((kind = 'PAYMENT') = (invoice_id IS NOT NULL)),
    CONSTRAINT ck_wallet_entries_amounts_possible CHECK (amount_minor <> 0 AND balance_minor >= 0),
    CONSTRAINT fk_wallet_entries_wallet FOREIGN KEY(organisation_id, currency) REFERENCES accord.wallets (id, currency),
    CONSTRAINT fk_wallet_entries_invoice FOREIGN KEY(invoice_id, organisation_id, currency) REFERENCES accord.invoices (id, organisation_id, currency),
    CONSTRAINT uq_wallet_entries_invoice_id UNIQUE (invoice_id),
    CONSTRAINT fk_wallet_entries_made_by FOREIGN KEY(made_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_wallet_entries_organisation ON accord.wallet_entries (organisation_id, id);

CREATE INDEX ix_activity_events_occurred_at ON accord.activity_events (stream_id, occurred_at);

CREATE FUNCTION accord.rename_organisation(organisation uuid, wanted text) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = accord, pg_temp AS $$
    UPDATE accord.organisations SET name = wanted, version = version + 1
    WHERE id = organisation AND id = ANY (accord.mine())
$$;

ALTER TABLE accord.mails DROP CONSTRAINT ck_mails_template_known;
ALTER TABLE accord.mails ADD CONSTRAINT ck_mails_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));

ALTER TABLE accord.notifications DROP CONSTRAINT ck_notifications_template_known;
ALTER TABLE accord.notifications ADD CONSTRAINT ck_notifications_template_known CHECK (template IN ('accepted', 'access_decided', 'access_expiring', 'access_removed', 'access_requested', 'acting_digest', 'amendment_applied', 'amendment_closed', 'amendment_declined', 'amendment_proposed', 'ceiling_changed', 'contact_invited', 'customer_approved', 'customer_declined', 'customer_requested', 'expiring', 'guest_declined', 'host_declined', 'invitation', 'invitation_sent', 'invoice_paid', 'lapse_notice', 'lapsed', 'last_admin_refused', 'level_changed', 'level_disabled', 'member_invited', 'needs_owner', 'organisation_created', 'ownership_moved', 'partner_link_ended', 'partner_linked', 'partnership_ended', 'partnership_extended', 'partnership_resumed', 'partnership_suspended', 'reminder', 'representative_changed', 'request_filed', 'role_changed', 'roles_cleared', 'roles_delegated', 'share_resumed', 'share_suspended', 'shared', 'withdrawn'));
