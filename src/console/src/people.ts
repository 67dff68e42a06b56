/** The people of the demo world, and signing in as one of them: the routes of the development issuer. */

export interface Person {
  email: string;
  name: string;
  organisation: string;
  roles: string[];
}

export async function listPeople(): Promise<Person[]> {
  const response = await fetch("/dev/people");
  if (!response.ok) throw new Error(response.status === 404 ? NO_DEVELOPMENT_ISSUER : await reason(response));
  return response.json();
}

/** A fresh token. Tokens are short-lived and stay in memory; they say who, and carry no rights. */
export async function signIn(email: string): Promise<string> {
  const response = await fetch("/dev/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email }),
  });
  if (!response.ok) throw new Error(await reason(response));
  const { token }: { token: string } = await response.json();
  return token;
}

/** `fetch` as this person; a token that has ended is replaced once. */
export function fetchAs(email: string): typeof fetch {
  let token: Promise<string> | undefined;
  const send = async (input: RequestInfo | URL, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${await (token ??= signIn(email))}`);
    return fetch(input, { ...init, headers });
  };
  return async (input, init) => {
    const response = await send(input, init);
    if (response.status !== 401) return response;
    token = undefined;
    return send(input, init);
  };
}

export function graphiqlOf(email: string): string {
  return `/graphiql?as=${encodeURIComponent(email)}`;
}

/** `ORG_ADMIN` as people say it. */
export function spoken(role: string): string {
  const words = role.toLowerCase().replaceAll("_", " ").replace(/^org /, "");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const NO_DEVELOPMENT_ISSUER = "This gateway has no development issuer: sign in with your organisation's own.";

async function reason(response: Response): Promise<string> {
  const body: { errors?: { message?: string }[] } = await response.json().catch(() => ({}));
  return body.errors?.[0]?.message ?? `The gateway answered ${response.status}.`;
}
