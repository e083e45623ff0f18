import { type FormEvent, useState } from "react";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Shown } from "../parts/states.tsx";

const ROLES = ["payee", "customer", "ingest", "operator"] as const;
type Role = (typeof ROLES)[number];

/** All API keys; a secret is shown once, when it is made. */
export function Keys() {
  const keys = useApi("get /v1/keys", { query: { limit: 1000 } });
  const [role, setRole] = useState<Role>("payee");
  const make = useAction("post /v1/keys");
  const revoke = useAction("delete /v1/keys/{id}");
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
        <ActionProblem error={make.error ?? revoke.error} />
        <SecretOnce secret={make.data?.secret ?? null} what="key" />
      </Panel>
      <Panel title="All keys">
        <Shown query={keys} lines={8}>
          {({ data }) => (
            <DataTable
              caption="API keys"
              columns={[
                {
                  key: "key",
                  title: "Key",
                  lead: true,
                  cell: ({ shown, name }) => (
                    <>
                      <code>{shown}…</code> {name}
                    </>
                  ),
                },
                {
                  key: "role",
                  title: "Role",
                  cell: (key) => [key.role, key.payee ?? key.customer].filter(Boolean).join(" "),
                },
                { key: "scope", title: "Scope", cell: ({ scope }) => scope },
                {
                  key: "last used",
                  title: "Last used",
                  cell: (key) => (key.last_used_at === null ? "never" : timeName(key.last_used_at)),
                },
                {
                  key: "ends",
                  title: "Ends",
                  cell: (key) =>
                    key.revoked_at !== null
                      ? `revoked ${timeName(key.revoked_at)}`
                      : key.expires_at === null
                        ? "never"
                        : timeName(key.expires_at),
                },
                {
                  key: "action",
                  title: "Action",
                  cell: ({ id, revoked_at, shown }) =>
                    revoked_at === null ? (
                      <ConfirmButton
                        danger
                        label="Revoke"
                        title={`Revoke ${shown}…?`}
                        disabled={revoke.isPending}
                        onConfirm={() => revoke.mutate({ path: { id } })}
                      >
                        <p>Programs that use it are refused at once. This cannot be undone.</p>
                      </ConfirmButton>
                    ) : (
                      "–"
                    ),
                },
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="There are no keys yet."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}
