import { Link } from "wouter";
import type { Answer } from "../data/api.ts";
import { nanosOf } from "../data/money.ts";
import { useDuties } from "../data/session.ts";
import { ageOf, shortMonth } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";

type Waiting = Answer<"get /v1/waiting-balances">["data"][number];

const WORDS: Record<Waiting["code"], string> = {
  frozen: "frozen",
  no_account: "no payout account",
  account_not_ready: "account not ready",
  tax_form_missing: "no accepted tax form",
  not_this_month: "its schedule pays later",
  on_hold: "on hold",
  below_minimum: "below the minimum",
  held: "waits for customers, or is held back",
  next_plan: "in the next plan",
};

/** Settled money that did not go out: whose, why, and for how long. */
export function WaitingBalances() {
  const waiting = useApi("get /v1/waiting-balances", {});
  const unfreeze = useAction("delete /v1/payees/{id}/freeze");
  const { makes, approves } = useDuties();
  const mayLift = makes || approves;
  return (
    <Page title="Held and blocked">
      <Panel title="Settled, and not paid out" note="The longest waiting first.">
        {!mayLift && <Notice>A freeze is lifted by a maker or an approver.</Notice>}
        <ActionProblem error={unfreeze.error} />
        <Shown query={waiting} lines={10}>
          {({ data }) => (
            <DataTable
              caption="Balances that wait"
              columns={[
                {
                  key: "payee",
                  title: "Payee",
                  lead: true,
                  sort: ({ name }) => name,
                  cell: ({ payee, name }) => <Link href={`/payees/${payee}`}>{name}</Link>,
                },
                {
                  key: "why",
                  title: "Why",
                  sort: ({ code }) => code,
                  cell: ({ code, detail }) => (
                    <>
                      <span className={code === "frozen" || code === "account_not_ready" ? "tag bad" : "tag"}>
                        {WORDS[code]}
                      </span>
                      {detail !== null && ` ${detail}`}
                    </>
                  ),
                },
                {
                  key: "age",
                  title: "Waits for",
                  sort: ({ since }) => since ?? "9999",
                  cell: ({ since }) =>
                    since === null ? "–" : `${ageOf(since)} (since ${shortMonth(since)})`,
                },
                {
                  key: "payable",
                  title: "Payable",
                  figure: true,
                  sort: (row) => nanosOf(row.payable.amount),
                  cell: (row) => <MoneyView value={row.payable} />,
                },
                {
                  key: "held",
                  title: "Held",
                  figure: true,
                  sort: (row) => nanosOf(row.held.amount),
                  cell: (row) => <MoneyView value={row.held} />,
                },
                {
                  key: "action",
                  title: "Action",
                  cell: ({ code, payee, name }) =>
                    code === "frozen" ? (
                      <ConfirmButton
                        inRow
                        label="Lift"
                        title={`Pay ${name} again?`}
                        disabled={unfreeze.isPending || !mayLift}
                        onConfirm={() => unfreeze.mutate({ path: { id: payee } })}
                      >
                        <p>The freeze is lifted: payouts go out again from the next run on.</p>
                      </ConfirmButton>
                    ) : (
                      "–"
                    ),
                },
              ]}
              rows={data}
              keyOf={({ payee, currency }) => `${payee} ${currency}`}
              empty="Nothing waits: all that was settled is paid out."
            />
          )}
        </Shown>
      </Panel>
    </Page>
  );
}
