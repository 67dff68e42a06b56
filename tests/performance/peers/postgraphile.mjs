// PostGraphile over the same tables, with the same role and policies, as its manual sets it up for production. The keys
// of the tables name both organisations, so that rows of different ones can't be joined by mistake; PostGraphile is
// told the short keys, which are the cheaper ones to join by.
import { createServer } from "node:http";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";
import { caller, connections, database, port } from "./caller.mjs";

const key = (column, parent, ...names) => [`(${column}) references accord.${parent} (id)`, ...names].join("|");
const list = "-connection +list";
const tags = {
  class: {
    "accord.shares": {
      foreignKey: [
        key("partnership_id", "partnerships", "@fieldName partnership", "@foreignFieldName shares"),
        key("account_id", "accounts", "@fieldName account"),
      ],
    },
    "accord.grants": {
      foreignKey: key("share_id", "shares", "@fieldName share", "@foreignFieldName grants"),
    },
  },
  constraint: {
    "accord.partnerships.fk_partnerships_host_id": { foreignFieldName: "partnerships" },
    "accord.partnerships.fk_partnerships_guest_id": { fieldName: "guest" },
    "accord.grants.fk_grants_user_id": { fieldName: "user" },
    "accord.users.fk_users_home_organisation_id": { fieldName: "organisation" },
    "accord.memberships.fk_memberships_organisation_id": { fieldName: "organisation" },
    "accord.memberships.fk_memberships_user_id": { foreignSimpleFieldName: "memberships", behavior: list },
  },
};
const named = Object.fromEntries(
  Object.entries(tags).map(([kind, entries]) => [
    kind,
    Object.fromEntries(Object.entries(entries).map(([name, given]) => [name, { tags: given }])),
  ]),
);

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [jsonPgSmartTags({ version: 1, config: named })],
  pgServices: [
    makePgService({ connectionString: database, schemas: ["accord"], poolConfig: { max: connections }, pubsub: false }),
  ],
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
  grafast: { explain: false, context: () => ({ pgSettings: caller }) },
};

const instance = postgraphile(preset);
if (process.argv.includes("--schema")) {
  const { printSchema } = await import("graphql");
  process.stdout.write(printSchema(await instance.getSchema()));
  process.exit(0);
}
const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(port, "127.0.0.1");
