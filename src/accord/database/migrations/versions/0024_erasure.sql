-- People who are gone can be erased: their personal facts leave every table, and the chains still verify.

ALTER TABLE accord.memberships ADD COLUMN removed_at TIMESTAMP WITH TIME ZONE;

UPDATE accord.memberships SET removed_at = now() WHERE status = 'REMOVED';

CREATE INDEX ix_notifications_created_at ON accord.notifications (created_at);

CREATE FUNCTION accord.note_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'REMOVED' THEN
        NEW.removed_at := NULL;
    ELSIF NEW.removed_at IS NULL THEN
        NEW.removed_at := now();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER note_removal BEFORE INSERT OR UPDATE OF status ON accord.memberships
    FOR EACH ROW EXECUTE FUNCTION accord.note_removal();

-- The owner may blank texts in rows that are otherwise kept as they are; `others` are not compared.
CREATE FUNCTION accord.only_erases(kept oid, before jsonb, after jsonb, texts text[], others text[] DEFAULT '{}')
    RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = kept), 'MEMBER')
        AND before - texts - others = after - texts - others
        AND NOT EXISTS (
            SELECT FROM unnest(texts) t
            WHERE after -> t IS DISTINCT FROM before -> t
              AND after ->> t IS NOT NULL AND after ->> t NOT LIKE '%erased%')
$$;

CREATE OR REPLACE FUNCTION accord.keep_decided_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.guest_decision IS NOT NULL OR OLD.host_decision = 'DECLINED') AND NOT (
        TG_OP = 'UPDATE' AND accord.only_erases(
            TG_RELID, to_jsonb(OLD), to_jsonb(NEW),
            ARRAY['reason', 'host_reason', 'guest_reason', 'terms'], ARRAY['visible_guest_id']))
    THEN
        RAISE EXCEPTION 'a decided attempt does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION accord.keep_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.ended_at IS NOT NULL
        OR (OLD.user_id IS NOT NULL AND (NEW.user_id, NEW.home_id) IS DISTINCT FROM (OLD.user_id, OLD.home_id))
        OR (OLD.partnership_id IS NOT NULL AND NEW.partnership_id IS DISTINCT FROM OLD.partnership_id))
        AND NOT accord.only_erases(
            TG_RELID, to_jsonb(OLD), to_jsonb(NEW), ARRAY['email'], ARRAY['member_status'])
    THEN
        RAISE EXCEPTION 'a contact stays who it is, and what has ended stays so' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION accord.keep_api_client() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'REVOKED' AND NOT accord.only_erases(
        TG_RELID, to_jsonb(OLD), to_jsonb(NEW), ARRAY['name'], ARRAY['member_status'])
    THEN
        RAISE EXCEPTION 'a revoked client stays so' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER keep_activity ON accord.activity_events;

CREATE TRIGGER keep_activity BEFORE DELETE OR TRUNCATE ON accord.activity_events
    FOR EACH STATEMENT EXECUTE FUNCTION accord.keep_activity();

CREATE FUNCTION accord.keep_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.salt IS NOT NULL OR NEW.erased IS NULL OR NOT NEW.erased @> coalesce(OLD.erased, '{}')
        OR NOT accord.only_erases(
            TG_RELID, to_jsonb(OLD), to_jsonb(NEW),
            ARRAY['actor_name', 'account_label', 'location', 'os', 'device', 'ip', 'reason'],
            ARRAY['data', 'salt', 'fact_keys', 'erased'])
    THEN
        RAISE EXCEPTION 'activity is append-only' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER keep_event BEFORE UPDATE ON accord.activity_events
    FOR EACH ROW EXECUTE FUNCTION accord.keep_event();

-- Everything that is known of one human being: all rows of people with this key, or with one of their addresses.
CREATE TYPE accord.gone_person AS (
    people uuid[], places uuid[], contacts uuid[], organisations uuid[], addresses text[], is_live boolean,
    is_erased boolean
);

CREATE FUNCTION accord.may_erase() RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT (accord.operating() OR pg_has_role(session_user, 'accord_worker', 'MEMBER')) THEN
        RAISE EXCEPTION 'only the operator and the worker erase people' USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;

CREATE FUNCTION accord.lock_gone_person(who uuid, place uuid, contact uuid) RETURNS accord.gone_person
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

CREATE FUNCTION accord.literal_pattern(word text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT regexp_replace(word, '([][\\.*+?^$(){}|])', '\\\1', 'g') $$;

-- A pattern that finds these words as whole ones, also as JSON spells them; NULL without any. A letter, a digit or one of
-- `joins` before a word makes it a part of another.
CREATE FUNCTION accord.words_pattern(words text[], joins text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '(?<![[:alnum:]' || joins || '])(?:' || string_agg(DISTINCT p, '|') || ')(?![[:alnum:]])'
    FROM unnest(words) w,
        LATERAL (VALUES (accord.literal_pattern(w)), (accord.literal_pattern(btrim(to_json(w)::text, '"')))) spelt (p)
    WHERE btrim(w) <> ''
$$;

CREATE FUNCTION accord.redacted(said text, addresses text, names text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN names IS NULL THEN s ELSE regexp_replace(s, names, '[erased]', 'g') END
    FROM (SELECT CASE WHEN addresses IS NULL THEN said
        ELSE regexp_replace(said, addresses, '[erased]', 'gi') END AS s) without_addresses
$$;

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

CREATE FUNCTION accord.mentions(said text, addresses text, names text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(said ~* addresses, false) OR coalesce(said ~ names, false) $$;

-- The value of a fact: of a column by its name, of data by its path.
CREATE FUNCTION accord.fact_of(e accord.activity_events, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN name LIKE 'data.%' THEN e.data #>> string_to_array(substr(name, 6), '.')
        ELSE to_jsonb(e) ->> name END
$$;

-- Take these facts out of an event: their commitments stay, and the derived salts of the others.
CREATE FUNCTION accord.erase_facts(e accord.activity_events, names text[]) RETURNS integer
    LANGUAGE plpgsql SET search_path = accord, pg_temp AS $$
DECLARE
    one text;
    key bytea;
    keys jsonb := '{}';
    gone jsonb := coalesce(e.erased, '{}');
    left_data jsonb := e.data;
    count integer := 0;
BEGIN
    FOREACH one IN ARRAY e.facts LOOP
        CONTINUE WHEN gone ? one;
        key := coalesce(sha256(e.salt || convert_to(one, 'UTF8')), decode(e.fact_keys ->> one, 'hex'));
        IF one = ANY (names) THEN
            gone := gone || jsonb_build_object(
                one, encode(sha256(key || convert_to(accord.fact_of(e, one), 'UTF8')), 'hex'));
            count := count + 1;
            IF one LIKE 'data.%' THEN
                left_data := jsonb_set(left_data, string_to_array(substr(one, 6), '.'), 'null');
            END IF;
        ELSE
            keys := keys || jsonb_build_object(one, encode(key, 'hex'));
        END IF;
    END LOOP;
    IF count > 0 THEN
        UPDATE accord.activity_events SET
            salt = NULL, fact_keys = keys, erased = gone, data = left_data,
            actor_name = CASE WHEN gone ? 'actor_name' THEN '[erased]' ELSE actor_name END,
            account_label = CASE WHEN NOT gone ? 'account_label' THEN account_label END,
            location = CASE WHEN NOT gone ? 'location' THEN location END,
            os = CASE WHEN NOT gone ? 'os' THEN os END,
            device = CASE WHEN NOT gone ? 'device' THEN device END,
            ip = CASE WHEN NOT gone ? 'ip' THEN ip END,
            reason = CASE WHEN NOT gone ? 'reason' THEN reason END
        WHERE id = e.id;
    END IF;
    RETURN count;
END $$;

-- Names that the person had: as the rows have them, as the directory said them, and as events told their changes.
CREATE FUNCTION accord.names_of(gone accord.gone_person, ids text) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = accord, pg_temp AS $$
    SELECT array_agg(DISTINCT n) FROM (
        SELECT u.display_name AS n FROM accord.users u WHERE u.id = ANY (gone.people)
        UNION ALL SELECT m.display_name FROM accord.memberships m WHERE m.id = ANY (gone.places)
        UNION ALL SELECT b.name FROM accord.browser_sessions b WHERE b.user_id = ANY (gone.people)
        UNION ALL SELECT s.user_name FROM accord.scim_users s WHERE s.id = ANY (gone.places)
        UNION ALL SELECT s.profile ->> 'displayName' FROM accord.scim_users s WHERE s.id = ANY (gone.places)
        UNION ALL SELECT s.profile #>> '{name,formatted}' FROM accord.scim_users s WHERE s.id = ANY (gone.places)
        UNION ALL SELECT e.actor_name FROM accord.activity_events e WHERE e.actor_user_id = ANY (gone.people)
        UNION ALL SELECT w.made_by_name FROM accord.wallet_entries w WHERE w.made_by = ANY (gone.people)
        UNION ALL SELECT said.n FROM accord.activity_events e, LATERAL (VALUES
            (e.data #>> '{display_name,from}'), (e.data #>> '{display_name,to}'),
            (CASE WHEN jsonb_typeof(e.data -> 'name') = 'string' AND e.type LIKE 'member.%' THEN e.data ->> 'name' END)
        ) said (n) WHERE e.data::text ~ ids
    ) known
    WHERE n <> '[erased]' AND length(btrim(n)) > 2
$$;

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

CREATE FUNCTION accord.addresses_of(gone accord.gone_person, ids text) RETURNS text[]
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

CREATE FUNCTION accord.erase_from_events(
    gone accord.gone_person, ids text, addresses text, names text, near uuid[], OUT facts jsonb, OUT events bigint
) LANGUAGE plpgsql SET search_path = accord, pg_temp AS $$
DECLARE
    e accord.activity_events;
    wanted text[];
    own boolean;
    about boolean;
    names_here text;
    count integer;
BEGIN
    facts := '{}';
    events := 0;
    FOR e IN
        SELECT x.* FROM accord.activity_events x
        WHERE x.facts <> '{}' AND (
            x.actor_user_id = ANY (gone.people) OR x.data::text ~ ids
            OR accord.mentions(concat_ws(' ', x.account_label, x.reason, x.data::text), addresses, names)
            OR x.actor_user_id IS NULL AND accord.mentions(x.actor_name, addresses, names))
        ORDER BY x.stream_id, x.sequence
    LOOP
        own := coalesce(e.actor_user_id = ANY (gone.people), false);
        about := e.data::text ~ ids;
        names_here := CASE WHEN e.stream_id = ANY (near) THEN names END;
        wanted := ARRAY(
            SELECT f FROM unnest(e.facts) f
            WHERE own AND f = ANY (ARRAY['actor_name', 'location', 'os', 'device', 'ip', 'reason'])
               OR about AND (f = 'reason' OR f LIKE 'data.%')
               OR (f <> 'actor_name' OR e.actor_user_id IS NULL)
                  AND accord.mentions(accord.fact_of(e, f), addresses, names_here));
        count := accord.erase_facts(e, wanted);
        IF count > 0 THEN
            events := events + 1;
            facts := facts || jsonb_build_object(e.stream_id, coalesce((facts ->> e.stream_id::text)::bigint, 0) + count);
        END IF;
    END LOOP;
END $$;

-- Words in free text of other rows; names only in what belongs to organisations that the person had to do with.
CREATE FUNCTION accord.erase_from_texts(addresses text, names text, near uuid[]) RETURNS void
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

CREATE FUNCTION accord.erase_rows(gone accord.gone_person, known text[], OUT mails bigint, OUT notifications bigint)
    LANGUAGE plpgsql SET search_path = accord, pg_temp AS $$
BEGIN
    DELETE FROM accord.mails m WHERE accord.fold(m.address) = ANY (known);
    GET DIAGNOSTICS mails = ROW_COUNT;
    DELETE FROM accord.held_mails h WHERE accord.fold(h.address) = ANY (known);
    DELETE FROM accord.invitation_claims c
        WHERE c.user_id = ANY (gone.people) OR accord.fold(c.email) = ANY (known) OR accord.fold(c.invited_email) = ANY (known)
            OR EXISTS (
                SELECT FROM accord.identities i
                WHERE i.user_id = ANY (gone.people) AND (i.issuer, i.subject) = (c.issuer, c.subject));
    DELETE FROM accord.notifications n WHERE n.user_id = ANY (gone.people);
    GET DIAGNOSTICS notifications = ROW_COUNT;
    DELETE FROM accord.retries r USING accord.identities i
        WHERE i.user_id = ANY (gone.people) AND r.actor = i.issuer || ' ' || i.subject;
    DELETE FROM accord.allowances a USING accord.identities i
        WHERE i.user_id = ANY (gone.people) AND a.key LIKE '%person ' || i.issuer || ' ' || i.subject;
    DELETE FROM accord.allowances a USING unnest(gone.people) p WHERE a.key LIKE '%person ' || p;
    DELETE FROM accord.browser_sessions b
        WHERE b.user_id = ANY (gone.people) OR accord.fold(b.email) = ANY (known) OR EXISTS (
            SELECT FROM accord.identities i
            WHERE i.user_id = ANY (gone.people) AND (i.issuer, i.subject) = (b.issuer, b.subject));
    DELETE FROM accord.sign_ins s WHERE s.user_id = ANY (gone.people);
    DELETE FROM accord.identities i WHERE i.user_id = ANY (gone.people);
    DELETE FROM accord.scim_group_members s WHERE s.membership_id = ANY (gone.places);
    DELETE FROM accord.scim_users s WHERE s.id = ANY (gone.places);
    UPDATE accord.memberships SET email = 'erased-' || id || '@erased.invalid', display_name = '[erased]',
        token_hash = NULL, token_expires_at = NULL WHERE id = ANY (gone.places);
    UPDATE accord.external_contacts SET email = 'erased-' || id || '@erased.invalid' WHERE id = ANY (gone.contacts);
    UPDATE accord.users SET email = 'erased-' || id || '@erased.invalid', display_name = '[erased]'
        WHERE id = ANY (gone.people);
    UPDATE accord.invitations SET email = 'erased@erased.invalid' WHERE accord.fold(email) = ANY (known);
    UPDATE accord.partnerships SET contact_email = NULL WHERE accord.fold(contact_email) = ANY (known);
    UPDATE accord.directory_entries SET email = NULL WHERE accord.fold(email) = ANY (known);
    UPDATE accord.organisation_settings SET notification_addresses = ARRAY(
        SELECT a FROM unnest(notification_addresses) a WHERE accord.fold(a) <> ALL (known))
        WHERE EXISTS (SELECT FROM unnest(notification_addresses) a WHERE accord.fold(a) = ANY (known));
    UPDATE accord.organisation_settings SET security_contact = NULL WHERE accord.fold(security_contact) = ANY (known);
    UPDATE accord.role_delegations SET notify_addresses = ARRAY(
        SELECT a FROM unnest(notify_addresses) a WHERE accord.fold(a) <> ALL (known))
        WHERE EXISTS (SELECT FROM unnest(notify_addresses) a WHERE accord.fold(a) = ANY (known));
    UPDATE accord.acting_sessions SET reason = NULL, ip = '', user_agent = '' WHERE user_id = ANY (gone.people);
    UPDATE accord.terms_acceptances SET ip = '', user_agent = '' WHERE user_id = ANY (gone.people);
    UPDATE accord.wallet_entries SET made_by_name = '[erased]' WHERE made_by = ANY (gone.people);
END $$;

-- Erase somebody of whom `lock_gone_person` says that nothing is live: how many facts in which stream, and what else.
CREATE FUNCTION accord.erase_person(
    who uuid, place uuid, contact uuid, OUT facts jsonb, OUT events bigint, OUT mails bigint, OUT notifications bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    gone accord.gone_person := accord.lock_gone_person(who, place, contact);
    ids text := (
        SELECT coalesce(string_agg(id, '|'), 'nobody') FROM (
            SELECT 'user_' || k AS id FROM unnest(gone.people) k
            UNION ALL SELECT 'membership_' || k FROM unnest(gone.places) k
            UNION ALL SELECT 'contact_' || k FROM unnest(gone.contacts) k
        ) keys);
    known text[];
    addresses text;
    names text;
    near uuid[];
BEGIN
    IF gone.is_live IS NOT FALSE THEN
        RAISE EXCEPTION 'nobody is erased while anything of theirs is live' USING ERRCODE = 'check_violation';
    END IF;
    known := coalesce(accord.addresses_of(gone, ids), '{}');
    addresses := accord.words_pattern(known, '._%+-');
    names := accord.words_pattern(accord.names_of(gone, ids), '');
    near := ARRAY(
        SELECT unnest(gone.organisations)
        UNION SELECT p.host_id FROM accord.partnerships p WHERE p.guest_id = ANY (gone.organisations)
        UNION SELECT p.guest_id FROM accord.partnerships p WHERE p.host_id = ANY (gone.organisations)
        UNION SELECT '00000000-0000-0000-0000-000000000000');
    SELECT f.facts, f.events INTO facts, events FROM accord.erase_from_events(gone, ids, addresses, names, near) f;
    SELECT r.mails, r.notifications INTO mails, notifications FROM accord.erase_rows(gone, known) r;
    PERFORM accord.erase_from_texts(addresses, names, near);
    DELETE FROM queue.pgqueuer_log l WHERE accord.mentions(l.traceback::text, addresses, names);
END $$;
