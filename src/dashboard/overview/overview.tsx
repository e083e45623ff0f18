import { lazy, Suspense, useEffect } from "react";
import { MonthChoice } from "../creator/month-choice.tsx";
import { useMonth } from "../creator/use-month.ts";
import { monthName } from "../data/time.ts";
import { Page, Panel } from "../parts/page.tsx";
import { ErrorState, Skeleton } from "../parts/states.tsx";
import { BalanceCards } from "./balance-cards.tsx";
import { NextPayout } from "./next-payout.tsx";

const loadChart = () => import("./earnings-chart.tsx");
const loadChanges = () => import("./what-changed.tsx");
const loadGross = () => import("./gross-to-earned.tsx");
const EarningsChart = lazy(() => loadChart().then((m) => ({ default: m.EarningsChart })));
const WhatChanged = lazy(() => loadChanges().then((m) => ({ default: m.WhatChanged })));
const GrossToEarned = lazy(() => loadGross().then((m) => ({ default: m.GrossToEarned })));

/** What there is, what comes next and when, and what the month brought. */
export function Overview() {
  const chosen = useMonth();
  const { balances, currency, month, error } = chosen;
  // Their code comes while the figures are asked for, not after; what fails to come is asked for again where it is shown.
  useEffect(() => {
    for (const load of [loadChart, loadChanges, loadGross]) load().catch(() => {});
  }, []);
  const balance = balances.data?.find((each) => each.currency === currency) ?? balances.data?.[0];
  if (error !== null) return <ErrorState error={error} retry={() => void balances.refetch()} />;
  return (
    <Page title="Overview" asOf={balance?.as_of} actions={<MonthChoice {...chosen} />}>
      <BalanceCards balance={balance} />
      <NextPayout balance={balance} />
      <Panel
        title="Earnings by model"
        note={month === undefined ? "\u00a0" : `${monthName(month)}, by day of service (UTC), in ${currency}`}
      >
        <div className="chart-place">
          <Suspense fallback={<Skeleton lines={8} />}>
            {month !== undefined && currency !== undefined && (
              <EarningsChart month={month} currency={currency} />
            )}
          </Suspense>
        </div>
      </Panel>
      <div className="two">
        <Suspense fallback={<Skeleton lines={8} />}>
          {month !== undefined && currency !== undefined && <WhatChanged month={month} currency={currency} />}
        </Suspense>
        <Suspense fallback={<Skeleton lines={8} />}>
          {month !== undefined && currency !== undefined && (
            <GrossToEarned month={month} currency={currency} />
          )}
        </Suspense>
      </div>
    </Page>
  );
}
