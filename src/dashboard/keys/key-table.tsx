import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { useAction } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";

type Key = Schema<"Key">;

/** API keys, and what may be done to each by those who may; a secret is never among them. */
export function KeyTable({ keys, mayChange }: { keys: readonly Key[]; mayChange: boolean }) {
  const revoke = useAction("delete /v1/keys/{id}");
  const rotate = useAction("post /v1/keys/{id}/rotate");
  return (
    <>
      <ActionProblem error={revoke.error ?? rotate.error} />
      <SecretOnce secret={rotate.data?.secret ?? null} what="new key" />
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
          { key: "made by", title: "Made by", cell: ({ made_by }) => made_by },
          {
            key: "last used",
            title: "Last used",
            cell: (key) => (key.last_used_at === null ? "never" : timeName(key.last_used_at)),
          },
          { key: "ends", title: "Ends", cell: endOf },
          {
            key: "action",
            title: "Action",
            cell: (key) =>
              key.revoked_at !== null || !mayChange ? (
                "–"
              ) : (
                <span className="actions">
                  {key.replaced_by === null && (
                    <ConfirmButton
                      inRow
                      label="Rotate"
                      title={`Rotate ${key.shown}…?`}
                      disabled={rotate.isPending}
                      onConfirm={() => rotate.mutate({ path: { id: key.id } })}
                    >
                      <p>A new key takes its place. The old one still works for a day.</p>
                    </ConfirmButton>
                  )}
                  <ConfirmButton
                    danger
                    label="Revoke"
                    title={`Revoke ${key.shown}…?`}
                    disabled={revoke.isPending}
                    onConfirm={() => revoke.mutate({ path: { id: key.id } })}
                  >
                    <p>Programs that use it are refused at once. This cannot be undone.</p>
                  </ConfirmButton>
                </span>
              ),
          },
        ]}
        rows={keys}
        keyOf={({ id }) => id}
        empty="There are no keys yet."
      />
    </>
  );
}

function endOf({ revoked_at, expires_at }: Key): string {
  if (revoked_at !== null) return `revoked ${timeName(revoked_at)}`;
  return expires_at === null ? "never" : timeName(expires_at);
}
