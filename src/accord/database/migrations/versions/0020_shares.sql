-- Whose allowance pays for a caller, and the organisation among whose requests it counts. A person pays for all their
-- API clients and under every issuer; an organisation's directory pays once, however many credentials it has. Somebody
-- whom nobody knows yet pays as the subject of their issuer.

CREATE FUNCTION accord.holder(issuer text, subject text, OUT key text, OUT organisation uuid)
    LANGUAGE plpgsql STABLE SET search_path = accord, pg_temp AS $$
DECLARE
    named text := split_part(holder.subject, '_', 2);
BEGIN
    IF holder.issuer <> 'accord' THEN
        SELECT 'person ' || u.id, u.home_organisation_id INTO key, organisation
        FROM accord.identities i JOIN accord.users u ON u.id = i.user_id
        WHERE i.issuer = holder.issuer AND i.subject = holder.subject;
    ELSIF split_part(holder.subject, '_', 1) = 'apiclient' THEN
        SELECT 'person ' || c.owner_user_id, c.organisation_id INTO key, organisation
        FROM accord.api_clients c WHERE c.id = named::uuid;
    ELSE
        SELECT 'directory ' || c.organisation_id, c.organisation_id INTO key, organisation
        FROM accord.scim_credentials c WHERE c.id = named::uuid;
    END IF;
    key := coalesce(key, 'person ' || holder.issuer || ' ' || holder.subject);
    -- whoever belongs to no organisation, unknown callers among them, counts as one organisation's people
    organisation := coalesce(organisation, '00000000-0000-0000-0000-000000000000');
END $$;

CREATE OR REPLACE FUNCTION accord.person_key(issuer text, subject text) RETURNS text
    LANGUAGE sql STABLE SET search_path = accord, pg_temp AS
$$ SELECT h.key FROM accord.holder($1, $2) h $$;

CREATE OR REPLACE FUNCTION accord.admit(
    issuer text, subject text, points double precision, guesses integer, per_minute double precision,
    per_hour double precision, guesses_per_minute double precision, of_person integer, of_organisation integer,
    lease double precision, clock double precision,
    OUT refused text, OUT waits double precision, OUT spent_minute double precision, OUT spent_hour double precision,
    OUT organisation uuid, OUT token bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    me text;
    mine accord.allowances;
    asked accord.allowances;
    theirs accord.allowances;
    guessed double precision := 0;
BEGIN
    SELECT h.key, h.organisation INTO me, organisation FROM accord.holder(admit.issuer, admit.subject) h;
    mine := accord.hold_allowance(me, now);
    spent_minute := accord.spent(mine.minute, now - mine.at, per_minute, 60);
    spent_hour := accord.spent(mine.hour, now - mine.at, per_hour, 3600);
    waits := greatest(
        (least(1, per_minute) - per_minute + spent_minute) * 60 / per_minute,
        (least(1, per_hour) - per_hour + spent_hour) * 3600 / per_hour
    );
    IF waits > 0 THEN
        refused := 'POINTS';
        RETURN;
    END IF;
    IF guesses > 0 THEN
        asked := accord.hold_allowance('guesses of ' || me, now);
        guessed := accord.spent(asked.minute, now - asked.at, guesses_per_minute, 60);
        waits := (least(guesses, guesses_per_minute) - guesses_per_minute + guessed) * 60 / guesses_per_minute;
        IF waits > 0 THEN
            refused := 'GUESSES';
            RETURN;
        END IF;
    END IF;
    waits := 1;
    IF cardinality(mine.running) >= of_person THEN
        refused := 'PERSON';
        RETURN;
    END IF;
    token := ((now + lease) * 1000000)::bigint * 1024 + floor(random() * 1024)::bigint;
    IF organisation IS NOT NULL THEN
        theirs := accord.hold_allowance('organisation ' || organisation, now);
        IF cardinality(theirs.running) >= of_organisation THEN
            refused := 'ORGANISATION';
            RETURN;
        END IF;
        UPDATE accord.allowances a SET at = greatest(theirs.at, now), running = theirs.running || token WHERE a.key = theirs.key;
    END IF;
    IF guesses > 0 THEN
        UPDATE accord.allowances a SET minute = guessed + guesses, at = greatest(asked.at, now) WHERE a.key = asked.key;
    END IF;
    spent_minute := spent_minute + points;
    spent_hour := spent_hour + points;
    UPDATE accord.allowances a
    SET minute = spent_minute, hour = spent_hour, at = greatest(mine.at, now), running = mine.running || token WHERE a.key = me;
END $$;

CREATE OR REPLACE FUNCTION accord.release(
    issuers text[], subjects text[], organisations uuid[], tokens bigint[], points double precision[],
    per_minute double precision, per_hour double precision, clock double precision
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    one record;
    held accord.allowances;
BEGIN
    FOR one IN
        SELECT accord.person_key(l.issuer, l.subject) AS key, array_agg(l.token) AS tokens, sum(l.points) AS points
        FROM unnest(issuers, subjects, tokens, release.points) l (issuer, subject, token, points)
        GROUP BY 1 ORDER BY 1
    LOOP
        held := accord.hold_allowance(one.key, now);
        UPDATE accord.allowances a
        SET minute = accord.spent(held.minute, now - held.at, per_minute, 60) + one.points,
            hour = accord.spent(held.hour, now - held.at, per_hour, 3600) + one.points,
            at = greatest(held.at, now),
            running = ARRAY(SELECT t FROM unnest(held.running) t WHERE t <> ALL (one.tokens))
        WHERE a.key = one.key;
    END LOOP;
    FOR one IN
        SELECT 'organisation ' || l.organisation AS key, array_agg(l.token) AS tokens
        FROM unnest(organisations, tokens) l (organisation, token)
        WHERE l.organisation IS NOT NULL GROUP BY 1 ORDER BY 1
    LOOP
        held := accord.hold_allowance(one.key, now);
        UPDATE accord.allowances a
        SET at = greatest(held.at, now), running = ARRAY(SELECT t FROM unnest(held.running) t WHERE t <> ALL (one.tokens))
        WHERE a.key = one.key;
    END LOOP;
END $$;

DROP FUNCTION accord.guess(text, double precision, double precision);

-- One failure more under each of these keys, unless one of them has had all that a minute allows: then none is noted.
-- `waits` says for each key in how many seconds the next one would be; nothing above 0: it was noted.

CREATE FUNCTION accord.note_failure(
    keys text[], most double precision[], clock double precision, OUT waits double precision[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    one record;
    held accord.allowances;
    failed double precision;
BEGIN
    FOR one IN
        SELECT 'failures ' || k.key AS key, k.most, k.place
        FROM unnest(keys, note_failure.most) WITH ORDINALITY k (key, most, place) ORDER BY 1
    LOOP
        held := accord.hold_allowance(one.key, now);
        failed := accord.spent(held.minute, now - held.at, one.most, 60);
        waits[one.place] := (least(1, one.most) - one.most + failed) * 60 / one.most;
    END LOOP;
    IF 0 < ANY (waits) THEN
        RETURN;
    END IF;
    UPDATE accord.allowances a
    SET minute = accord.spent(a.minute, now - a.at, k.most, 60) + 1, at = greatest(a.at, now)
    FROM unnest(keys, note_failure.most) k (key, most)
    WHERE a.key = 'failures ' || k.key;
END $$;

-- How many live API clients the caller owns, in all organisations together.

CREATE FUNCTION accord.count_own_clients(at timestamptz) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
    SELECT count(*) FROM accord.api_clients c
    WHERE c.owner_user_id = accord.myself() AND c.status = 'ACTIVE' AND c.expires_at > at
$$;

-- Of these IDs those that the policies of their tables can admit, asked before the rows are looked for: an ID that is
-- another tenant's costs the same work as one that nobody has. Row by row the policies would do all of theirs for the
-- former, and none for the latter. Each says what its policy says; the policies hold all the same.

CREATE FUNCTION accord.reachable_organisations(wanted uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
    known_handle text := accord.shown('handle');
    operates boolean := accord.operating();
BEGIN
    RETURN ARRAY(
        SELECT k.id FROM unnest(wanted) k (id)
        WHERE operates OR k.id = ANY (mine)
            OR accord.linked(k.id) OR accord.approached(k.id) OR accord.belongs(k.id) OR accord.contact_of(k.id)
            OR EXISTS (
                SELECT FROM accord.organisations o
                WHERE o.id = k.id
                    AND (o.created_for_id = ANY (mine) OR o.parent_partner_id = ANY (mine) OR o.handle = known_handle)));
END $$;

CREATE FUNCTION accord.reachable_people(wanted uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    homes uuid[] := accord.mine() || accord.kin();
    me uuid := accord.myself();
BEGIN
    RETURN ARRAY(
        SELECT k.id FROM unnest(wanted) k (id)
        WHERE k.id = me OR accord.meets(k.id)
            OR EXISTS (SELECT FROM accord.users u WHERE u.id = k.id AND u.home_organisation_id = ANY (homes)));
END $$;

CREATE FUNCTION accord.reachable_accounts(wanted uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
BEGIN
    RETURN ARRAY(
        SELECT k.id FROM unnest(wanted) k (id)
        WHERE EXISTS (SELECT FROM accord.accounts a WHERE a.id = k.id AND a.host_id = ANY (mine))
            OR accord.shared_with_us(k.id));
END $$;
