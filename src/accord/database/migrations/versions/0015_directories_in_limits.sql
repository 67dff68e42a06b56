CREATE OR REPLACE FUNCTION accord.admit(
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
    organisation := CASE
        WHEN admit.issuer <> 'accord' THEN (
            SELECT u.home_organisation_id FROM accord.identities i JOIN accord.users u ON u.id = i.user_id
            WHERE i.issuer = admit.issuer AND i.subject = admit.subject
        )
        WHEN split_part(admit.subject, '_', 1) = 'apiclient' THEN (
            SELECT c.organisation_id FROM accord.api_clients c WHERE c.id = split_part(admit.subject, '_', 2)::uuid
        )
        ELSE (
            SELECT c.organisation_id FROM accord.scim_credentials c WHERE c.id = split_part(admit.subject, '_', 2)::uuid
        )
    END;
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
