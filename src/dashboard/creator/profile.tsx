import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Fact } from "../parts/fact.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown, type Tone } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";
import { PayoutTerms } from "./payout-terms.tsx";

type Onboarding = Schema<"Onboarding">;

const STATES: Record<Onboarding["state"], { word: string; tone: Tone; action: string | null }> = {
  not_connected: { word: "not connected", tone: "warn", action: "Connect a payout account" },
  incomplete: { word: "incomplete", tone: "warn", action: "Complete it at Stripe" },
  under_review: { word: "under review", tone: "plain", action: null },
  ready: { word: "ready", tone: "good", action: null },
  paused: { word: "paused", tone: "bad", action: "See what Stripe asks for" },
  closed: { word: "closed", tone: "bad", action: null },
  country_not_supported: { word: "country not supported", tone: "bad", action: null },
};

const READY_AND_ASKED = { word: "ready", tone: "warn", action: "Complete it at Stripe" } as const;

/** Stripe's names of what it asks for, as people call it; each once. */
const ASKED: [RegExp, string][] = [
  [/external_account$/, "a bank account or debit card for your payouts"],
  [/tos_acceptance/, "your agreement to Stripe's terms"],
  [/verification\.additional_document/, "a second document that shows who you are"],
  [/verification\.document/, "a document that shows who you are"],
  [/\.dob\./, "your date of birth"],
  [/(ssn_last_4|id_number|tax_id)$/, "your tax or identity number"],
  [/address\./, "your address"],
  [/business_profile\./, "what you do, and where it can be seen"],
];

function inWords(missing: readonly string[]): string[] {
  const words = (field: string) => ASKED.find(([name]) => name.test(field))?.[1];
  return [...new Set(missing.map((field) => words(field) ?? field.replaceAll(/[._]/g, " ")))];
}

/** Who is paid, and how far the payout account is. */
export function Profile() {
  const id = usePayee();
  const payee = useApi("get /v1/payees/{id}", { path: { id } });
  const onboarding = useApi("get /v1/payees/{id}/onboarding", { path: { id } });
  const link = useAction("post /v1/payees/{id}/onboarding-links", {
    done: ({ url }) => window.location.assign(url),
  });
  return (
    <Page title="Profile" asOf={onboarding.data?.as_of}>
      <Panel title="Who is paid">
        <Shown query={payee} lines={5}>
          {({ name, country, default_currency, minimum_payout, legal, not_printed }) => (
            <>
              <dl className="facts">
                <Fact title="Name">{name}</Fact>
                <Fact title="Id">{id}</Fact>
                <Fact title="Country">{country}</Fact>
                <Fact title="Currency">{default_currency}</Fact>
                <Fact title="Minimum payout">
                  {minimum_payout === null ? "none" : `${minimum_payout} ${default_currency}`}
                </Fact>
                <Fact title="Legal name">{legal?.name ?? "not given"}</Fact>
                <Fact title="Address">
                  <span className="wording">{legal?.address ?? "not given"}</span>
                </Fact>
                <Fact title="Tax number">{legal?.tax_id ?? "not given"}</Fact>
              </dl>
              {legal === null && (
                <Notice>
                  Your statements carry your legal name, address and tax number once the marketplace has them:
                  send them to its support.
                </Notice>
              )}
              {not_printed !== null && <Notice tone="warn">{not_printed.message}</Notice>}
            </>
          )}
        </Shown>
      </Panel>
      <Panel
        title="Payout account"
        note="At Stripe, as it says now."
        actions={
          <button type="button" onClick={() => void onboarding.refetch()} disabled={onboarding.isFetching}>
            Ask Stripe again
          </button>
        }
      >
        <Shown query={onboarding} lines={4}>
          {({ state, message, account, missing, missing_by }) => {
            const { word, tone, action } =
              state === "ready" && missing.length > 0 ? READY_AND_ASKED : STATES[state];
            return (
              <>
                <Notice tone={tone}>
                  <strong>{word}.</strong> {message}
                </Notice>
                {account !== null && (
                  <p className="dim">
                    Account <code>{account}</code>
                  </p>
                )}
                {missing.length > 0 && (
                  <div>
                    <p>
                      Stripe still asks for{missing_by === null ? "" : `, until ${timeName(missing_by)}`}:
                    </p>
                    <ul className="plain-list">
                      {inWords(missing).map((what) => (
                        <li key={what}>{what}</li>
                      ))}
                    </ul>
                  </div>
                )}
                {action !== null && (
                  <div className="actions">
                    <button
                      type="button"
                      className="primary"
                      disabled={link.isPending}
                      onClick={() => link.mutate({ path: { id } })}
                    >
                      {action}
                    </button>
                  </div>
                )}
                <ActionProblem error={link.error} />
              </>
            );
          }}
        </Shown>
      </Panel>
      <PayoutTerms />
    </Page>
  );
}
