import { Link } from "wouter";
import type { Schema } from "../data/api.ts";
import { approximately, isZero } from "../data/money.ts";
import { dayName } from "../data/time.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Skeleton } from "../parts/states.tsx";

type Balance = Schema<"Balance">;

const TO_PROFILE = ["no_account", "account_not_ready"];

/** When the next payout comes and what it will be, or why not and what to do. */
export function NextPayout({ balance }: { balance: Balance | undefined }) {
  return (
    <Panel title="Next payout">
      {balance === undefined ? <Skeleton lines={3} /> : <Coming next={balance.next_payout} />}
    </Panel>
  );
}

function Coming({ next }: { next: Balance["next_payout"] }) {
  const { date, estimate, minimum, to_minimum, why_not, blocked_by } = next;
  const others = blocked_by.filter(({ message }) => message !== why_not);
  return (
    <>
      <dl className="facts">
        <div>
          <dt>Date</dt>
          <dd>{dayName(date)} or soon after</dd>
        </div>
        <div>
          <dt>Estimate</dt>
          <dd>
            <MoneyView value={estimate} />
          </dd>
        </div>
        <div>
          <dt>Minimum payout</dt>
          <dd>
            <MoneyView value={minimum} />
          </dd>
        </div>
        <div>
          <dt>Still to the minimum</dt>
          <dd>
            {isZero(to_minimum) ? "Reached" : <MoneyView value={to_minimum} />}
            {!isZero(to_minimum) && (
              <meter
                min={0}
                max={approximately(minimum.amount)}
                value={approximately(estimate.amount)}
                aria-label="Estimate against the minimum payout"
              />
            )}
          </dd>
        </div>
      </dl>
      {why_not === null ? (
        <Notice tone="good">Nothing stands in the way.</Notice>
      ) : (
        <Notice tone={blocked_by[0]?.code === "nothing_payable" ? "plain" : "warn"}>
          <strong>{why_not}</strong>
          {blocked_by.some(({ code }) => TO_PROFILE.includes(code)) && (
            <>
              {" "}
              <Link href="/profile">Go to your payout account</Link>
            </>
          )}
          {others.length > 0 && (
            <ul>
              {others.map(({ code, message }) => (
                <li key={code}>{message}</li>
              ))}
            </ul>
          )}
        </Notice>
      )}
    </>
  );
}
