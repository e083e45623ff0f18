import { browserName } from "../data/browser-name.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { OwnKeys } from "../keys/own-keys.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Shown } from "../parts/states.tsx";
import { Endpoints } from "../webhooks/endpoints.tsx";
import { NewEndpoint } from "../webhooks/new-endpoint.tsx";
import { usePayee } from "./payee-context.ts";

/** Where events are sent and what was sent, the keys of programs, and the sessions that are open. */
export function Webhooks() {
  const payee = usePayee();
  const paging = usePaging();
  const endpoints = useApi("get /v1/webhook-endpoints", {
    query: { payee, limit: 20, cursor: paging.cursor },
  });
  return (
    <Page title="Webhooks and keys">
      <NewEndpoint owner={{ payee }} note="Statements, payouts, adjustments and prices" />
      <Shown query={endpoints} lines={6}>
        {({ data, next_cursor }) => (
          <>
            <Endpoints endpoints={data} />
            <Pager paging={paging} next={next_cursor} oldestFirst />
          </>
        )}
      </Shown>
      <OwnKeys />
      <Sessions />
    </Page>
  );
}

function Sessions() {
  const paging = usePaging();
  const sessions = useApi("get /v1/sessions", { query: { limit: 20, cursor: paging.cursor } });
  const end = useAction("delete /v1/sessions/{id}");
  return (
    <Panel title="Open sessions" note="Browsers that are signed in as you.">
      <ActionProblem error={end.error} />
      <Shown query={sessions} lines={3}>
        {({ data, next_cursor }) => (
          <>
            <DataTable
              caption="Sessions"
              columns={[
                {
                  key: "browser",
                  title: "Browser",
                  lead: true,
                  cell: ({ user_agent: agent }) =>
                    agent === null ? "not told" : <span title={agent}>{browserName(agent)}</span>,
                },
                { key: "since", title: "Since", cell: (row) => timeName(row.created_at) },
                { key: "last seen", title: "Last seen", cell: (row) => timeName(row.last_seen_at) },
                {
                  key: "end",
                  title: "End it",
                  cell: (row) =>
                    row.current ? (
                      <span className="tag good">this one</span>
                    ) : (
                      <button
                        type="button"
                        disabled={end.isPending}
                        onClick={() => end.mutate({ path: { id: row.id } })}
                      >
                        End
                      </button>
                    ),
                },
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="There are none."
            />
            <Pager paging={paging} next={next_cursor} />
          </>
        )}
      </Shown>
    </Panel>
  );
}
