import { useState } from "react";
import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Shown } from "../parts/states.tsx";
import { Person } from "./person.tsx";

type Entry = Schema<"ListedAuditEntry">;
const OUTCOMES = { "": "all", done: "done", refused: "refused" } as const;
type Outcome = keyof typeof OUTCOMES;

/** Who changed what and who was refused, the newest first; each entry holds the hash of the one before it. */
export function AuditLog() {
  const [about, setAbout] = useState("");
  const [outcome, setOutcome] = useState<Outcome>("");
  const paging = usePaging();
  const log = useApi("get /v1/audit-log", {
    query: {
      limit: 50,
      documents: "none",
      cursor: paging.cursor,
      about: about === "" ? undefined : about,
      outcome: outcome === "" ? undefined : outcome,
    },
  });
  return (
    <Page title="Audit log">
      <Panel title="Who did what" note="It only grows; verify proves that no entry was changed or taken out.">
        <form className="row-form" onSubmit={(event) => event.preventDefault()}>
          <label className="choice grow">
            <span>About: a part of an id</span>
            <input
              value={about}
              maxLength={200}
              onChange={(event) => {
                setAbout(event.target.value.trim());
                paging.restart();
              }}
            />
          </label>
          <label className="choice">
            <span>Outcome</span>
            <select
              value={outcome}
              onChange={(event) => {
                setOutcome(event.target.value as Outcome);
                paging.restart();
              }}
            >
              {Object.entries(OUTCOMES).map(([value, word]) => (
                <option key={value} value={value}>
                  {word}
                </option>
              ))}
            </select>
          </label>
        </form>
        <Shown query={log} lines={10}>
          {({ data, next_cursor }) => (
            <>
              <Entries entries={data} />
              <Pager paging={paging} next={next_cursor} />
            </>
          )}
        </Shown>
      </Panel>
    </Page>
  );
}

function Entries({ entries }: { entries: readonly Entry[] }) {
  return (
    <DataTable
      caption="Audit log"
      columns={[
        {
          key: "what",
          title: "What",
          lead: true,
          cell: ({ entry, route, target }) => (
            <>
              <span className="dim">{entry}</span> {route}{" "}
              {!route.endsWith(target.replace(/^\/v1/, "")) && <span className="dim">{target}</span>}
            </>
          ),
        },
        {
          key: "who",
          title: "Who",
          cell: ({ principal, role }) => (
            <>
              <Person id={principal} /> ({role})
            </>
          ),
        },
        { key: "when", title: "When", cell: ({ at }) => timeName(at) },
        {
          key: "outcome",
          title: "Outcome",
          cell: ({ code, status }) =>
            code === null ? (
              <span className="tag good">done</span>
            ) : (
              <span className="tag bad">{`${status} ${code}`}</span>
            ),
        },
        { key: "change", title: "Change", cell: ({ entry }) => <Change entry={entry} /> },
      ]}
      rows={entries}
      keyOf={({ entry }) => entry}
      empty="No entry is like this."
    />
  );
}

/** What was there before, asked and answered may be long: it is asked for when somebody wants to see it. */
function Change({ entry }: { entry: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Show</summary>
      {open && <Documents entry={entry} />}
    </details>
  );
}

function Documents({ entry }: { entry: string }) {
  const whole = useApi("get /v1/audit-log/{entry}", { path: { entry } });
  return (
    <Shown query={whole} lines={4}>
      {({ before, asked, after, request_id, hash }) => (
        <pre className="payload">{JSON.stringify({ before, asked, after, request_id, hash }, null, 2)}</pre>
      )}
    </Shown>
  );
}
