// A certified OpenID provider as a test wants it: its people, clients and keys come in on standard input, one JSON
// object a line. The first line starts it; each later one changes what it names: other keys, or a clock that is wrong.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const settings = {};
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + (settings.skew ?? 0) * 1000;

function findAccount(_, id) {
  const claims = settings.people[id];
  return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
}

function made() {
  const provider = new Provider(settings.issuer, {
    clients: settings.clients,
    jwks: settings.jwks,
    findAccount,
    cookies: { keys: ["a key of a test"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "tenant"] },
    conformIdTokenClaims: settings.conforming ?? false,
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "HS256"] },
    extraTokenClaims: (_, token) => ({ ...settings.people[token.accountId] }),
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => ({
          scope: "openid email profile",
          audience: resource.slice("https://".length),
          accessTokenFormat: "jwt",
          accessTokenTTL: settings.life ?? 3600,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid email profile");
      if (ctx.oidc.params.resource) grant.addResourceScope(ctx.oidc.params.resource, "openid email profile");
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
    ttl: {
      IdToken: settings.life ?? 3600,
      AccessToken: settings.life ?? 3600,
      AuthorizationCode: 60,
      Session: 3600,
      Grant: 3600,
      Interaction: 600,
    },
  });
  return provider.callback();
}

let handle;
const server = createServer((request, response) => handle(request, response));
for await (const line of createInterface({ input: process.stdin })) {
  Object.assign(settings, JSON.parse(line));
  handle = made();
  if (!server.listening) await new Promise((ready) => server.listen(settings.port, "127.0.0.1", ready));
  console.log("ready");
}
process.exit(0);
