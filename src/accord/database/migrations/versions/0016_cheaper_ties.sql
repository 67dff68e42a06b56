-- The same answers, with the caller's organisations read once a call and one statement for what were two functions.

CREATE OR REPLACE FUNCTION accord.linked(organisation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.partnerships p
        WHERE p.guest_id = ANY (mine) AND p.host_id = organisation AND p.visible_guest_id IS NOT NULL)
    OR EXISTS (
        SELECT FROM accord.partnerships p
        WHERE p.guest_id = organisation AND p.host_id = ANY (mine) AND p.visible_guest_id IS NOT NULL);
END $$;

CREATE OR REPLACE FUNCTION accord.meets(person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
    token text := accord.shown('token');
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.memberships m
        WHERE m.user_id = person
          AND (m.organisation_id = ANY (mine) OR m.token_hash = token
               OR EXISTS (
                   SELECT FROM accord.partnerships p
                   WHERE p.guest_id = ANY (mine) AND p.host_id = m.organisation_id AND p.visible_guest_id IS NOT NULL)
               OR EXISTS (
                   SELECT FROM accord.partnerships p
                   WHERE p.guest_id = m.organisation_id AND p.host_id = ANY (mine) AND p.visible_guest_id IS NOT NULL)))
    OR EXISTS (
        SELECT FROM accord.external_contacts c
        WHERE c.user_id = person AND c.host_id = ANY (mine));
END $$;

CREATE OR REPLACE FUNCTION accord.shared_with_us(account uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.shares s WHERE s.account_id = account AND s.guest_id = ANY (mine));
END $$;
