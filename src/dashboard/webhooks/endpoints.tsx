import { useState } from "react";
import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Panel } from "../parts/page.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Notice, Shown } from "../parts/states.tsx";

/** Each endpoint: whether it works, what was sent there, and what can be done with it. */
export function Endpoints({ endpoints }: { endpoints: readonly Schema<"WebhookEndpoint">[] }) {
  if (endpoints.length > 0)
    return endpoints.map((endpoint) => <Endpoint key={endpoint.id} endpoint={endpoint} />);
  return (
    <Panel title="Endpoints">
      <p className="empty">There are none yet: nothing is sent anywhere.</p>
    </Panel>
  );
}

function Endpoint({ endpoint }: { endpoint: Schema<"WebhookEndpoint"> }) {
  const { id, url, failing_since, disabled_at, disabled_reason } = endpoint;
  const path = { id };
  const [open, setOpen] = useState(false);
  const rotate = useAction("post /v1/webhook-endpoints/{id}/rotate");
  const enable = useAction("post /v1/webhook-endpoints/{id}/enable");
  const remove = useAction("delete /v1/webhook-endpoints/{id}");
  return (
    <Panel
      title={<span className="wrap">{url}</span>}
      note={endpoint.events === null ? "Every type of event" : endpoint.events.join(", ")}
    >
      {disabled_at !== null && (
        <Notice tone="bad">
          Disabled since {timeName(disabled_at)}: {disabled_reason}
        </Notice>
      )}
      {disabled_at === null && failing_since !== null && (
        <Notice tone="warn">It has been failing since {timeName(failing_since)}; it is tried again.</Notice>
      )}
      <div className="actions">
        {disabled_at !== null && (
          <button type="button" className="primary" onClick={() => enable.mutate({ path })}>
            Switch on again
          </button>
        )}
        <button type="button" disabled={rotate.isPending} onClick={() => rotate.mutate({ path })}>
          New signing secret
        </button>
        <ConfirmButton
          danger
          label="Delete"
          title="Delete this endpoint?"
          onConfirm={() => {
            // What was sent there is not to be asked for again once it is gone.
            setOpen(false);
            remove.mutate({ path });
          }}
        >
          <p>Nothing more is sent to {url}.</p>
        </ConfirmButton>
      </div>
      <ActionProblem error={rotate.error ?? enable.error ?? remove.error} />
      <SecretOnce secret={rotate.data?.secret ?? null} what="new signing secret" />
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>What was sent</summary>
        {open && <Deliveries id={id} />}
      </details>
    </Panel>
  );
}

function Deliveries({ id }: { id: string }) {
  const deliveries = useApi("get /v1/webhook-endpoints/{id}/deliveries", {
    path: { id },
    query: { limit: 100 },
  });
  const replay = useAction("post /v1/webhook-endpoints/{id}/replay");
  return (
    <>
      <ActionProblem error={replay.error} />
      <Shown query={deliveries}>
        {({ data }) => (
          <DataTable
            caption="Deliveries"
            columns={[
              { key: "type", title: "Event", lead: true, cell: ({ type }) => type },
              {
                key: "state",
                title: "State",
                cell: ({ state }) => (
                  <span className={`tag ${state === "delivered" ? "good" : state === "failed" ? "bad" : ""}`}>
                    {state}
                  </span>
                ),
              },
              { key: "attempts", title: "Last attempt", cell: ({ attempts }) => lastOf(attempts) },
              { key: "since", title: "Since", cell: (row) => timeName(row.created_at) },
              {
                key: "replay",
                title: "Replay",
                cell: ({ message }) => (
                  <button
                    type="button"
                    disabled={replay.isPending}
                    onClick={() => replay.mutate({ path: { id }, body: { message } })}
                  >
                    Send again
                  </button>
                ),
              },
            ]}
            rows={data}
            keyOf={(row) => row.id}
            empty="Nothing was sent yet."
          />
        )}
      </Shown>
    </>
  );
}

function lastOf(attempts: Schema<"WebhookDelivery">["attempts"]): string {
  const last = attempts.at(-1);
  if (last === undefined) return "not tried yet";
  return `${last.attempt}: ${last.status ?? last.error ?? "no answer"}`;
}
