import { useContext } from "react";
import { PayeeContext } from "../creator/payee-context.ts";
import { CustomerContext } from "../customer/customer-context.ts";
import { thisMonth } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";

/** The last month with usage of whom the page is about, or of anybody; this one where there is none; undefined while it is not known. */
export function useLastMonth(): string | undefined {
  const payee = useContext(PayeeContext);
  const customer = useContext(CustomerContext);
  const isEverybodys = payee === "" && customer === "";
  const earned = useApi(
    "get /v1/payees/{id}/earnings",
    { path: { id: payee }, query: { group_by: "month" } },
    { enabled: payee !== "" },
  );
  const spent = useApi(
    "get /v1/customers/{id}/spend",
    { path: { id: customer }, query: { group_by: "month" } },
    { enabled: customer !== "" },
  );
  // Nothing lists everybody's months: the latest of the days that may be asked for at once, or what was closed last.
  const latest = useApi("get /v1/predictions", { query: sinceDays(DAYS) }, { enabled: isEverybodys });
  const closed = useApi("get /v1/settlements", { query: { limit: 1 } }, { enabled: isEverybodys });
  const asked = payee !== "" ? [earned] : customer !== "" ? [spent] : [latest, closed];
  if (asked.some(({ error }) => error !== null)) return thisMonth();
  if (asked.some(({ data }) => data === undefined)) return undefined;
  const used = [...(earned.data?.data ?? []), ...(spent.data?.data ?? [])].filter(
    ({ events }) => events !== "0",
  );
  return (
    used
      .map(({ month = "" }) => month)
      .sort()
      .at(-1) ??
    latest.data?.data[0]?.occurred_at.slice(0, 7) ??
    closed.data?.data[0]?.period ??
    thisMonth()
  );
}

const DAYS = 90;
const DAY_MS = 86_400_000;

/** From the beginning of a day on, so that who comes back asks the same. */
function sinceDays(days: number) {
  const from = new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
  return { from: `${from}T00:00:00Z`, limit: 1 };
}
