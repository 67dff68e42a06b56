-- Callers who belong to no organisation, unknown ones among them, count as one organisation's people: however many
-- subjects somebody has tokens of, they have no more under way together than one organisation has.

CREATE OR REPLACE FUNCTION accord.holder(issuer text, subject text, OUT key text, OUT organisation uuid)
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
    organisation := coalesce(organisation, '00000000-0000-0000-0000-000000000000');
END $$;
