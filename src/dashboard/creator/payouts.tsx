import { Link } from "wouter";
import type { Schema } from "../data/api.ts";
import { dayName, monthName, timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { EmptyState, Notice, Shown, type Tone } from "../parts/states.tsx";
import { Timeline, type TimelineStep } from "../parts/timeline.tsx";
import { Adjustments } from "./adjustments.tsx";
import { OwnUsage } from "./own-usage.tsx";
import { usePayee } from "./payee-context.ts";

type Payout = Schema<"Payout">;

const STATES: Record<Payout["state"], { word: string; tone: Tone }> = {
  approved: { word: "approved, not sent yet", tone: "plain" },
  sending: { word: "in transit", tone: "plain" },
  unknown: { word: "in transit, not confirmed", tone: "warn" },
  paid: { word: "paid", tone: "good" },
  failed: { word: "failed", tone: "bad" },
  carried: { word: "carried on", tone: "warn" },
};

/** Every payout with what happened to it, and what the bank was sent. */
export function Payouts() {
  const payee = usePayee();
  const paging = usePaging();
  const payouts = useApi("get /v1/payees/{id}/payouts", {
    path: { id: payee },
    query: { limit: 12, cursor: paging.cursor },
  });
  return (
    <Page title="Payouts">
      <Shown query={payouts} lines={12}>
        {({ data, next_cursor }) =>
          data.length === 0 ? (
            <EmptyState title="No payouts yet">
              When the first one comes, and what it waits for, stands on the <Link href="/">overview</Link>.
            </EmptyState>
          ) : (
            <>
              {data.map((payout) => (
                <OnePayout key={payout.id} payout={payout} />
              ))}
              <Pager paging={paging} next={next_cursor} />
            </>
          )
        }
      </Shown>
      <BankPayouts />
      <OwnUsage />
      <Adjustments />
    </Page>
  );
}

function OnePayout({ payout }: { payout: Payout }) {
  const { word, tone } = STATES[payout.state];
  return (
    <Panel
      title={
        <>
          {monthName(payout.period)} <span className={`tag ${tone}`}>{word}</span>
        </>
      }
      note={
        <>
          <code>{payout.id}</code> to <code>{payout.account}</code>
        </>
      }
      actions={
        <p className="big">
          <MoneyView value={payout.state === "carried" ? { ...payout.amount, amount: "0" } : payout.amount} />
        </p>
      }
    >
      {payout.reason !== null && payout.state !== "paid" && <Notice tone="warn">{payout.reason}</Notice>}
      {payout.amount.amount !== payout.approved.amount && (
        <p className="dim">
          <MoneyView value={payout.approved} /> were approved; what was refunded, disputed or corrected since
          is not paid.
        </p>
      )}
      <Timeline steps={stepsOf(payout)} />
    </Panel>
  );
}

function stepsOf(payout: Payout): TimelineStep[] {
  const { created_at, attempts, state, updated_at, transfer_id, reason } = payout;
  const tries = attempts.map(({ attempt, started_at, outcome, detail }) => ({
    at: timeName(started_at),
    what: attempts.length > 1 ? `Sent to Stripe, attempt ${attempt}` : "Sent to Stripe",
    // The reason that stands above is not said twice.
    more: [outcome === null ? "no answer yet" : outcome.replaceAll("_", " "), detail === reason ? "" : detail]
      .filter(Boolean)
      .join(": "),
  }));
  const end =
    state === "paid"
      ? [
          {
            at: timeName(updated_at),
            what: "Paid",
            more: transfer_id === null ? "" : `trace id ${transfer_id}`,
          },
        ]
      : state === "failed"
        ? [{ at: timeName(updated_at), what: "Failed; the money is payable again", more: "" }]
        : state === "carried"
          ? [{ at: timeName(updated_at), what: "Carried on; nothing was sent", more: "" }]
          : [];
  return [{ at: timeName(created_at), what: "Approved", more: "" }, ...tries, ...end];
}

function BankPayouts() {
  const payee = usePayee();
  const paging = usePaging();
  const sent = useApi("get /v1/payees/{id}/bank-payouts", {
    path: { id: payee },
    query: { limit: 20, cursor: paging.cursor },
  });
  return (
    <Panel title="From Stripe to your bank" note="What Stripe sent on, as it told us.">
      <Shown query={sent} lines={3}>
        {({ data, next_cursor }) =>
          data.length === 0 ? (
            <p className="empty">Stripe has not told of any payout to your bank yet.</p>
          ) : (
            <>
              <ul className="steps">
                {data.map(({ id, amount, status, failure, created_at }) => (
                  <li key={id}>
                    <span>
                      {dayName(created_at)} <code>{id}</code> {status}
                      {failure !== null && `: ${failure}`}
                    </span>
                    <MoneyView value={amount} />
                  </li>
                ))}
              </ul>
              <Pager paging={paging} next={next_cursor} />
            </>
          )
        }
      </Shown>
    </Panel>
  );
}
