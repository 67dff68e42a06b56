-- One tenant of each kind, as large as the table `size` says. Statements are divided by empty lines and run in order.
--   provider     the guest of N customers, with a representative, 59 other delegated administrators and a plain member
--   brand        the host of N partnerships with 4 shares each; one person there owns 2N/5 accounts that nobody shares
--   dealer       a guest of the brand with N shares, each granted to four of its people, and 2N/5 to a fifth
--   crowd        an organisation of 10 N people with a directory, a group of N, 2N/5 external contacts and a large role group
--   distributor  a partner with N/10 sub-partners
--   customer, guest, reseller   the small organisations around them

SET session_replication_role = replica

SET work_mem = '256MB'

SET jit = off

CREATE TEMP TABLE o AS
SELECT accord.new_id() AS id, kind, n FROM (
  SELECT kind, 0 AS n FROM unnest('{provider,brand,dealer,crowd,distributor}'::text[]) kind
  UNION ALL SELECT kind, n FROM size, generate_series(1, partners) n, unnest('{customer,guest}'::text[]) kind
  UNION ALL SELECT 'reseller', n FROM size, generate_series(1, resellers) n
) listed ORDER BY kind, n

CREATE INDEX ON o (kind, n)

ANALYZE o

INSERT INTO accord.organisations (id, handle, name, country_code, partners_enabled, created_at, partner_program,
  partner_status, parent_partner_id)
SELECT id, kind || '-' || n, initcap(kind) || ' Company ' || n, 'NO', true, began,
  CASE WHEN kind IN ('provider', 'distributor', 'reseller') THEN 'MSP' ELSE 'NONE' END,
  CASE WHEN kind IN ('provider', 'distributor', 'reseller') THEN 'ACTIVE' ELSE 'NONE' END,
  CASE WHEN kind IN ('provider', 'reseller') THEN (SELECT id FROM o WHERE kind = 'distributor') END
FROM o, size

INSERT INTO accord.chain_heads (stream_id, sequence, hash) SELECT id, 0, repeat('0', 64) FROM o

CREATE TEMP TABLE u AS
SELECT accord.new_id() AS id, o.id AS home, kind, n, k, 'p' || k || '@' || kind || n || '.example' AS email,
  (ARRAY['Anna', 'Bo', 'Clara', 'Dag', 'Eva', 'Finn', 'Gro'])[1 + k % 7] || ' '
    || (ARRAY['Hansen', 'Berg', 'Lund', 'Moe', 'Dahl'])[1 + k / 7 % 5] || ' ' || k AS name
FROM size, o, LATERAL generate_series(1,
  CASE kind WHEN 'provider' THEN 63 WHEN 'brand' THEN 8 WHEN 'dealer' THEN 8 WHEN 'crowd' THEN people ELSE 2 END) k
ORDER BY kind, n, k

CREATE INDEX ON u (kind, n, k)

CREATE INDEX ON u (home, k)

ANALYZE u

INSERT INTO accord.users (id, email, display_name, home_organisation_id, created_at)
SELECT id, email, name, home, began FROM u, size

INSERT INTO accord.identities (issuer, subject, user_id, created_at) SELECT issuer, email, id, began FROM u, size

CREATE TEMP TABLE m AS SELECT accord.new_id() AS id, u.id AS person, home, kind, n, k, email, name FROM u ORDER BY u.id

CREATE INDEX ON m (kind, n, k)

INSERT INTO accord.memberships (id, organisation_id, user_id, email, display_name, roles, delegated_admin, status, source,
  joined_at, created_at)
SELECT m.id, home, person, email, name,
  CASE
    WHEN kind = 'brand' AND k <= 2 THEN '{ORG_ADMIN,LEGAL_REPRESENTATIVE}'::text[]
    WHEN k <= CASE kind WHEN 'crowd' THEN admins WHEN 'provider' THEN 2 ELSE 1 END THEN '{ORG_ADMIN}'
    ELSE '{MEMBER}'
  END,
  kind = 'provider' AND k BETWEEN 3 AND 62, 'ACTIVE', CASE kind WHEN 'crowd' THEN 'SCIM' ELSE 'LOCAL' END, began, began
FROM m, size

CREATE TEMP TABLE p AS
SELECT accord.new_id() AS id, accord.new_id() AS link, kind, n, host, guest FROM (
  SELECT 'provider' AS kind, h.n, h.id AS host, g.id AS guest FROM o h, o g
    WHERE h.kind = 'customer' AND g.kind = 'provider'
  UNION ALL SELECT 'brand', g.n, h.id, g.id FROM o h, o g WHERE h.kind = 'brand' AND g.kind = 'guest'
  UNION ALL SELECT g.kind, 0, h.id, g.id FROM o h, o g WHERE h.kind = 'brand' AND g.kind IN ('dealer', 'crowd')
  UNION ALL SELECT 'distributor', h.n, h.id, g.id FROM size, o h, o g
    WHERE h.kind = 'customer' AND h.n <= resellers AND g.kind = 'distributor'
) listed ORDER BY kind, n

CREATE INDEX ON p (kind, n)

CREATE INDEX ON p (id)

ANALYZE p

INSERT INTO accord.partner_links (id, customer_id, partner_id, kind, ceiling, default_level, status, created_by, created_at)
SELECT link, host, guest, 'PARTNER_OF_RECORD', 'MANAGE', 'NONE', 'ACTIVE', 'operator', began
FROM p, size WHERE kind IN ('provider', 'crowd')

INSERT INTO accord.partnerships (id, host_id, guest_id, told_guest, path, state, created_by_user_id, requester_user_id,
  owner_user_id, representative_user_id, purposes, starts_at, created_at, link_id, granted_level, level_changed_by,
  level_changed_at)
SELECT p.id, host, guest, true, 'HOST_REQUEST', 'ACTIVE', a.id, a.id, a.id, r.id, '{MANAGEMENT}', began, began,
  CASE WHEN p.kind IN ('provider', 'crowd') THEN link END, CASE p.kind WHEN 'provider' THEN 'MANAGE' ELSE 'NONE' END,
  CASE p.kind WHEN 'provider' THEN a.id END, CASE p.kind WHEN 'provider' THEN began END
FROM size, p
JOIN u a ON a.home = host AND a.k = CASE WHEN p.kind = 'brand' AND p.n % 2 = 1 THEN 3 ELSE 1 END
JOIN u r ON r.home = guest AND r.k = CASE p.kind WHEN 'provider' THEN 3 ELSE 2 END

WITH published AS (
  INSERT INTO accord.terms_versions (code, version, text, text_hash, published_at)
  SELECT 'partner-terms', '1', 'Be kind.', encode(sha256('Be kind.'), 'hex'), began FROM size RETURNING id
)
INSERT INTO accord.attempts (partnership_id, host_id, guest_id, number, terms, reason, submitted_by, submitted_at,
  host_decision, host_decided_by, host_decided_at, guest_decision, guest_decided_by, guest_decided_at, terms_version_id,
  lapses_at)
SELECT p.id, host, guest, 1, '{}', 'They keep our books.', h.id, began, 'SKIPPED', h.id, began, 'ACCEPTED', g.id, began,
  published.id, began + interval '30 days'
FROM size, published, p JOIN u h ON h.home = host AND h.k = 1 JOIN u g ON g.home = guest AND g.k = 1

INSERT INTO accord.amendments (partnership_id, host_id, guest_id, told_guest, side, kind, state, terms_before, terms_after,
  opens_everything, proposed_by, proposed_at, host_decision, host_decided_by, host_decided_at, ended_at)
SELECT p.id, host, guest, true, 'HOST', 'NARROW', 'APPLIED', '{}', '{}', false, h.id, began, 'SKIPPED', h.id, began, began
FROM size, p JOIN u h ON h.home = host AND h.k = 1 WHERE p.kind = 'brand'

CREATE TEMP TABLE a AS
SELECT accord.new_id() AS id, kind, n, s, host, k FROM (
  SELECT 'customer' AS kind, n, s, id AS host, 1 AS k FROM o, generate_series(1, 2) s WHERE kind = 'customer'
  UNION ALL SELECT 'pool', 0, s, id, 1 FROM size, o, generate_series(1, owned) s WHERE kind = 'brand'
  UNION ALL SELECT 'kept', 0, s, id, 4 FROM size, o, generate_series(1, owned) s WHERE kind = 'brand'
  UNION ALL SELECT 'dealt', 0, s, id, 1 FROM size, o, generate_series(1, partners) s WHERE kind = 'brand'
  UNION ALL SELECT 'hot', 0, 1, id, 1 FROM o WHERE kind = 'brand'
) listed ORDER BY kind, n, s

CREATE INDEX ON a (kind, n, s)

ANALYZE a

INSERT INTO accord.accounts (id, host_id, kind, app, label, launch_url, created_at)
SELECT id, host, 'ACCOUNT', (ARRAY['Ledger', 'Payroll', 'Tax'])[1 + s % 3],
  initcap(kind) || ' account ' || n || '.' || s, 'https://ledger.example/sign-in', began
FROM a, size

INSERT INTO accord.account_ownerships (account_id, user_id, host_id, created_at)
SELECT a.id, u.id, host, began FROM size, a JOIN u ON u.home = host AND u.k = a.k

CREATE TEMP TABLE s AS
SELECT accord.new_id() AS id, p.id AS partnership, p.kind, p.n, host, guest, listed.account, s FROM (
  SELECT p.id, a.id AS account, a.s FROM p JOIN a ON a.kind = 'customer' AND a.n = p.n WHERE p.kind = 'provider'
  UNION ALL SELECT p.id, a.id, j FROM size, p, generate_series(0, 3) j, a
    WHERE p.kind = 'brand' AND a.kind = 'pool' AND a.n = 0 AND a.s = (p.n * 4 + j) % owned + 1
  UNION ALL SELECT p.id, a.id, a.s FROM p, a WHERE p.kind = 'dealer' AND a.kind = 'dealt'
  UNION ALL SELECT p.id, a.id, 1 FROM p, a WHERE p.kind = 'crowd' AND a.kind = 'hot'
) listed JOIN p ON p.id = listed.id ORDER BY p.kind, p.n, s

CREATE INDEX ON s (kind, n)

ANALYZE s

INSERT INTO accord.shares (id, partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)
SELECT s.id, partnership, host, guest, account, u.id, 'ACTIVE', began FROM size, s JOIN u ON u.home = host AND u.k = 1

INSERT INTO accord.grants (share_id, partnership_id, account_id, host_id, guest_id, user_id, role, state, origin,
  granted_by, granted_at)
SELECT s.id, partnership, account, host, guest, u.id,
  CASE WHEN s.kind IN ('crowd', 'dealer') THEN 'ACCOUNT_MANAGER' ELSE 'COLLABORATOR' END, 'ACTIVE', 'SHARE', h.id, began
FROM size CROSS JOIN s JOIN u h ON h.home = host AND h.k = 1 JOIN u ON u.home = guest AND CASE s.kind
  WHEN 'provider' THEN u.k = 3 + s.n % 60
  WHEN 'brand' THEN u.k = 2
  WHEN 'dealer' THEN u.k <= 4 OR u.k = 5 AND s <= owned
  ELSE u.k <= granted END

INSERT INTO accord.access_items (request_id, share_id, partnership_id, account_id, host_id, guest_id, member_user_id,
  requested_by, role, state, created_at, lapses_at)
SELECT accord.new_id(), s.id, partnership, account, host, guest, u.id, r.id, 'COLLABORATOR', 'PENDING', now(),
  now() + interval '14 days'
FROM size CROSS JOIN s JOIN u r ON r.home = guest AND r.k = 1
JOIN u ON u.home = guest AND u.k > granted AND u.k <= granted + admins WHERE s.kind = 'crowd'

CREATE TEMP TABLE d AS
SELECT accord.new_id() AS id, accord.new_id() AS role_group, p.id AS partnership, kind, n, host, guest
FROM p, size WHERE kind = 'crowd' OR (kind = 'provider' AND n <= delegated)

INSERT INTO accord.role_delegations (id, partnership_id, host_id, guest_id, role, state, notify_addresses, granted_by,
  granted_at)
SELECT d.id, partnership, host, guest, 'PHONE_MANAGER', 'ACTIVE', '{a@x.example}', u.id, began
FROM size, d JOIN u ON u.home = host AND u.k = 1

INSERT INTO accord.role_groups (id, delegation_id, partnership_id, host_id, guest_id, role, state)
SELECT role_group, id, partnership, host, guest, 'PHONE_MANAGER', 'ACTIVE' FROM d

INSERT INTO accord.role_group_members (group_id, partnership_id, host_id, guest_id, user_id, added_by, added_at)
SELECT role_group, partnership, host, guest, u.id, a.id, began FROM size CROSS JOIN d JOIN u a ON a.home = guest AND a.k = 1
JOIN u ON u.home = guest AND CASE d.kind WHEN 'provider' THEN u.k BETWEEN 3 AND 7 ELSE u.k <= owned END

INSERT INTO accord.customer_assignments (partnership_id, host_id, guest_id, user_id, assigned_by, assigned_at)
SELECT p.id, host, guest, t.id, a.id, began FROM size, p JOIN u t ON t.home = guest AND t.k = 3 + p.n % 60
JOIN u a ON a.home = guest AND a.k = 1 WHERE p.kind = 'provider' AND p.n % 2 = 1

INSERT INTO accord.external_contacts (host_id, email, roles, status, invited_by, user_id, home_id, accepted_at, created_at)
SELECT h.id, u.email, '{PHONE_MANAGER}', 'ACTIVE', a.id, u.id, u.home, began, began
FROM size, o h JOIN u a ON a.home = h.id AND a.k = 1, u
WHERE h.kind = 'crowd' AND u.kind = 'customer' AND u.k = 2 AND u.n <= owned

INSERT INTO accord.scim_credentials (organisation_id, label, token_hash, created_by, expires_at)
SELECT home, 'Directory', directory_token_hash, id, now() + interval '300 days' FROM size, u WHERE kind = 'crowd' AND k = 1

INSERT INTO accord.scim_users (id, organisation_id, user_name, external_id)
SELECT id, home, email, 'ext-' || k FROM m WHERE kind = 'crowd'

WITH made AS (
  INSERT INTO accord.scim_groups (organisation_id, display_name, external_id, created_at)
  SELECT id, 'Everybody in sales', 'group-1', began FROM o, size WHERE kind = 'crowd' RETURNING id
)
INSERT INTO accord.scim_group_members (group_id, membership_id, organisation_id)
SELECT made.id, m.id, home FROM size, made, m WHERE kind = 'crowd' AND k <= partners

INSERT INTO accord.scim_groups (organisation_id, display_name, external_id, created_at)
SELECT id, 'A group of nobody', 'group-2', began FROM o, size WHERE kind = 'crowd'

INSERT INTO accord.notifications (user_id, organisation_id, template, subject, text, created_at)
SELECT u.id, home, 'shared', 'Shared ' || i, 'text', now() - i * interval '1 minute'
FROM size, u, generate_series(1, notices) i WHERE kind = 'dealer' AND k = 5

INSERT INTO accord.organisation_settings (id) SELECT id FROM o WHERE kind IN ('brand', 'crowd', 'provider')

INSERT INTO accord.invoices (organisation_id, number, issued_on, due_on, amount_minor, currency)
SELECT id, 'I-' || i, began, began + interval '30 days', 100 + i, 'NOK'
FROM size, o, generate_series(1, partners) i WHERE kind = 'brand'

INSERT INTO accord.wallets (id, currency, balance_minor) SELECT id, 'NOK', 1000 FROM o WHERE kind = 'brand'

INSERT INTO accord.wallet_entries (organisation_id, currency, kind, amount_minor, balance_minor, made_by, made_by_name,
  created_at)
SELECT home, 'NOK', 'TOP_UP', 1, i, id, name, began
FROM size, u, generate_series(1, partners) i WHERE kind = 'brand' AND k = 1

INSERT INTO accord.api_clients (organisation_id, owner_user_id, name, secret_hash, scopes, expires_at, status)
SELECT home, id, 'Client ' || i, encode(sha256(('client ' || i)::bytea), 'hex'), '{partnerships:read}',
  now() + interval '300 days', 'ACTIVE'
FROM u, generate_series(1, 10) i WHERE kind = 'brand' AND k = 1

INSERT INTO accord.memberships (organisation_id, email, display_name, roles, status, token_hash, token_expires_at)
SELECT id, 'asked' || i || '@elsewhere.example', 'Asked ' || i, '{MEMBER}', 'INVITED',
  encode(sha256(('asked ' || i)::bytea), 'hex'), now() + interval '14 days'
FROM size, o, generate_series(1, admins) i WHERE kind = 'crowd'

INSERT INTO accord.invitation_claims (organisation_id, membership_id, by_operator, link_hash, invited_email, issuer,
  subject, email, email_verified, state, claimed_at, expires_at)
SELECT organisation_id, m.id, false, token_hash, email, issuer, 'other ' || email, 'other.' || email, true, 'WAITING',
  now(), token_expires_at
FROM size, accord.memberships m JOIN o ON o.id = organisation_id WHERE o.kind = 'crowd' AND status = 'INVITED'

INSERT INTO accord.cascades (organisation_id, actor_user_id, kind, subject_id, total, done, finished_at)
SELECT host, u.id, 'END_SHARES', p.id, partners, partners, began
FROM size, p JOIN u ON u.home = host AND u.k = 1 WHERE p.kind = 'dealer'

CREATE TEMP TABLE e AS
SELECT q, accord.new_id() AS id, rare, p.host, p.guest, p.id AS partnership, a.id AS account,
  CASE WHEN rare THEN 'Rare' ELSE 'Ledger' END AS app, m.id AS person, m.name
FROM size, (SELECT q, q IN (events / 10, events / 2, events * 9 / 10) AS rare FROM size, generate_series(1, events) q) q
JOIN p ON p.kind = 'brand' AND p.n = CASE WHEN rare THEN 1 ELSE 2 + q % ((SELECT partners FROM size) - 1) END
JOIN a ON a.kind = 'pool' AND a.n = 0 AND a.s = q % (SELECT owned FROM size) + 1
JOIN u m ON m.home = p.guest AND m.k = 2

INSERT INTO accord.activity_events (id, stream_id, sequence, occurred_at, type, outcome, actor_user_id, actor_name,
  actor_home_organisation_id, host_id, guest_id, partnership_id, account_id, account_label, app, location, os, device, ip,
  data, previous_hash, hash)
SELECT id, host, q, now() - interval '300 days' + q * (interval '300 days' / events),
  CASE WHEN rare THEN 'partnership.suspended'
    ELSE (ARRAY['share.added', 'signin.account', 'grant.role_changed', 'access_request.filed'])[1 + q % 4] END,
  CASE WHEN rare THEN 'DENIED' ELSE 'SUCCESS' END, person, name, guest, host, guest, partnership, account, 'Pool account',
  app, 'Oslo, Norway', 'Linux', 'Desktop', '192.0.2.7', jsonb_build_object('number', q),
  encode(sha256((q - 1)::text::bytea), 'hex'), encode(sha256(q::text::bytea), 'hex')
FROM e, size ORDER BY q

UPDATE accord.chain_heads SET sequence = events, hash = encode(sha256(events::text::bytea), 'hex')
FROM size WHERE stream_id = (SELECT id FROM o WHERE kind = 'brand')

CREATE TABLE public.named AS
SELECT 'organisation:' || kind || '-' || n AS name, id FROM o WHERE n <= 10
UNION ALL SELECT 'user:' || email, id FROM u WHERE n <= 4 AND (k <= 70 OR kind <> 'crowd')
UNION ALL SELECT 'membership:' || email, id FROM m WHERE n <= 4 AND (k <= 70 OR kind <> 'crowd')
UNION ALL SELECT 'partnership:' || kind || '-' || n, id FROM p WHERE n <= 4
UNION ALL SELECT 'account:' || kind || '-' || n || ':' || s, id FROM a WHERE n <= 4 AND s <= 8
UNION ALL SELECT 'share:' || kind || '-' || n || ':' || s, id FROM s WHERE n <= 4 AND s <= 4
UNION ALL SELECT 'rolegroup:' || kind || '-' || n, role_group FROM d WHERE n <= 4
UNION ALL SELECT 'delegation:' || kind || '-' || n, id FROM d WHERE n <= 4
UNION ALL SELECT 'scimgroup:' || external_id, id FROM accord.scim_groups
UNION ALL SELECT 'event:' || q, id FROM e WHERE q <= 2

CREATE EXTENSION pg_stat_statements

RESET session_replication_role

VACUUM ANALYZE
