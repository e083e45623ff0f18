import { useApi } from "../data/use-api.ts";

const USER = "user:";

/** Who did something: a person by its name or e-mail address; keys, schedules and whom the service does not know by their id. */
export function Person({ id }: { id: string }) {
  // By key: the name of the one before must not stand for the next one while that is on its way.
  return id.startsWith(USER) ? <User key={id} id={id} /> : id;
}

function User({ id }: { id: string }) {
  const user = useApi("get /v1/users/{id}", { path: { id: id.slice(USER.length) } });
  return <span title={id}>{user.data?.name ?? user.data?.email ?? id}</span>;
}
