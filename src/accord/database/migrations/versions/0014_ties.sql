-- What the policies ask about other tables. A query inside a policy would bring the policies of its own tables into
-- every statement, and theirs again: most of a statement's time went into that. Each of these answers for the caller's
-- organisations alone.

CREATE FUNCTION accord.linked(organisation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.partnerships p
        WHERE p.guest_id = ANY (accord.mine()) AND p.host_id = organisation AND p.visible_guest_id IS NOT NULL)
    OR EXISTS (
        SELECT FROM accord.partnerships p
        WHERE p.guest_id = organisation AND p.host_id = ANY (accord.mine()) AND p.visible_guest_id IS NOT NULL);
END $$;

CREATE FUNCTION accord.approached(organisation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.partnerships p
        WHERE p.guest_id = organisation AND p.host_id = ANY (accord.mine()));
END $$;

CREATE FUNCTION accord.belongs(organisation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    me uuid := accord.myself();
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.memberships m WHERE m.organisation_id = organisation AND m.user_id = me);
END $$;

CREATE FUNCTION accord.contact_of(organisation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    me uuid := accord.myself();
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.external_contacts c WHERE c.host_id = organisation AND c.user_id = me);
END $$;

CREATE FUNCTION accord.has_contacts_with(organisation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.external_contacts c
        WHERE c.host_id = organisation AND c.home_id = ANY (accord.mine()))
    OR EXISTS (
        SELECT FROM accord.external_contacts c
        WHERE c.home_id = organisation AND c.host_id = ANY (accord.mine()));
END $$;

CREATE FUNCTION accord.meets(person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.memberships m
        WHERE m.user_id = person
          AND (m.organisation_id = ANY (accord.mine()) OR m.token_hash = accord.shown('token')
               OR accord.linked(m.organisation_id)))
    OR EXISTS (
        SELECT FROM accord.external_contacts c
        WHERE c.user_id = person AND c.host_id = ANY (accord.mine()));
END $$;

CREATE FUNCTION accord.shared_with_us(account uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.shares s WHERE s.account_id = account AND s.guest_id = ANY (accord.mine()));
END $$;
