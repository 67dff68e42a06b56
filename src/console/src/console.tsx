import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Brand } from "./brand";
import { fetchAs, listPeople, spoken, type Person } from "./people";
import { TABS } from "./queries";
import { storageOf } from "./storage";
import "./style.css";

const email = new URLSearchParams(location.search).get("as");
const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  fetch: email === null ? fetch.bind(window) : fetchAs(email),
  enableIncrementalDelivery: false,
});

function Console() {
  return (
    <div className="console">
      <header>
        <Brand />
        <SignedIn />
      </header>
      <GraphiQL fetcher={fetcher} defaultTabs={TABS} storage={storageOf(email ?? "nobody")}>
        <GraphiQL.Logo>{null}</GraphiQL.Logo>
      </GraphiQL>
    </div>
  );
}

function SignedIn() {
  const [person, setPerson] = useState<Person>();
  useEffect(() => {
    listPeople().then(
      (people) => setPerson(people.find((candidate) => candidate.email === email)),
      () => undefined,
    );
  }, []);
  if (email === null) return <p>Nobody is signed in: put a bearer token among the headers, or <a href="/">pick a person</a>.</p>;
  return (
    <p>
      Signed in as <b title={email}>{person?.name ?? email}</b>
      {person !== undefined && ` of ${person.organisation} · ${person.roles.map(spoken).join(", ")}`}
      <a href="/">Switch person</a>
    </p>
  );
}

createRoot(document.getElementById("root")!).render(<Console />);
