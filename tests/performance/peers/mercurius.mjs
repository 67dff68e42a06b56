// Mercurius as a careful author would write it: compiled queries, batched loaders, one transaction for each request.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";
import { caller, connections, database, port } from "./caller.mjs";

const pool = new pg.Pool({ connectionString: database, max: connections });

const schema = `
  type Query { organisation(id: ID!): Organisation viewer: Viewer }
  type Viewer { user: User! organisation: Organisation! memberships: [Membership!]! }
  type Membership { id: ID! displayName: String! roles: [String!] status: String organisation: Organisation! }
  type Organisation {
    id: ID! handle: String! name: String!
    partnerships(side: Side!, first: Int!): PartnershipConnection!
  }
  enum Side { HOST }
  type PartnershipConnection { edges: [PartnershipEdge!]! }
  type PartnershipEdge { node: Partnership! }
  type Partnership { id: ID! state: String! guest: Organisation! shares(first: Int!): ShareConnection! }
  type ShareConnection { edges: [ShareEdge!]! }
  type ShareEdge { node: Share! }
  type Share { id: ID! state: String! account: Account! grants(first: Int! = 25): GrantConnection! }
  type GrantConnection { edges: [GrantEdge!]! }
  type GrantEdge { node: Grant! }
  type Account { id: ID! label: String! app: String! status: String! }
  type Grant { id: ID! role: String! user: User! }
  type User { id: ID! displayName: String! }
`;

const ORGANISATIONS = "SELECT id::text, handle, name FROM accord.organisations WHERE id = ANY ($1::uuid[])";
const PARTNERSHIPS = `
  SELECT o.id AS parent, p.* FROM unnest($1::uuid[]) o(id) CROSS JOIN LATERAL (
    SELECT id::text, state, guest_id::text FROM accord.partnerships WHERE host_id = o.id ORDER BY id LIMIT $2) p`;
const SHARES = `
  SELECT q.id AS parent, s.* FROM unnest($1::uuid[]) q(id) CROSS JOIN LATERAL (
    SELECT id::text, state, account_id::text FROM accord.shares WHERE partnership_id = q.id ORDER BY id LIMIT $2) s`;
const ACCOUNTS = "SELECT id::text, label, app, status FROM accord.accounts WHERE id = ANY ($1::uuid[])";
const GRANTS = `
  SELECT s.id AS parent, t.* FROM unnest($1::uuid[]) s(id) CROSS JOIN LATERAL (
    SELECT id::text, role, user_id::text FROM accord.grants
    WHERE share_id = s.id AND state = 'ACTIVE' ORDER BY id LIMIT $2) t`;
const USERS = 'SELECT id::text, display_name AS "displayName" FROM accord.users WHERE id = ANY ($1::uuid[])';
const VIEWER = `
  SELECT id::text, display_name AS "displayName", home_organisation_id::text FROM accord.users
  WHERE id = (SELECT accord.person())`;
const MEMBERSHIPS = `
  SELECT m.id::text, m.display_name AS "displayName", m.roles, m.status, m.organisation_id::text
  FROM accord.memberships m WHERE m.user_id = $1::uuid ORDER BY m.id`;

const told = Object.keys(caller).map((_, n) => `set_config($${2 * n + 1}, $${2 * n + 2}, true)`).join(", ");
const TELL = { name: "tell", text: `SELECT ${told}`, values: Object.entries(caller).flat() };

/** The transaction of one request, begun by the first statement; statements of a request go one after another. */
class Snapshot {
  async begun() {
    this.client = await pool.connect();
    await this.client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await this.client.query(TELL);
    return this.client;
  }
  async rows(name, text, values) {
    this.opening ??= this.begun();
    return (await (await this.opening).query({ name, text, values })).rows;
  }
  async close() {
    if (!this.opening) return;
    const client = await this.opening;
    await client.query("COMMIT");
    client.release();
  }
}

const global = (kind, row) => ({ ...row, key: row.id, id: `${kind}_${row.id}` });
const connection = (rows) => ({ edges: rows.map((node) => ({ node })) });

async function found(kind, name, text, keys, { snapshot }) {
  const rows = await snapshot.rows(name, text, [[...new Set(keys)]]);
  const byKey = new Map(rows.map((row) => [row.id, global(kind, row)]));
  return keys.map((key) => byKey.get(key) ?? null);
}

async function children(kind, name, text, keys, { snapshot }, ...more) {
  const rows = await snapshot.rows(name, text, [keys, ...more]);
  const byParent = new Map(keys.map((key) => [key, []]));
  for (const row of rows) byParent.get(row.parent).push(global(kind, row));
  return keys.map((key) => byParent.get(key));
}

const keysOf = (queries, name) => queries.map(({ obj }) => obj[name]);
const one = (kind, name, text, column) => (queries, context) =>
  found(kind, name, text, keysOf(queries, column), context);
const page = (kind, name, text) => async (queries, context) => {
  const lists = await children(kind, name, text, keysOf(queries, "key"), context, queries[0].params.first);
  return lists.map(connection);
};

const loaders = {
  Organisation: { partnerships: page("partnership", "partnerships", PARTNERSHIPS) },
  Partnership: {
    guest: one("organisation", "organisations", ORGANISATIONS, "guest_id"),
    shares: page("share", "shares", SHARES),
  },
  Share: {
    account: one("account", "accounts", ACCOUNTS, "account_id"),
    grants: page("grant", "grants", GRANTS),
  },
  Grant: { user: one("user", "users", USERS, "user_id") },
  Membership: { organisation: one("organisation", "organisations", ORGANISATIONS, "organisation_id") },
};

const resolvers = {
  Query: {
    async organisation(_, { id }, context) {
      const [, key] = id.split("_");
      return (await found("organisation", "organisations", ORGANISATIONS, [key], context))[0];
    },
    async viewer(_, __, { snapshot }) {
      const [user] = await snapshot.rows("viewer", VIEWER, []);
      return { user: global("user", user), home: user.home_organisation_id };
    },
  },
  Viewer: {
    organisation: async ({ home }, _, context) =>
      (await found("organisation", "organisations", ORGANISATIONS, [home], context))[0],
    memberships: async ({ user }, _, { snapshot }) =>
      (await snapshot.rows("memberships", MEMBERSHIPS, [user.key])).map((row) => global("membership", row)),
  },
};

const app = Fastify();
app.register(mercurius, {
  schema,
  resolvers,
  loaders,
  jit: 1,
  context: () => ({ snapshot: new Snapshot() }),
});
await app.ready();
app.graphql.addHook("onResolution", async (_, context) => context.snapshot.close());
await app.listen({ port, host: "127.0.0.1" });
