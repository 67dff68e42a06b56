CREATE TABLE accord.retries (
    id UUID DEFAULT accord.new_id() NOT NULL,
    actor TEXT NOT NULL,
    acting_session_id UUID,
    mutation TEXT NOT NULL,
    place TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    arguments_hash TEXT NOT NULL,
    result BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_retries PRIMARY KEY (id),
    CONSTRAINT uq_retries_attempt UNIQUE NULLS NOT DISTINCT (actor, acting_session_id, mutation, place, key_hash)
);

CREATE INDEX ix_retries_expires_at ON accord.retries (expires_at);

CREATE UNLOGGED TABLE accord.allowances (
    key TEXT NOT NULL,
    minute DOUBLE PRECISION NOT NULL,
    hour DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    running BIGINT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_allowances PRIMARY KEY (key)
) WITH (fillfactor = 50);

CREATE FUNCTION accord.spent(before double precision, seconds double precision, points double precision, per integer)
    RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT greatest(0, before - greatest(0, seconds) * points / per) $$;

CREATE FUNCTION accord.hold_allowance(wanted text, now double precision) RETURNS accord.allowances
    LANGUAGE plpgsql SET search_path = accord, pg_temp AS $$
DECLARE
    held accord.allowances;
BEGIN
    LOOP
        SELECT * INTO held FROM accord.allowances a WHERE a.key = wanted FOR UPDATE;
        IF FOUND THEN
            held.running := ARRAY(SELECT t FROM unnest(held.running) t WHERE t > (now * 1000000)::bigint * 1024);
            RETURN held;
        END IF;
        INSERT INTO accord.allowances VALUES (wanted, 0, 0, now, '{}') ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

CREATE FUNCTION accord.admit(
    issuer text, subject text, points double precision, guesses integer, per_minute double precision,
    per_hour double precision, guesses_per_minute double precision, of_person integer, of_organisation integer,
    lease double precision, clock double precision,
    OUT refused text, OUT waits double precision, OUT spent_minute double precision, OUT spent_hour double precision,
    OUT organisation uuid, OUT token bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    me text := 'person ' || admit.issuer || ' ' || admit.subject;
    mine accord.allowances := accord.hold_allowance(me, now);
    asked accord.allowances;
    theirs accord.allowances;
    guessed double precision := 0;
BEGIN
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
    SELECT u.home_organisation_id INTO organisation
    FROM accord.identities i JOIN accord.users u ON u.id = i.user_id
    WHERE i.issuer = admit.issuer AND i.subject = admit.subject;
    IF admit.issuer = 'accord' THEN
        SELECT c.organisation_id INTO organisation
        FROM accord.api_clients c WHERE c.id = replace(admit.subject, 'apiclient_', '')::uuid;
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

CREATE FUNCTION accord.release(
    issuers text[], subjects text[], organisations uuid[], tokens bigint[], points double precision[],
    per_minute double precision, per_hour double precision, clock double precision
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    one record;
    held accord.allowances;
BEGIN
    FOR one IN
        SELECT 'person ' || l.issuer || ' ' || l.subject AS key, array_agg(l.token) AS tokens, sum(l.points) AS points
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

CREATE FUNCTION accord.guess(
    guesser text, guesses_per_minute double precision, clock double precision, OUT waits double precision
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    now double precision := coalesce(clock, extract(epoch FROM clock_timestamp()));
    held accord.allowances := accord.hold_allowance('guesses of ' || guesser, now);
    guessed double precision := accord.spent(held.minute, now - held.at, guesses_per_minute, 60);
BEGIN
    waits := (least(1, guesses_per_minute) - guesses_per_minute + guessed) * 60 / guesses_per_minute;
    IF waits <= 0 THEN
        UPDATE accord.allowances a SET minute = guessed + 1, at = greatest(held.at, now) WHERE a.key = held.key;
    END IF;
END $$;
