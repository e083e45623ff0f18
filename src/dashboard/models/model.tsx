import { useState } from "react";
import { Link } from "wouter";
import { MonthChoice } from "../creator/month-choice.tsx";
import { useMonth } from "../creator/use-month.ts";
import { monthName, monthRange } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { Page, Panel } from "../parts/page.tsx";
import { ErrorState, Shown } from "../parts/states.tsx";
import { type Dimension, DrillDown } from "./drill-down.tsx";
import { Explain } from "./explain.tsx";
import { HowItRan } from "./how-it-ran.tsx";
import { LineageTree } from "./lineage-tree.tsx";
import { ModelDays } from "./model-days.tsx";
import { PriceList } from "./price-list.tsx";

const DIMENSIONS: { name: Dimension; label: string }[] = [
  { name: "day", label: "Day" },
  { name: "customer_country", label: "Customers' country" },
  { name: "version", label: "Version" },
  { name: "reason", label: "Reason" },
];

/** One model: its month by day, country, version and reason, how its money is split, and where it stands in its lineage. */
export function Model({ params }: { params: { owner: string; name: string } }) {
  const id = `${params.owner}/${params.name}`;
  const chosen = useMonth();
  const { month = "", currency = "" } = chosen;
  const [dimension, setDimension] = useState<Dimension>("day");
  const model = useApi("get /v1/models/{owner}/{name}", { path: params });
  if (chosen.error !== null) return <ErrorState error={chosen.error} />;
  if (model.error !== null)
    return (
      <Page title={id} above={<Link href="/models">Models</Link>}>
        <ErrorState error={model.error} />
      </Page>
    );
  // Others who earn from it see what it brings them, not how it runs.
  const isOwn = model.data?.lineage.some(({ is_self, owner }) => is_self && owner === chosen.payee) ?? false;
  const ready = month !== "" && currency !== "";
  return (
    <Page
      title={id}
      above={<Link href="/models">Models</Link>}
      asOf={chosen.months.data?.as_of}
      actions={<MonthChoice {...chosen} />}
    >
      <Panel title="Earnings by day" note={ready ? `${monthName(month)} (UTC), in ${currency}` : "\u00a0"}>
        <div className="chart-place">
          {ready && <ModelDays model={id} month={month} currency={currency} />}
        </div>
      </Panel>
      <Panel
        title="Look closer"
        note="Every grouping adds up to the same figure."
        actions={
          <fieldset className="segments">
            <legend className="hidden">Group by</legend>
            {DIMENSIONS.map(({ name, label }) => (
              <label key={name}>
                <input
                  type="radio"
                  name="dimension"
                  checked={dimension === name}
                  onChange={() => setDimension(name)}
                />
                <span className="segment">{label}</span>
              </label>
            ))}
          </fieldset>
        }
      >
        {ready && (
          <DrillDown model={id} range={monthRange(month)} currency={currency} dimension={dimension} />
        )}
      </Panel>
      <Panel
        title="How it was split"
        note={ready ? `Each step takes of what remains; ${monthName(month)}` : "\u00a0"}
      >
        {ready && <Explain model={id} month={month} currency={currency} />}
      </Panel>
      {ready && isOwn && <HowItRan model={id} month={month} />}
      <div className="two">
        <Panel title="Lineage" note="What it was made from, and what was made from it: royalties go up.">
          <Shown query={model}>{({ lineage }) => <LineageTree nodes={lineage} />}</Shown>
        </Panel>
        <Panel title="Prices" note="Each holds from its time on, until the next.">
          <Shown query={model}>{({ prices }) => <PriceList prices={prices} />}</Shown>
        </Panel>
      </div>
    </Page>
  );
}
