import { StackedBars } from "../charts/stacked-bars.tsx";
import { usePayee } from "../creator/payee-context.ts";
import { dayName, monthRange } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { EmptyState, Shown } from "../parts/states.tsx";

/** One model's month, day by day. */
export function ModelDays({ model, month, currency }: { model: string; month: string; currency: string }) {
  const payee = usePayee();
  const query = { ...monthRange(month), model, step: "day" as const, currency };
  const series = useApi("get /v1/payees/{id}/earnings/series", { path: { id: payee }, query });
  return (
    <Shown query={series} lines={10}>
      {({ steps, earned, models }) => {
        if (models.length === 0)
          return <EmptyState title="No earnings in this month">Choose another month above.</EmptyState>;
        return (
          <StackedBars
            caption={`Earnings of ${model} for each day of the month`}
            currency={currency}
            steps={steps}
            series={[{ name: "Earned", amounts: earned }]}
            label={(step) => dayName(step).slice(0, -5)}
          />
        );
      }}
    </Shown>
  );
}
