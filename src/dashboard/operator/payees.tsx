import { useDeferredValue, useState } from "react";
import { Link } from "wouter";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";

/** Finds a payee; its pages are those that it sees itself. */
export function Payees() {
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search);
  const payees = useApi("get /v1/payees", { query: { search: wanted, limit: 100 } });
  return (
    <Page title="Payees">
      <Panel
        title="Everybody who can be paid"
        note={payees.data?.next_cursor ? "The first hundred: search for others." : "\u00a0"}
        actions={
          <label className="choice">
            <span>Search</span>
            <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
          </label>
        }
      >
        <Shown query={payees} lines={10}>
          {({ data }) => (
            <DataTable
              caption="Payees"
              columns={[
                {
                  key: "payee",
                  title: "Payee",
                  lead: true,
                  cell: ({ id, name }) => <Link href={`/payees/${id}`}>{name}</Link>,
                },
                { key: "id", title: "Id", cell: ({ id }) => <code>{id}</code> },
                { key: "country", title: "Country", cell: ({ country }) => country },
                { key: "currency", title: "Currency", cell: (row) => row.default_currency },
                {
                  key: "account",
                  title: "Account",
                  cell: (row) =>
                    row.stripe_account === null ? "none yet" : <code>{row.stripe_account}</code>,
                },
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="No payee has that in its id or name."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}
