ALTER TABLE accord.memberships ADD COLUMN directory_roles TEXT[] DEFAULT '{}' NOT NULL;
ALTER TABLE accord.memberships ADD COLUMN source TEXT DEFAULT 'LOCAL' NOT NULL;
ALTER TABLE accord.memberships ADD COLUMN unclaimed BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE accord.memberships ADD CONSTRAINT ck_memberships_source_known CHECK (source IN ('LOCAL', 'SCIM'));
ALTER TABLE accord.memberships ADD CONSTRAINT ck_memberships_directory_roles_held CHECK (directory_roles <@ roles);
ALTER TABLE accord.memberships ADD CONSTRAINT uq_memberships_id_organisation_id UNIQUE (id, organisation_id);
ALTER TABLE accord.memberships DROP CONSTRAINT ck_memberships_token_while_invited;
ALTER TABLE accord.memberships ADD CONSTRAINT ck_memberships_token_while_invited
    CHECK (token_hash IS NULL OR status = 'INVITED' OR (status = 'ACTIVE' AND unclaimed));

CREATE TABLE accord.scim_credentials (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    label TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    created_by UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_scim_credentials PRIMARY KEY (id),
    CONSTRAINT uq_scim_credentials_token_hash UNIQUE (token_hash),
    CONSTRAINT fk_scim_credentials_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id),
    CONSTRAINT fk_scim_credentials_created_by FOREIGN KEY(created_by) REFERENCES accord.users (id)
);

CREATE INDEX ix_scim_credentials_organisation ON accord.scim_credentials (organisation_id, id);

CREATE TABLE accord.scim_users (
    id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    user_name TEXT NOT NULL,
    external_id TEXT,
    profile JSONB DEFAULT '{}' NOT NULL,
    refused_at TIMESTAMP WITH TIME ZONE,
    version INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_scim_users PRIMARY KEY (id),
    CONSTRAINT fk_scim_users_id FOREIGN KEY(id) REFERENCES accord.memberships (id),
    CONSTRAINT fk_scim_users_member FOREIGN KEY(id, organisation_id) REFERENCES accord.memberships (id, organisation_id),
    CONSTRAINT uq_scim_users_organisation_id_external_id UNIQUE (organisation_id, external_id)
);

CREATE UNIQUE INDEX uq_scim_users_user_name ON accord.scim_users (organisation_id, lower(user_name));

CREATE TABLE accord.scim_groups (
    id UUID DEFAULT accord.new_id() NOT NULL,
    organisation_id UUID NOT NULL,
    display_name TEXT NOT NULL,
    external_id TEXT,
    roles TEXT[] DEFAULT '{}' NOT NULL,
    version INTEGER DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_scim_groups PRIMARY KEY (id),
    CONSTRAINT uq_scim_groups_id_organisation_id UNIQUE (id, organisation_id),
    CONSTRAINT uq_scim_groups_organisation_id_external_id UNIQUE (organisation_id, external_id),
    CONSTRAINT ck_scim_groups_never_legal_representative CHECK (NOT ('LEGAL_REPRESENTATIVE' = ANY (roles))),
    CONSTRAINT fk_scim_groups_organisation_id FOREIGN KEY(organisation_id) REFERENCES accord.organisations (id)
);

CREATE TABLE accord.scim_group_members (
    group_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    organisation_id UUID NOT NULL,
    CONSTRAINT pk_scim_group_members PRIMARY KEY (group_id, membership_id),
    CONSTRAINT fk_scim_group_members_group FOREIGN KEY(group_id, organisation_id) REFERENCES accord.scim_groups (id, organisation_id),
    CONSTRAINT fk_scim_group_members_member FOREIGN KEY(membership_id, organisation_id) REFERENCES accord.memberships (id, organisation_id)
);

CREATE INDEX ix_scim_group_members_membership_id ON accord.scim_group_members (membership_id);
