import { useDuties } from "../data/session.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";

/** Records that could not be metered, and sending them through again. */
export function DeadLetters() {
  const letters = useApi("get /v1/dead-letters", { query: { limit: 200 } });
  const replay = useAction("post /v1/dead-letters/{id}/replay");
  const { makes } = useDuties();
  return (
    <Page title="Dead letters">
      <Panel
        title="Could not be metered"
        note="Kept with their bytes. Mend what stopped one, then send it through the log again: what was counted already is not counted twice."
      >
        {!makes && <Notice>A dead letter is replayed by a maker.</Notice>}
        <ActionProblem error={replay.error} />
        <Shown query={letters} lines={8}>
          {({ data }) => (
            <DataTable
              caption="Dead letters"
              columns={[
                {
                  key: "reason",
                  title: "Reason",
                  lead: true,
                  cell: ({ reason, message }) => `${reason.replaceAll("_", " ")}: ${message}`,
                },
                {
                  key: "place",
                  title: "Place in the log",
                  cell: ({ partition, offset, index }) => `${partition} / ${offset} / ${index}`,
                },
                { key: "since", title: "Since", cell: (row) => timeName(row.created_at) },
                {
                  key: "record",
                  title: "Record",
                  cell: (row) => (
                    <details>
                      <summary>Show</summary>
                      <code>{textOf(row.raw_base64)}</code>
                    </details>
                  ),
                },
                {
                  key: "replay",
                  title: "Replay",
                  cell: (row) =>
                    row.replayed_at === null ? (
                      <button
                        type="button"
                        disabled={replay.isPending || !makes}
                        onClick={() => replay.mutate({ path: { id: row.id } })}
                      >
                        Replay
                      </button>
                    ) : (
                      `Sent again ${timeName(row.replayed_at)}`
                    ),
                },
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="There are none: every record was metered."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}

const SHOWN_MAX = 2_000;

/** The record's bytes as text; it came from outside, and is shown, never run. */
function textOf(base64: string): string {
  const bytes = Uint8Array.from(atob(base64.replaceAll(/\s/g, "")), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes).slice(0, SHOWN_MAX);
}
