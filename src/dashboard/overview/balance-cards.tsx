import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Money, Schema } from "../data/api.ts";
import { isNegative, isZero } from "../data/money.ts";
import { dayName, monthName, timeName } from "../data/time.ts";
import type { Defined } from "../parts/definitions.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { Skeleton } from "../parts/states.tsx";
import { Term } from "../parts/term.tsx";

type Balance = Schema<"Balance">;

/** Each balance with why it is where it is, and until when. */
export function BalanceCards({ balance }: { balance: Balance | undefined }) {
  return (
    <ul className="cards">
      <Card name="accruing" value={balance?.accruing}>
        In months that are still open
        {balance !== undefined && !isZero(balance.own_usage) && (
          <span className="why-line">
            Close takes <MoneyView value={balance.own_usage} /> of your own usage from it
          </span>
        )}
      </Card>
      <Card name="held" value={balance?.held}>
        {balance !== undefined && <WhyHeld balance={balance} />}
      </Card>
      <Card name="payable" value={balance?.payable}>
        {balance !== undefined &&
          (isZero(balance.payable)
            ? nothingPayable(balance)
            : isNegative(balance.payable)
              ? "More was taken back than was there: it is netted from what you earn next"
              : "Settled, for the next payout")}
        {balance !== undefined && !isZero(balance.on_hold.amount) && (
          <span className="why-line">
            <MoneyView value={balance.on_hold.amount} /> of it is on hold
            {balance.on_hold.until !== null && ` until ${dayName(balance.on_hold.until)}`}
          </span>
        )}
      </Card>
      <Card name="in_transit" value={balance?.in_transit}>
        {balance !== undefined && <WhyInTransit balance={balance} />}
      </Card>
      <Card name="paid_out" value={balance?.paid_out}>
        <Link href="/payouts">All payouts</Link>
        {balance !== undefined && !isZero(balance.netted) && (
          <span className="why-line">
            <MoneyView value={balance.netted} /> more paid for your own usage
          </span>
        )}
      </Card>
      <Card name="lifetime" value={balance?.lifetime}>
        Earned in all; payouts do not change it
      </Card>
    </ul>
  );
}

/** What was settled has gone on its way, or nothing was yet. */
function nothingPayable({ paid_out, in_transit, netted, held }: Balance): string {
  const gone = [paid_out, in_transit, netted].some((amount) => !isZero(amount));
  if (gone) return "All that was settled is paid out, or on its way";
  return isZero(held)
    ? "Nothing is settled yet: that comes with the close of a month"
    : "All that was settled is held";
}

function Card({ name, value, children }: { name: Defined; value: Money | undefined; children: ReactNode }) {
  return (
    <li className="card">
      <Term name={name} />
      <p className="card-figure">{value === undefined ? <Skeleton tall /> : <MoneyView value={value} />}</p>
      <p className="card-why">{value === undefined ? <Skeleton /> : children}</p>
    </li>
  );
}

function WhyHeld({ balance }: { balance: Balance }) {
  if (balance.held_for.length === 0) return "Nothing is held";
  return balance.held_for.map(({ code, period, message, customers, amount, until }) => (
    <span key={`${period} ${code}`} className="why-line">
      <MoneyView value={amount} /> of {monthName(period)}
      {customers > 0 && `, ${customers} ${customers === 1 ? "customer" : "customers"}`}: {message}
      {until !== null && ` Until ${dayName(until)}.`}
    </span>
  ));
}

function WhyInTransit({ balance }: { balance: Balance }) {
  if (balance.transfers.length === 0) return "Nothing is on its way";
  return balance.transfers.map(({ payout, since, state, trace_id }) => (
    <span key={payout} className="why-line">
      Since {timeName(since)}
      {state === "unknown" && "; Stripe has not confirmed it yet, it is being looked for"}. Trace id{" "}
      <code>{trace_id}</code>
    </span>
  ));
}
