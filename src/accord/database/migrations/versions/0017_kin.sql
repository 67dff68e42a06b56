-- The organisations that `linked` says yes to, or none where there are more than can be compared row by row: then
-- `linked` is asked. Of the caller's rights it needs none but its own: the policy of partnerships admits what it reads.

CREATE FUNCTION accord.kin() RETURNS uuid[]
    LANGUAGE plpgsql STABLE SET search_path = accord, pg_temp AS $$
DECLARE
    mine uuid[] := accord.mine();
    most CONSTANT integer := 200;
    found uuid[];
BEGIN
    SELECT array_agg(side) INTO found FROM (
        (SELECT p.guest_id AS side FROM accord.partnerships p
         WHERE p.host_id = ANY (mine) AND p.visible_guest_id IS NOT NULL LIMIT most + 1)
        UNION ALL
        (SELECT p.host_id FROM accord.partnerships p WHERE p.visible_guest_id = ANY (mine) LIMIT most + 1)
    ) sides;
    RETURN CASE WHEN cardinality(found) <= most THEN found ELSE '{}' END;
END $$;
