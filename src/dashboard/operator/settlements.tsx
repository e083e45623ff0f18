import { type FormEvent, useState } from "react";
import { Link, useLocation } from "wouter";
import { addMonths, monthName, thisMonth, timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { Person } from "../oversight/person.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { RunProgress } from "./run-progress.tsx";

const TONES: Record<string, string> = { paid: "good", approved: "good", planned: "warn", closing: "warn" };

/** All months that were closed, and the one to close next. */
export function Settlements() {
  const settlements = useApi("get /v1/settlements", { query: { limit: 100 } });
  const [, go] = useLocation();
  const last = settlements.data?.data[0]?.period;
  const [chosen, setChosen] = useState<string | null>(null);
  const period = chosen ?? (last === undefined ? addMonths(thisMonth(), -1) : addMonths(last, 1));
  const open = (event: FormEvent) => {
    event.preventDefault();
    go(`/settlements/${period}`);
  };
  return (
    <Page title="Settlements">
      <RunProgress />
      <Panel title="The next month" note="A month is closed after its end, in order.">
        <form className="row-form" onSubmit={open}>
          <label className="choice">
            <span>Month (UTC)</span>
            <input
              value={period}
              pattern="[1-9][0-9]{3}-(0[1-9]|1[0-2])"
              required
              title="A month such as 2023-11"
              onChange={(event) => setChosen(event.target.value)}
            />
          </label>
          <button type="submit" className="primary">
            Open
          </button>
        </form>
      </Panel>
      <Panel title="Closed months">
        <Shown query={settlements} lines={8}>
          {({ data }) => (
            <DataTable
              caption="Settlements"
              columns={[
                {
                  key: "month",
                  title: "Month",
                  lead: true,
                  cell: ({ period: month }) => <Link href={`/settlements/${month}`}>{monthName(month)}</Link>,
                },
                {
                  key: "state",
                  title: "State",
                  cell: ({ state }) => <span className={`tag ${TONES[state] ?? ""}`}>{state}</span>,
                },
                {
                  key: "closed",
                  title: "Closed",
                  cell: (row) => (row.closed_at === null ? "–" : timeName(row.closed_at)),
                },
                { key: "planned by", title: "Planned by", cell: (row) => <Who id={row.planned_by} /> },
                { key: "approved by", title: "Approved by", cell: (row) => <Who id={row.approved_by} /> },
              ]}
              rows={data}
              keyOf={({ period: month }) => month}
              empty="No month is closed yet."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}

function Who({ id }: { id: string | null }) {
  return id === null ? "–" : <Person id={id} />;
}
