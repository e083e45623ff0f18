import { type FormEvent, useState } from "react";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Shown } from "../parts/states.tsx";
import { KeyTable } from "./key-table.tsx";

const ROLES = ["payee", "customer", "ingest", "operator"] as const;
type Role = (typeof ROLES)[number];

/** All API keys; a secret is shown once, when it is made. */
export function AllKeys() {
  const keys = useApi("get /v1/keys", { query: { limit: 1000 } });
  const [role, setRole] = useState<Role>("payee");
  const make = useAction("post /v1/keys");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const bound = String(form.get("bound") ?? "");
    make.mutate({
      body: {
        role,
        scope: form.get("scope") === "read" ? "read" : "write",
        ...(form.get("name") ? { name: String(form.get("name")) } : {}),
        ...(role === "payee" ? { payee: bound } : role === "customer" ? { customer: bound } : {}),
      },
    });
  };
  return (
    <Page title="API keys">
      <Panel title="A new key">
        <form className="row-form" onSubmit={submit}>
          <label className="choice">
            <span>Role</span>
            <select value={role} onChange={(event) => setRole(event.target.value as Role)}>
              {ROLES.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          {(role === "payee" || role === "customer") && (
            <label className="choice">
              <span>Whose: the {role}'s id</span>
              <input name="bound" required />
            </label>
          )}
          <label className="choice">
            <span>Scope</span>
            <select name="scope" defaultValue="read">
              <option value="read">read</option>
              <option value="write">read and write</option>
            </select>
          </label>
          <label className="choice">
            <span>Name, to know it by</span>
            <input name="name" maxLength={200} />
          </label>
          <button type="submit" className="primary" disabled={make.isPending}>
            Make the key
          </button>
        </form>
        <ActionProblem error={make.error} />
        <SecretOnce secret={make.data?.secret ?? null} what="key" />
      </Panel>
      <Panel title="All keys">
        <Shown query={keys} lines={8}>
          {({ data }) => <KeyTable keys={data} mayChange />}
        </Shown>
      </Panel>
    </Page>
  );
}
