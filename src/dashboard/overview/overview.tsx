import { MonthChoice } from "../creator/month-choice.tsx";
import { useMonth } from "../creator/use-month.ts";
import { monthName } from "../data/time.ts";
import { Page, Panel } from "../parts/page.tsx";
import { ErrorState } from "../parts/states.tsx";
import { BalanceCards } from "./balance-cards.tsx";
import { EarningsChart } from "./earnings-chart.tsx";
import { GrossToEarned } from "./gross-to-earned.tsx";
import { NextPayout } from "./next-payout.tsx";
import { WhatChanged } from "./what-changed.tsx";

/** What there is, what comes next and when, and what the month brought. */
export function Overview() {
  const chosen = useMonth();
  const { balances, currency, month, error } = chosen;
  const balance = balances.data?.find((each) => each.currency === currency) ?? balances.data?.[0];
  const ready = month === undefined || currency === undefined ? undefined : { month, currency };
  if (error !== null) return <ErrorState error={error} retry={() => void balances.refetch()} />;
  return (
    <Page title="Overview" asOf={balance?.as_of} actions={<MonthChoice {...chosen} />}>
      <BalanceCards balance={balance} />
      <NextPayout balance={balance} />
      <Panel
        title="Earnings by model"
        note={month === undefined ? "\u00a0" : `${monthName(month)}, by day of service (UTC), in ${currency}`}
      >
        <div className="chart-place">{ready !== undefined && <EarningsChart {...ready} />}</div>
      </Panel>
      <div className="two">
        {ready !== undefined && <WhatChanged {...ready} />}
        {ready !== undefined && <GrossToEarned {...ready} />}
      </div>
    </Page>
  );
}
