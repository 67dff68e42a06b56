import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Brand } from "./brand";
import { graphiqlOf, listPeople, spoken, type Person } from "./people";
import "./style.css";

function Picker() {
  const [people, setPeople] = useState<Person[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    listPeople().then(setPeople, (error: Error) => setProblem(error.message));
  }, []);
  return (
    <main className="picker">
      <Brand />
      <h1>Who would you like to be?</h1>
      <p>
        These people live in the demo world. Pick one to open GraphiQL signed in as them; what they may see and do is
        what their organisations&rsquo; partnerships allow.
      </p>
      {problem !== undefined && <p role="alert">{problem}</p>}
      {people?.length === 0 && (
        <p role="alert">
          Nobody is here yet. Load the demo world with <code>accord demo</code>.
        </p>
      )}
      <div className="organisations">
        {people !== undefined &&
          [...Map.groupBy(people, (person) => person.organisation)].map(([name, members]) => (
            <Organisation key={name} name={name} members={members} />
          ))}
      </div>
    </main>
  );
}

function Organisation({ name, members }: { name: string; members: Person[] }) {
  return (
    <section>
      <h2>{name}</h2>
      <ul>
        {members.map((person) => (
          <li key={person.email}>
            <a href={graphiqlOf(person.email)}>
              <b>{person.name}</b>
              <span>{person.email}</span>
              <small>{person.roles.map(spoken).join(" · ") || "No role"}</small>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

createRoot(document.getElementById("root")!).render(<Picker />);
