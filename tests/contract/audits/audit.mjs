// Runs every audit of GraphQL over HTTP against the address given, as the bearer of the token given; prints JSON.
import { serverAudits } from "graphql-http";

const [url, token] = process.argv.slice(2);
const fetchFn = (target, init = {}) =>
  fetch(target, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
