import { Redirect, Route, Switch } from "wouter";
import type { Session } from "../data/session.ts";
import { CreatorPages } from "./creator-pages.tsx";
import { Frame, type NavGroup } from "./frame.tsx";
import { laterPage } from "./later.tsx";
import { NoSuchPage } from "./no-such-page.tsx";
import { PayeeBar } from "./payee-bar.tsx";

const Settlements = laterPage("/settlements", () =>
  import("../operator/settlements.tsx").then((m) => m.Settlements),
);
const Settlement = laterPage("/settlements/:period", () =>
  import("../operator/settlement.tsx").then((m) => m.Settlement),
);
const Payees = laterPage("/payees", () => import("../operator/payees.tsx").then((m) => m.Payees));
const Waiting = laterPage("/waiting", () => import("../operator/waiting.tsx").then((m) => m.WaitingBalances));
const DeadLetters = laterPage("/dead-letters", () =>
  import("../operator/dead-letters.tsx").then((m) => m.DeadLetters),
);
const Health = laterPage("/metering", () => import("../oversight/health.tsx").then((m) => m.Health));
const StripeEvents = laterPage("/stripe-events", () =>
  import("../oversight/stripe-events.tsx").then((m) => m.StripeEvents),
);
const Catalogue = laterPage("/catalogue", () => import("../operator/catalogue.tsx").then((m) => m.Catalogue));
const CatalogueModel = laterPage("/catalogue/:owner/:name", () =>
  import("../operator/catalogue-model.tsx").then((m) => m.CatalogueModel),
);
const EverybodysWebhooks = laterPage("/webhooks", () =>
  import("../webhooks/everybodys.tsx").then((m) => m.EverybodysWebhooks),
);
const AuditLog = laterPage("/audit-log", () => import("../oversight/audit-log.tsx").then((m) => m.AuditLog));
const MoneyBack = laterPage("/money-back", () =>
  import("../oversight/money-back.tsx").then((m) => m.MoneyBack),
);
const Keys = laterPage("/keys", () => import("../keys/all-keys.tsx").then((m) => m.AllKeys));
const Predictions = laterPage("/predictions", () =>
  import("../predictions/predictions.tsx").then((m) => m.Predictions),
);
const Prediction = laterPage("/predictions/:id", () =>
  import("../predictions/prediction.tsx").then((m) => m.Prediction),
);

const NAV: NavGroup[] = [
  {
    title: "Money",
    items: [
      { to: "/settlements", label: "Settlements" },
      { to: "/waiting", label: "Held and blocked" },
      { to: "/payees", label: "Payees" },
      { to: "/money-back", label: "Refunds and corrections" },
    ],
  },
  {
    title: "Usage",
    items: [
      { to: "/metering", label: "Metering" },
      { to: "/dead-letters", label: "Dead letters" },
      { to: "/predictions", label: "Predictions" },
    ],
  },
  {
    title: "Set-up",
    items: [
      { to: "/catalogue", label: "Catalogue" },
      { to: "/keys", label: "API keys" },
      { to: "/webhooks", label: "Webhooks" },
      { to: "/stripe-events", label: "Stripe's events" },
      { to: "/audit-log", label: "Audit log" },
    ],
  },
];

/** What operators see: the settlement, everybody's pages, and what needs a person. */
export function OperatorHouse({ session }: { session: Session }) {
  return (
    <Frame session={session} nav={NAV}>
      <Switch>
        <Route path="/">
          <Redirect to="/settlements" replace />
        </Route>
        <Route path={Settlements.path} component={Settlements} />
        <Route path={Settlement.path} component={Settlement} />
        <Route path={Payees.path} component={Payees} />
        <Route path="/payees/:payee" nest>
          {({ payee }) => (
            <>
              <PayeeBar payee={payee} />
              <CreatorPages payee={payee} />
            </>
          )}
        </Route>
        <Route path={Waiting.path} component={Waiting} />
        <Route path={DeadLetters.path} component={DeadLetters} />
        <Route path={Health.path} component={Health} />
        <Route path={StripeEvents.path} component={StripeEvents} />
        <Route path={Catalogue.path} component={Catalogue} />
        <Route path={CatalogueModel.path} component={CatalogueModel} />
        <Route path={Keys.path} component={Keys} />
        <Route path={EverybodysWebhooks.path} component={EverybodysWebhooks} />
        <Route path={MoneyBack.path} component={MoneyBack} />
        <Route path={AuditLog.path} component={AuditLog} />
        <Route path={Predictions.path} component={Predictions} />
        <Route path={Prediction.path} component={Prediction} />
        <Route component={NoSuchPage} />
      </Switch>
    </Frame>
  );
}
