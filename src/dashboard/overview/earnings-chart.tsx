import { memo } from "react";
import { StackedBars } from "../charts/stacked-bars.tsx";
import { usePayee } from "../creator/payee-context.ts";
import { lessMoney } from "../data/money.ts";
import { dayName, monthRange } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Shown } from "../parts/states.tsx";

const MODELS_SHOWN = 7;

/** A month's earnings day by day, the largest models by name and the rest together. */
export const EarningsChart = memo(function EarningsChart({
  month,
  currency,
}: {
  month: string;
  currency: string;
}) {
  const payee = usePayee();
  const query = { ...monthRange(month), step: "day" as const, currency };
  const series = useApi("get /v1/payees/{id}/earnings/series", { path: { id: payee }, query });
  return (
    <Shown query={series} lines={10}>
      {({ steps, models, earned }) => {
        const shown = models
          .slice(0, models.length > MODELS_SHOWN + 1 ? MODELS_SHOWN : MODELS_SHOWN + 1)
          .map((model) => ({ name: model.model, amounts: model.earned }));
        const rest = models.slice(shown.length);
        const others = {
          name: `${rest.length} other models`,
          // All that was earned, less what is shown: there may be hundreds of them.
          amounts: steps.map((_, step) =>
            lessMoney(
              earned[step] ?? "0",
              shown.map(({ amounts }) => amounts[step] ?? "0"),
            ),
          ),
        };
        const rows = steps.map((step, place) => ({ step, amount: earned[place] ?? "0" }));
        return (
          <>
            <StackedBars
              caption="Earnings by model for each day of the month"
              currency={currency}
              steps={steps}
              series={rest.length > 0 ? [...shown, others] : shown}
              label={(step) => dayName(step).slice(0, -5)}
            />
            <details>
              <summary>The same as a table</summary>
              <DataTable
                caption="Earnings for each day of the month"
                columns={[
                  { key: "day", title: "Day (UTC)", cell: ({ step }) => dayName(step), lead: true },
                  {
                    key: "earned",
                    title: `Earned (${currency})`,
                    figure: true,
                    cell: ({ amount }) => <MoneyView value={{ currency, amount }} bare />,
                  },
                ]}
                rows={rows}
                keyOf={({ step }) => step}
                empty="No earnings in this month."
              />
            </details>
          </>
        );
      }}
    </Shown>
  );
});
