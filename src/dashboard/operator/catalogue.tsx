import { useDeferredValue, useState } from "react";
import { Link } from "wouter";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";

/** All models; each opens to its lineage, prices and policies. */
export function Catalogue() {
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search);
  const models = useApi("get /v1/models", { query: { search: wanted, limit: 100 } });
  return (
    <Page title="Catalogue">
      <Panel
        title="Models"
        note={models.data?.next_cursor ? "The first hundred: search for others." : "\u00a0"}
        actions={
          <label className="choice">
            <span>Search</span>
            <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
          </label>
        }
      >
        <Shown query={models} lines={12}>
          {({ data }) => (
            <DataTable
              caption="Models"
              columns={[
                {
                  key: "model",
                  title: "Model",
                  lead: true,
                  cell: ({ id }) => <Link href={`/catalogue/${id}`}>{id}</Link>,
                },
                {
                  key: "owner",
                  title: "Owner",
                  cell: ({ payee }) => <Link href={`/payees/${payee}`}>{payee}</Link>,
                },
                { key: "base model", title: "Made from", cell: (row) => row.base_model ?? "–" },
                {
                  key: "prices",
                  title: "Prices in",
                  cell: ({ currencies }) => (currencies.length === 0 ? "none yet" : currencies.join(", ")),
                },
              ]}
              rows={data}
              keyOf={({ id }) => id}
              empty="No model has that in its name."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}
