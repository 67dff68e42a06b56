-- What a list or a look-up asks for is found by an index, however big the tenant is.

CREATE INDEX ix_access_items_member ON accord.access_items (member_user_id);
CREATE INDEX ix_memberships_organisation ON accord.memberships (organisation_id, id);
CREATE INDEX ix_partnerships_representative ON accord.partnerships (representative_user_id);
CREATE INDEX ix_partnerships_created_by ON accord.partnerships (created_by_user_id);
CREATE INDEX ix_partnerships_co_owned ON accord.partnerships (host_id, id) WHERE co_owner_ids <> '{}'::uuid[];

-- The same truth as before. Below one OR, the partnerships of the caller were read as a whole for each person; each way
-- by itself begins with the few memberships of the person.
CREATE OR REPLACE FUNCTION accord.meets(person uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
    token text := accord.shown('token');
BEGIN
    RETURN EXISTS (
        SELECT FROM accord.memberships m
        WHERE m.user_id = person AND (m.organisation_id = ANY (mine) OR m.token_hash = token))
    OR EXISTS (
        SELECT FROM accord.memberships m
        JOIN accord.partnerships p ON p.host_id = m.organisation_id
        WHERE m.user_id = person AND p.guest_id = ANY (mine) AND p.visible_guest_id IS NOT NULL)
    OR EXISTS (
        SELECT FROM accord.memberships m
        JOIN accord.partnerships p ON p.guest_id = m.organisation_id
        WHERE m.user_id = person AND p.host_id = ANY (mine) AND p.visible_guest_id IS NOT NULL)
    OR EXISTS (
        SELECT FROM accord.external_contacts c
        WHERE c.user_id = person AND c.host_id = ANY (mine));
END $$;
