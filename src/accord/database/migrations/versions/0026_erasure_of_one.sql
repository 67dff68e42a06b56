-- Erasing somebody leaves what is others': the keys and words of stored JSON, addresses of others, open invitations.

-- Only texts inside of JSON are redacted: never a key, a number, or what the product itself writes as a word or a key.
CREATE FUNCTION accord.redacted_json(said jsonb, addresses text, names text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    CASE jsonb_typeof(said)
    WHEN 'string' THEN
        RETURN to_jsonb(accord.redacted(said #>> '{}', addresses, names));
    WHEN 'array' THEN
        RETURN (
            SELECT coalesce(jsonb_agg(accord.redacted_json(e, addresses, names) ORDER BY n), '[]')
            FROM jsonb_array_elements(said) WITH ORDINALITY a (e, n));
    WHEN 'object' THEN
        RETURN (
            SELECT coalesce(jsonb_object_agg(k, CASE
                WHEN k = ANY (ARRAY['purposes', 'accessMode', 'level', 'expiresAt', 'account', 'role', 'listedBy'])
                THEN e ELSE accord.redacted_json(e, addresses, names) END), '{}')
            FROM jsonb_each(said) o (k, e));
    ELSE
        RETURN said;
    END CASE;
END $$;

-- Has somebody else this address? Directories and former events say whatever they like of a person.
CREATE FUNCTION accord.is_of_others(gone accord.gone_person, address text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = accord, pg_temp AS $$
    SELECT EXISTS (SELECT FROM accord.users u WHERE accord.fold(u.email) = address AND u.id <> ALL (gone.people))
        OR EXISTS (SELECT FROM accord.memberships m WHERE accord.fold(m.email) = address AND m.id <> ALL (gone.places))
        OR EXISTS (
            SELECT FROM accord.external_contacts c WHERE accord.fold(c.email) = address AND c.id <> ALL (gone.contacts))
        OR EXISTS (
            SELECT FROM accord.partnerships p WHERE accord.fold(p.contact_email) = address AND p.ended_at IS NULL)
        OR EXISTS (
            SELECT FROM accord.organisation_settings s, unnest(s.notification_addresses || s.security_contact) a
            WHERE s.id <> ALL (gone.organisations) AND accord.fold(a) = address)
        OR EXISTS (
            SELECT FROM accord.directory_entries d
            WHERE d.id <> ALL (gone.organisations) AND accord.fold(d.email) = address)
        OR EXISTS (
            SELECT FROM accord.role_delegations d, unnest(d.notify_addresses) a
            WHERE d.guest_id <> ALL (gone.organisations) AND accord.fold(a) = address)
$$;

CREATE OR REPLACE FUNCTION accord.addresses_of(gone accord.gone_person, ids text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = accord, pg_temp AS $$
    SELECT array_agg(DISTINCT lower(a)) || array_agg(DISTINCT accord.fold(a)) FROM (
        SELECT unnest(gone.addresses) AS a
        UNION ALL SELECT b.email FROM accord.browser_sessions b WHERE b.user_id = ANY (gone.people)
        UNION ALL SELECT s.user_name FROM accord.scim_users s WHERE s.id = ANY (gone.places)
        UNION ALL SELECT jsonb_path_query(s.profile, 'lax $.emails[*].value') #>> '{}'
            FROM accord.scim_users s WHERE s.id = ANY (gone.places)
        UNION ALL SELECT said.a FROM accord.activity_events e,
            LATERAL (VALUES (e.data #>> '{email,from}'), (e.data #>> '{email,to}')) said (a) WHERE e.data::text ~ ids
    ) known
    WHERE a LIKE '%_@_%' AND a NOT LIKE '%@erased.invalid'
        AND (accord.fold(a) = ANY (gone.addresses) OR NOT accord.is_of_others(gone, accord.fold(a)))
$$;

CREATE OR REPLACE FUNCTION accord.erase_from_texts(addresses text, names text, near uuid[]) RETURNS void
    LANGUAGE plpgsql SET search_path = accord, pg_temp AS $$
DECLARE
    place record;
BEGIN
    FOR place IN SELECT * FROM (VALUES
        ('partnerships', 'end_reason', 'host_id', 'redacted'),
        ('attempts', 'reason', 'host_id', 'redacted'),
        ('attempts', 'host_reason', 'host_id', 'redacted'),
        ('attempts', 'guest_reason', 'host_id', 'redacted'),
        ('attempts', 'terms', 'host_id', 'redacted_json'),
        ('amendments', 'decision_reason', 'host_id', 'redacted'),
        ('amendments', 'terms_before', 'host_id', 'redacted_json'),
        ('amendments', 'terms_after', 'host_id', 'redacted_json'),
        ('access_items', 'note', 'host_id', 'redacted'),
        ('access_items', 'decision_note', 'host_id', 'redacted'),
        ('acting_sessions', 'reason', 'host_id', 'redacted'),
        ('acting_changes', 'change', 'organisation_id', 'redacted'),
        ('notifications', 'subject', 'organisation_id', 'redacted'),
        ('notifications', 'text', 'organisation_id', 'redacted'),
        ('mails', 'facts', 'organisation_id', 'redacted_json'),
        ('mails', 'last_error', 'organisation_id', 'redacted'),
        ('mails', 'display_name', 'organisation_id', 'redacted'),
        ('held_mails', 'facts', 'organisation_id', 'redacted_json'),
        ('held_mails', 'display_name', 'organisation_id', 'redacted'),
        ('api_clients', 'name', 'organisation_id', 'redacted'),
        ('scim_credentials', 'label', 'organisation_id', 'redacted'),
        ('scim_groups', 'display_name', 'organisation_id', 'redacted'),
        ('accounts', 'label', 'host_id', 'redacted'),
        ('organisation_settings', 'security_contact', 'id', 'redacted')
    ) t (name, said, whose, redacts) LOOP
        EXECUTE format(
            'UPDATE accord.%1$I SET %2$I = accord.%4$s(%2$I, $1, CASE WHEN %3$I = ANY ($3) THEN $2 END)'
            ' WHERE accord.mentions(%2$I::text, $1, CASE WHEN %3$I = ANY ($3) THEN $2 END)',
            place.name, place.said, place.whose, place.redacts) USING addresses, names, near;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION accord.lock_gone_person(who uuid, place uuid, contact uuid) RETURNS accord.gone_person
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    found accord.gone_person;
BEGIN
    PERFORM accord.may_erase();
    SELECT array_agg(DISTINCT lower(a)) || array_agg(DISTINCT accord.fold(a)) INTO found.addresses FROM (
        SELECT u.email AS a FROM accord.users u WHERE u.id = who
        UNION ALL SELECT m.email FROM accord.memberships m WHERE m.user_id = who OR m.id = place
        UNION ALL SELECT u.email FROM accord.users u JOIN accord.memberships m ON m.user_id = u.id WHERE m.id = place
        UNION ALL SELECT c.email FROM accord.external_contacts c WHERE c.user_id = who OR c.id = contact
    ) known;
    IF found.addresses IS NULL THEN
        RETURN NULL;
    END IF;
    found.is_erased := (SELECT bool_and(a LIKE '%@erased.invalid') FROM unnest(found.addresses) a);
    found.addresses := ARRAY(SELECT a FROM unnest(found.addresses) a WHERE a NOT LIKE '%@erased.invalid');
    found.people := ARRAY(
        SELECT u.id FROM accord.users u WHERE u.id = who OR accord.fold(u.email) = ANY (found.addresses)
            OR EXISTS (
                SELECT FROM accord.memberships m
                WHERE m.user_id = u.id AND (m.id = place OR accord.fold(m.email) = ANY (found.addresses)))
        ORDER BY 1 FOR UPDATE);
    found.places := ARRAY(
        SELECT m.id FROM accord.memberships m
        WHERE m.id = place OR m.user_id = ANY (found.people) OR accord.fold(m.email) = ANY (found.addresses)
        ORDER BY 1 FOR UPDATE);
    found.contacts := ARRAY(
        SELECT c.id FROM accord.external_contacts c
        WHERE c.id = contact OR c.user_id = ANY (found.people) OR accord.fold(c.email) = ANY (found.addresses)
        ORDER BY 1 FOR UPDATE);
    found.addresses := ARRAY(
        SELECT DISTINCT unnest(ARRAY[lower(a), accord.fold(a)]) FROM (
            SELECT unnest(found.addresses) AS a
            UNION ALL SELECT u.email FROM accord.users u WHERE u.id = ANY (found.people)
            UNION ALL SELECT m.email FROM accord.memberships m WHERE m.id = ANY (found.places)
            UNION ALL SELECT c.email FROM accord.external_contacts c WHERE c.id = ANY (found.contacts)
        ) known WHERE a NOT LIKE '%@erased.invalid');
    found.organisations := ARRAY(
        SELECT m.organisation_id FROM accord.memberships m WHERE m.id = ANY (found.places)
        UNION SELECT u.home_organisation_id FROM accord.users u WHERE u.id = ANY (found.people)
        UNION SELECT c.host_id FROM accord.external_contacts c WHERE c.id = ANY (found.contacts));
    found.is_live := EXISTS (
            SELECT FROM accord.memberships m WHERE m.id = ANY (found.places) AND m.status <> 'REMOVED')
        OR EXISTS (
            SELECT FROM accord.external_contacts c WHERE c.id = ANY (found.contacts) AND c.ended_at IS NULL)
        OR EXISTS (
            SELECT FROM accord.partnerships p LEFT JOIN accord.invitations i
                ON i.partnership_id = p.id AND i.used_at IS NULL AND i.voided_at IS NULL
            WHERE p.state IN ('AWAITING_HOST_APPROVAL', 'AWAITING_GUEST_ACCEPTANCE', 'DECLINED_BY_GUEST')
                AND (accord.fold(p.contact_email) = ANY (found.addresses) OR accord.fold(i.email) = ANY (found.addresses)))
        OR EXISTS (
            SELECT FROM accord.invitation_claims c
            WHERE c.state = 'WAITING' AND (
                c.user_id = ANY (found.people) OR accord.fold(c.email) = ANY (found.addresses)
                OR accord.fold(c.invited_email) = ANY (found.addresses) OR EXISTS (
                    SELECT FROM accord.identities i WHERE i.user_id = ANY (found.people)
                        AND (i.issuer, i.subject) = (c.issuer, c.subject))));
    RETURN found;
END $$;
