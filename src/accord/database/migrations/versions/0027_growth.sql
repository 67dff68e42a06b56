-- What a list or a look-up asks for is found by an index, however big the tenant is. While an index is made its table
-- can be read and not written: the largest comes first, and what stops readers last.

CREATE INDEX ix_activity_events_type ON accord.activity_events (stream_id, type, sequence);
CREATE INDEX ix_activity_events_outcome ON accord.activity_events (stream_id, outcome, sequence)
    WHERE outcome <> 'SUCCESS';
CREATE INDEX ix_activity_events_app ON accord.activity_events (stream_id, app, sequence) WHERE app IS NOT NULL;
CREATE INDEX ix_activity_events_partner ON accord.activity_events
    (stream_id, (CASE WHEN stream_id = host_id THEN guest_id ELSE host_id END), sequence);
CREATE INDEX ix_activity_events_third ON accord.activity_events (stream_id, guest_id, sequence)
    WHERE guest_id <> stream_id
    AND (CASE WHEN stream_id = host_id THEN guest_id ELSE host_id END) IS DISTINCT FROM guest_id;

CREATE INDEX ix_access_items_member ON accord.access_items (member_user_id);
CREATE INDEX ix_memberships_organisation ON accord.memberships (organisation_id, id);
CREATE INDEX ix_memberships_delegated ON accord.memberships (organisation_id, user_id) WHERE delegated_admin;
CREATE INDEX ix_role_group_members_partnership ON accord.role_group_members (partnership_id) WHERE ended_at IS NULL;
CREATE INDEX ix_partnerships_owned ON accord.partnerships (owner_user_id, host_id);
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

-- As a prefix it is in ix_partnerships_owned.
DROP INDEX accord.ix_partnerships_owner;
