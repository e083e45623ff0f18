import { useState } from "react";
import { useDuties } from "../data/session.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";

const STATES = ["waiting", "handled", "ignored", "dead"] as const;
type State = (typeof STATES)[number];

/** What Stripe's webhooks told, what it did, and handling one once more. */
export function StripeEvents() {
  const [state, setState] = useState<State | "">("");
  const events = useApi("get /v1/webhooks/stripe/events", {
    query: { limit: 200, state: state === "" ? undefined : state },
  });
  const replay = useAction("post /v1/webhooks/stripe/events/{id}/replay");
  const { makes } = useDuties();
  return (
    <Page title="Stripe's events">
      <Panel
        title="What Stripe told"
        note="Each is handled once; what it is about is fetched anew from Stripe first."
        actions={
          <label className="choice">
            <span>State</span>
            <select value={state} onChange={(event) => setState(event.target.value as State | "")}>
              <option value="">all</option>
              {STATES.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
        }
      >
        {!makes && <Notice>An event is handled again by a maker.</Notice>}
        <ActionProblem error={replay.error} />
        <Shown query={events} lines={10}>
          {({ data }) => (
            <DataTable
              caption="Events"
              columns={[
                { key: "type", title: "Event", lead: true, cell: ({ type }) => type },
                { key: "about", title: "About", cell: ({ about }) => <code>{about}</code> },
                { key: "received", title: "Received", cell: (row) => timeName(row.received_at) },
                {
                  key: "state",
                  title: "State",
                  cell: (row) => (
                    <span
                      className={`tag ${row.state === "dead" ? "bad" : row.state === "handled" ? "good" : ""}`}
                    >
                      {row.state}
                    </span>
                  ),
                },
                {
                  key: "outcome",
                  title: "What it did",
                  cell: ({ outcome, attempts }) => outcome ?? `${attempts} attempts`,
                },
                {
                  key: "replay",
                  title: "Replay",
                  cell: ({ id }) => (
                    <button
                      type="button"
                      disabled={replay.isPending || !makes}
                      onClick={() => replay.mutate({ path: { id } })}
                    >
                      Handle again
                    </button>
                  ),
                },
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="Stripe told of nothing yet."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}
