import { useSearchParams } from "wouter";
import { useApi } from "../data/use-api.ts";
import { usePayee } from "./payee-context.ts";

/**
 * The month and currency that a page is about: in its address, or the last month with usage (with none, the last corrected one) in the
 * payee's own currency, or where it never earned in that, in the first of its balances.
 */
export function useMonth() {
  const payee = usePayee();
  const [search, setSearch] = useSearchParams();
  const balances = useApi("get /v1/payees/{id}/balances", { path: { id: payee } });
  const currencies = balances.data?.map(({ currency }) => currency) ?? [];
  const named = search.get("currency") ?? undefined;
  // At once in the payee's own currency, which mostly is the one; asked for again where it earned in another only.
  const own = useApi("get /v1/payees/{id}/earnings", {
    path: { id: payee },
    query: { group_by: "month", currency: named },
  });
  // Balances take longer: only where nothing was earned in its own currency is it they that say which.
  const earned = own.data?.data.length === 0 ? currencies[0] : own.data?.total.currency;
  const currency = named ?? earned;
  const isOwn = own.data === undefined || currency === undefined || own.data.total.currency === currency;
  const others = useApi(
    "get /v1/payees/{id}/earnings",
    { path: { id: payee }, query: { group_by: "month", currency } },
    { enabled: !isOwn },
  );
  const months = isOwn ? own : others;
  const rows = months.data?.data ?? [];
  const known = newestFirst(rows);
  const thisMonth = new Date().toISOString().slice(0, 7);
  const all = known.length === 0 ? [thisMonth] : known;
  const month =
    search.get("month") ??
    (months.data === undefined || currency === undefined
      ? undefined
      : (newestFirst(rows.filter(({ events }) => events !== "0"))[0] ?? all[0]));
  const set = (name: string, value: string) => {
    setSearch((before) => {
      before.set(name, value);
      return before;
    });
  };
  return {
    payee,
    balances,
    currencies,
    currency,
    /** To ask with: nothing where it is the payee's own, so that nobody waits to be told which one that is. */
    askedCurrency: named ?? (isOwn ? undefined : currency),
    months,
    /** With earnings, newest first. */
    known: all,
    month,
    setMonth: (value: string) => set("month", value),
    setCurrency: (value: string) => set("currency", value),
    error: balances.error ?? months.error,
  };
}

function newestFirst(rows: readonly { month?: string | undefined }[]): string[] {
  return [...new Set(rows.map(({ month }) => month ?? ""))].sort().reverse();
}

export type Month = ReturnType<typeof useMonth>;
