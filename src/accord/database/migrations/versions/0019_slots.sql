-- A slot is taken before a request is read (accord.admit), and what the request costs is known afterwards. Rows are
-- locked in the order of accord.admit: a person, their guesses, an organisation, exports.

CREATE FUNCTION accord.person_key(issuer text, subject text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT 'person ' || issuer || ' ' || subject $$;

-- Take more on a slot that has paid `paid`: refused where accord.admit would have refused the whole.
CREATE FUNCTION accord.charge(
    issuer text, subject text, paid double precision, points double precision, guesses integer,
    per_minute double precision, per_hour double precision, guesses_per_minute double precision, clock double precision,
    OUT refused text, OUT waits double precision, OUT spent_minute double precision, OUT spent_hour double precision
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    me text := accord.person_key(charge.issuer, charge.subject);
    mine accord.allowances := accord.hold_allowance(me, now);
    asked accord.allowances;
    guessed double precision := 0;
BEGIN
    spent_minute := accord.spent(mine.minute, now - mine.at, per_minute, 60);
    spent_hour := accord.spent(mine.hour, now - mine.at, per_hour, 3600);
    waits := greatest(
        (least(1, per_minute) - per_minute + spent_minute - paid) * 60 / per_minute,
        (least(1, per_hour) - per_hour + spent_hour - paid) * 3600 / per_hour
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
        UPDATE accord.allowances a SET minute = guessed + guesses, at = greatest(asked.at, now) WHERE a.key = asked.key;
    END IF;
    spent_minute := greatest(0, spent_minute + points);
    spent_hour := greatest(0, spent_hour + points);
    UPDATE accord.allowances a SET minute = spent_minute, hour = spent_hour, at = greatest(mine.at, now) WHERE a.key = me;
END $$;

-- Count a slot among the exports of its person and organisation; NULL, or which of the two has too many.
CREATE FUNCTION accord.begin_export(
    issuer text, subject text, organisation uuid, token bigint, of_person integer, of_organisation integer,
    clock double precision
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    mine accord.allowances := accord.hold_allowance('exports of ' || accord.person_key(issuer, subject), now);
    theirs accord.allowances;
BEGIN
    IF cardinality(mine.running) >= of_person THEN
        RETURN 'EXPORTS_OF_PERSON';
    END IF;
    IF organisation IS NOT NULL THEN
        theirs := accord.hold_allowance('exports of organisation ' || organisation, now);
        IF cardinality(theirs.running) >= of_organisation THEN
            RETURN 'EXPORTS_OF_ORGANISATION';
        END IF;
        UPDATE accord.allowances a SET at = greatest(theirs.at, now), running = theirs.running || token WHERE a.key = theirs.key;
    END IF;
    UPDATE accord.allowances a SET at = greatest(mine.at, now), running = mine.running || token WHERE a.key = mine.key;
    RETURN NULL;
END $$;

-- Let these slots last for another lease: each token is replaced by one that ends later, which is returned in its place.
-- `at` stays: the points of the row are as of then.
CREATE FUNCTION accord.renew(
    issuers text[], subjects text[], organisations uuid[], tokens bigint[], exports boolean[], lease double precision,
    clock double precision
) RETURNS bigint[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    until bigint := ((now + lease) * 1000000)::bigint * 1024;
    renewed bigint[] := ARRAY(SELECT until + t.token % 1024 FROM unnest(tokens) WITH ORDINALITY t (token, n) ORDER BY t.n);
    one record;
    held accord.allowances;
BEGIN
    FOR one IN
        SELECT k.key, array_agg(k.old) AS old, array_agg(k.new) AS new FROM (
            SELECT 1 AS kind, accord.person_key(s.issuer, s.subject) AS key, s.old, s.new
            FROM unnest(issuers, subjects, tokens, renewed) s (issuer, subject, old, new)
            UNION ALL
            SELECT 2, 'organisation ' || s.organisation, s.old, s.new
            FROM unnest(organisations, tokens, renewed) s (organisation, old, new)
            UNION ALL
            SELECT 3, 'exports of ' || accord.person_key(s.issuer, s.subject), s.old, s.new
            FROM unnest(issuers, subjects, tokens, renewed, exports) s (issuer, subject, old, new, exported) WHERE s.exported
            UNION ALL
            SELECT 4, 'exports of organisation ' || s.organisation, s.old, s.new
            FROM unnest(organisations, tokens, renewed, exports) s (organisation, old, new, exported) WHERE s.exported
        ) k WHERE k.key IS NOT NULL GROUP BY k.kind, k.key ORDER BY k.kind, k.key
    LOOP
        held := accord.hold_allowance(one.key, now);
        UPDATE accord.allowances a
        SET running = ARRAY(SELECT t FROM unnest(held.running) t WHERE t <> ALL (one.old)) || one.new
        WHERE a.key = one.key;
    END LOOP;
    RETURN renewed;
END $$;

CREATE FUNCTION accord.end_exports(
    issuers text[], subjects text[], organisations uuid[], tokens bigint[], clock double precision
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    one record;
    held accord.allowances;
BEGIN
    FOR one IN
        SELECT k.key, array_agg(k.token) AS tokens FROM (
            SELECT 1 AS kind, 'exports of ' || accord.person_key(s.issuer, s.subject) AS key, s.token
            FROM unnest(issuers, subjects, tokens) s (issuer, subject, token)
            UNION ALL
            SELECT 2, 'exports of organisation ' || s.organisation, s.token
            FROM unnest(organisations, tokens) s (organisation, token)
        ) k WHERE k.key IS NOT NULL GROUP BY k.kind, k.key ORDER BY k.kind, k.key
    LOOP
        held := accord.hold_allowance(one.key, now);
        UPDATE accord.allowances a
        SET at = greatest(held.at, now), running = ARRAY(SELECT t FROM unnest(held.running) t WHERE t <> ALL (one.tokens))
        WHERE a.key = one.key;
    END LOOP;
END $$;
