import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { Answer } from "../data/api.ts";
import { useDuties } from "../data/session.ts";
import { monthName, numberOf, thisMonth, timeName } from "../data/time.ts";
import { useAction, useApiOrNull } from "../data/use-api.ts";
import { WithdrawButton } from "../overlays/withdraw-button.tsx";
import { Person } from "../oversight/person.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { PlanChanges, PlanTables } from "./plan-view.tsx";
import { Reconciliations } from "./reconciliations.tsx";
import { RunProgress } from "./run-progress.tsx";

type Settlement = Answer<"get /v1/settlements/{period}">;

const STATES = ["open", "closed", "planned", "approved", "paid"];

/** A month from close to paid: each step with what it will do, and who may take it back. */
export function Settlement({ params: { period } }: { params: { period: string } }) {
  const path = { period };
  const settlement = useApiOrNull("get /v1/settlements/{period}", { path });
  const state = settlement.data?.state ?? "open";
  return (
    <Page title={`Settlement of ${monthName(period)}`} above={<Link href="/settlements">Settlements</Link>}>
      <RunProgress />
      <Steps settlement={settlement.data ?? undefined} />
      <Shown query={settlement} lines={10}>
        {(shown) =>
          shown === null ? (
            <CloseStep period={period} />
          ) : (
            <>
              {state === "closing" && <CloseStep period={period} />}
              {["released", "closed", "planned"].includes(state) && (
                <PlanStep period={period} settlement={shown} />
              )}
              {["approved", "paid"].includes(state) && <PayStep period={period} settlement={shown} />}
              {shown.plan !== null && (
                <>
                  <PlanChanges period={period} hash={shown.plan_hash} />
                  <PlanTables plan={shown.plan} isApproved={["approved", "paid"].includes(state)} />
                </>
              )}
              {["approved", "paid"].includes(state) && <Reconciliations period={period} />}
            </>
          )
        }
      </Shown>
    </Page>
  );
}

function Steps({ settlement }: { settlement: Settlement | undefined }) {
  const at = STATES.indexOf(settlement?.state === "released" ? "closed" : (settlement?.state ?? "open"));
  const told = [
    settlement?.closed_at ? timeName(settlement.closed_at) : "",
    by(settlement?.planned_by),
    by(settlement?.approved_by),
    "",
  ];
  return (
    <ol className="step-list">
      {["Closed", "Planned", "Approved", "Paid"].map((step, place) => (
        <li key={step} className={place < at ? "done" : place === at ? "next" : undefined}>
          <strong>{step}</strong>
          <p className="dim">{place < at ? told[place] || "done" : place === at ? "next" : "later"}</p>
        </li>
      ))}
    </ol>
  );
}

function by(who: string | null | undefined): ReactNode {
  return (
    who && (
      <>
        by <Person id={who} />
      </>
    )
  );
}

function CloseStep({ period }: { period: string }) {
  const preview = useAction("post /v1/settlements/{period}/close", { onlyLooks: true });
  const close = useAction("post /v1/settlements/{period}/close");
  const { makes } = useDuties();
  const isOver = period < thisMonth();
  const shown =
    preview.data !== undefined && preview.data !== null && "dry_run" in preview.data ? preview.data : null;
  return (
    <Panel
      title="Close the month"
      note="Cuts usage, books what was earned, and writes everybody's statement. It cannot be opened again."
    >
      {shown !== null && (
        <ul className="steps">
          {shown.totals.length === 0 && <li>Nothing was earned in this month.</li>}
          {shown.totals.map(({ currency, earned, payees }) => (
            <li key={currency}>
              <span>{numberOf(payees, "payee")} earned</span>
              <MoneyView value={earned} />
            </li>
          ))}
        </ul>
      )}
      {!isOver && <Notice>{monthName(period)} is not over yet: it can be closed after its end.</Notice>}
      {!makes && <Notice>A month is closed by a maker.</Notice>}
      <div className="actions">
        <button
          type="button"
          disabled={preview.isPending || !isOver || !makes}
          onClick={() => preview.mutate({ path: { period }, query: { dry_run: "true" } })}
        >
          Show what it would book
        </button>
        <ConfirmButton
          label={close.isPending ? "Closing…" : `Close ${monthName(period)}`}
          title={`Close ${monthName(period)}?`}
          disabled={close.isPending || !isOver || !makes}
          onConfirm={() => close.mutate({ path: { period } })}
        >
          <p>Usage of this month that comes later is booked in the next one. This cannot be undone.</p>
        </ConfirmButton>
      </div>
      <ActionProblem error={close.error ?? preview.error} />
    </Panel>
  );
}

function PlanStep({ period, settlement }: { period: string; settlement: Settlement }) {
  const plan = useAction("post /v1/settlements/{period}/plan");
  const approve = useAction("post /v1/settlements/{period}/approve");
  const withdraw = useAction("post /v1/settlements/{period}/withdraw", {
    gone: "get /v1/settlements/{period}/changes",
  });
  const { makes, approves } = useDuties();
  const [confirmed, setConfirmed] = useState<string[]>([]);
  const warnings = settlement.plan?.warnings ?? [];
  const { plan_hash: hash, withdrawn } = settlement;
  const toggle = (code: string) =>
    setConfirmed((now) => (now.includes(code) ? now.filter((each) => each !== code) : [...now, code]));
  return (
    <Panel
      title={hash === null ? "Plan the payouts" : "Approve the plan"}
      note="A plan pays nothing. It can be made anew until it is approved."
    >
      {hash !== null && (
        <p>
          Plan <code>{hash}</code>, made {by(settlement.planned_by)}.
        </p>
      )}
      {withdrawn !== null && (
        <Notice>
          The plan before was withdrawn {by(withdrawn.by)} on {timeName(withdrawn.at)}: {withdrawn.reason}
        </Notice>
      )}
      {warnings.length > 0 && (
        <Notice tone="warn">
          <p>
            <strong>To be looked at and confirmed:</strong>
          </p>
          {warnings.map(({ code, message }) => (
            <label key={`${code} ${message}`} className="check">
              <input type="checkbox" checked={confirmed.includes(code)} onChange={() => toggle(code)} />
              <span>{message}</span>
            </label>
          ))}
        </Notice>
      )}
      {!makes && hash === null && <Notice>A plan is made by a maker.</Notice>}
      {!approves && hash !== null && <Notice>A plan is approved by an approver.</Notice>}
      <div className="actions">
        <button
          type="button"
          disabled={plan.isPending || !makes}
          onClick={() => plan.mutate({ path: { period } })}
        >
          {hash === null ? "Make the plan" : "Make it anew"}
        </button>
        {hash !== null && (
          <ConfirmButton
            label="Approve"
            title="Approve this plan?"
            disabled={
              approve.isPending || !approves || !warnings.every(({ code }) => confirmed.includes(code))
            }
            onConfirm={() => approve.mutate({ path: { period }, body: { hash, confirm: confirmed } })}
          >
            <p>
              Approved is the plan with the hash <code>{hash}</code>, and no other:
            </p>
            <ul className="steps">
              {settlement.plan?.totals.map(({ currency, payouts, amount }) => (
                <li key={currency}>
                  <span>{numberOf(payouts, "payout")}</span>
                  <MoneyView value={amount} />
                </li>
              ))}
            </ul>
          </ConfirmButton>
        )}
        {hash !== null && (
          <WithdrawButton
            title={`Withdraw the plan of ${monthName(period)}?`}
            disabled={withdraw.isPending || !(makes || approves)}
            onConfirm={(reason) => withdraw.mutate({ path: { period }, body: { hash, reason } })}
          >
            <p>The month has no plan then, until somebody makes one anew. No schedule does it.</p>
          </WithdrawButton>
        )}
      </div>
      <ActionProblem error={approve.error ?? plan.error ?? withdraw.error} />
    </Panel>
  );
}

function PayStep({ period, settlement }: { period: string; settlement: Settlement }) {
  const pay = useAction("post /v1/settlements/{period}/pay");
  const { makes, approves } = useDuties();
  const mayPay = makes || approves;
  const waiting = settlement.payouts.filter(({ state }) => state !== "paid");
  return (
    <Panel
      title="Pay"
      note="Safe to repeat: what is paid is not paid again, and a lost answer is looked up first."
    >
      <ul className="steps">
        {settlement.payouts.length === 0 && <li>No payouts in this month.</li>}
        {settlement.payouts.map(({ state, currency, count, amount }) => (
          <li key={`${state} ${currency}`}>
            <span>
              {count}{" "}
              <span className={`tag ${state === "paid" ? "good" : state === "failed" ? "bad" : "warn"}`}>
                {state}
              </span>
            </span>
            <span>
              {state === "carried" && "nothing sent of "}
              <MoneyView value={amount} />
            </span>
          </li>
        ))}
      </ul>
      {settlement.shortened.length > 0 && (
        <Notice>
          <p>Less than approved, since refunds, disputes or corrections left less to pay:</p>
          {settlement.shortened.map(({ payout, payee, approved, paid }) => (
            <p key={payout}>
              <Link href={`/payees/${payee}`}>{payee}</Link>: <MoneyView value={paid} /> of{" "}
              <MoneyView value={approved} />
            </p>
          ))}
        </Notice>
      )}
      {waiting.length > 0 && !mayPay && <Notice>A month is paid by a maker or an approver.</Notice>}
      {waiting.length > 0 && (
        <div className="actions">
          <ConfirmButton
            label={pay.isPending ? "Paying…" : "Pay"}
            title={`Pay ${monthName(period)}?`}
            disabled={pay.isPending || !mayPay}
            onConfirm={() => pay.mutate({ path: { period } })}
          >
            <p>Transfers are sent to Stripe now:</p>
            {waiting.map(({ state, currency, count, amount }) => (
              <p key={`${state} ${currency}`}>
                {count} {state}: <MoneyView value={amount} />
              </p>
            ))}
          </ConfirmButton>
        </div>
      )}
      {pay.data?.run.stopped != null && <Notice tone="bad">The run stopped: {pay.data.run.stopped}</Notice>}
      {pay.data?.run.problems.map(({ payout, payee, result, detail }) => (
        <Notice key={payout} tone="warn">
          {payee}: {result.replaceAll("_", " ")}, {detail}
        </Notice>
      ))}
      <ActionProblem error={pay.error} />
    </Panel>
  );
}
