// Who asks, as PostgreSQL is told in each transaction: the same settings that Accord's gateway makes. A peer is told by
// its environment and believes it: it checks no token.
export const database = process.env.DATABASE_URL;
export const port = Number(process.env.PORT);
export const caller = JSON.parse(process.env.CALLER);
export const connections = 8;
