-- What a directory asks for by a name, an address or a key is looked up in an index. A policy would keep a condition with
-- accord.fold() from using one, so that a function answers, for the caller's own organisations alone.

CREATE FUNCTION accord.sent_addresses(profile jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = accord, pg_temp AS $$
    SELECT coalesce(array_agg(accord.fold(email.value ->> 'value')), '{}')
    FROM jsonb_array_elements(CASE jsonb_typeof(profile -> 'emails') WHEN 'array' THEN profile -> 'emails' ELSE '[]' END) email
    WHERE email.value ->> 'value' IS NOT NULL
$$;

CREATE INDEX ix_users_email ON accord.users (accord.fold(email));
CREATE INDEX ix_memberships_address ON accord.memberships (organisation_id, accord.fold(email));
CREATE INDEX ix_memberships_listed ON accord.memberships (organisation_id, id)
    WHERE status IN ('ACTIVE', 'DEACTIVATED');
CREATE INDEX ix_scim_users_addresses ON accord.scim_users USING gin (accord.sent_addresses(profile))
    WITH (fastupdate = off);
CREATE INDEX ix_scim_groups_name ON accord.scim_groups (organisation_id, accord.fold(display_name));

CREATE FUNCTION accord.directory_matches(asking uuid, attribute text, wanted text[]) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = accord, pg_temp AS $$
DECLARE
    forms text[] := ARRAY(SELECT accord.fold(one) FROM unnest(wanted) one);
BEGIN
    IF NOT asking = ANY (accord.mine()) THEN
        RETURN;
    END IF;
    IF attribute = 'username' THEN
        RETURN QUERY SELECT s.id FROM accord.scim_users s
            WHERE s.organisation_id = asking AND accord.fold(s.user_name) = ANY (forms);
    ELSIF attribute = 'sent address' THEN
        RETURN QUERY WITH known AS MATERIALIZED (
                SELECT s.id, s.organisation_id FROM accord.scim_users s WHERE accord.sent_addresses(s.profile) && forms)
            SELECT k.id FROM known k WHERE k.organisation_id = asking;
    ELSIF attribute = 'external id' THEN
        RETURN QUERY SELECT s.id FROM accord.scim_users s
            WHERE s.organisation_id = asking AND s.external_id = ANY (wanted);
    ELSIF attribute = 'membership address' THEN
        RETURN QUERY SELECT m.id FROM accord.memberships m
            WHERE m.organisation_id = asking AND accord.fold(m.email) = ANY (forms);
    ELSIF attribute = 'group name' THEN
        RETURN QUERY SELECT g.id FROM accord.scim_groups g
            WHERE g.organisation_id = asking AND accord.fold(g.display_name) = ANY (forms);
    ELSIF attribute = 'group external id' THEN
        RETURN QUERY SELECT g.id FROM accord.scim_groups g
            WHERE g.organisation_id = asking AND g.external_id = ANY (wanted);
    ELSIF attribute = 'group of' THEN
        RETURN QUERY SELECT i.group_id FROM accord.scim_group_members i
            WHERE i.membership_id = ANY (wanted::uuid[]) AND i.organisation_id = asking;
    END IF;
    IF attribute IN ('username', 'sent address') THEN
        RETURN QUERY SELECT m.id FROM accord.users u JOIN accord.memberships m ON m.user_id = u.id
            WHERE accord.fold(u.email) = ANY (forms) AND m.organisation_id = asking;
    END IF;
END $$;

-- A group knows how many people it has, and has a mark of who they are, whatever their order: the exclusive or of a hash
-- of each. Whoever enters or leaves costs one hash, and two groups with the same people have the same mark.
ALTER TABLE accord.scim_groups ADD COLUMN member_count integer DEFAULT 0 NOT NULL;
ALTER TABLE accord.scim_groups ADD COLUMN members_digest bigint DEFAULT 0 NOT NULL;

UPDATE accord.scim_groups g SET member_count = i.count, members_digest = i.digest
FROM (SELECT group_id, count(*) AS count, bit_xor(hashtextextended(membership_id::text, 0)) AS digest
      FROM accord.scim_group_members GROUP BY group_id) i
WHERE g.id = i.group_id;

CREATE OR REPLACE FUNCTION accord.note_group_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
BEGIN
    UPDATE accord.scim_groups g SET modified_at = now(),
        member_count = g.member_count + CASE TG_OP WHEN 'DELETE' THEN -i.count ELSE i.count END,
        members_digest = g.members_digest # i.digest
    FROM (SELECT group_id, count(*) AS count, bit_xor(hashtextextended(membership_id::text, 0)) AS digest
          FROM changed GROUP BY group_id) i
    WHERE g.id = i.group_id;
    UPDATE accord.memberships SET modified_at = now() WHERE id IN (SELECT membership_id FROM changed);
    RETURN NULL;
END $$;
