import { Redirect, Route, Switch } from "wouter";
import type { Session } from "../data/session.ts";
import { CreatorPages } from "./creator-pages.tsx";
import { Frame, type NavGroup } from "./frame.tsx";
import { laterPage } from "./later.tsx";
import { NoSuchPage } from "./no-such-page.tsx";
import { PayeeBar } from "./payee-bar.tsx";

const Settlements = laterPage(() => import("../operator/settlements.tsx").then((m) => m.Settlements));
const Settlement = laterPage(() => import("../operator/settlement.tsx").then((m) => m.Settlement));
const Payees = laterPage(() => import("../operator/payees.tsx").then((m) => m.Payees));
const Waiting = laterPage(() => import("../operator/waiting.tsx").then((m) => m.WaitingBalances));
const DeadLetters = laterPage(() => import("../operator/dead-letters.tsx").then((m) => m.DeadLetters));
const Health = laterPage(() => import("../oversight/health.tsx").then((m) => m.Health));
const StripeEvents = laterPage(() => import("../oversight/stripe-events.tsx").then((m) => m.StripeEvents));
const Catalogue = laterPage(() => import("../operator/catalogue.tsx").then((m) => m.Catalogue));
const CatalogueModel = laterPage(() =>
  import("../operator/catalogue-model.tsx").then((m) => m.CatalogueModel),
);
const EverybodysWebhooks = laterPage(() =>
  import("../webhooks/everybodys.tsx").then((m) => m.EverybodysWebhooks),
);
const AuditLog = laterPage(() => import("../oversight/audit-log.tsx").then((m) => m.AuditLog));
const MoneyBack = laterPage(() => import("../oversight/money-back.tsx").then((m) => m.MoneyBack));
const Keys = laterPage(() => import("../keys/all-keys.tsx").then((m) => m.AllKeys));
const Predictions = laterPage(() => import("../predictions/predictions.tsx").then((m) => m.Predictions));
const Prediction = laterPage(() => import("../predictions/prediction.tsx").then((m) => m.Prediction));

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
        <Route path="/settlements" component={Settlements} />
        <Route path="/settlements/:period" component={Settlement} />
        <Route path="/payees" component={Payees} />
        <Route path="/payees/:payee" nest>
          {({ payee }) => (
            <>
              <PayeeBar payee={payee} />
              <CreatorPages payee={payee} />
            </>
          )}
        </Route>
        <Route path="/waiting" component={Waiting} />
        <Route path="/dead-letters" component={DeadLetters} />
        <Route path="/metering" component={Health} />
        <Route path="/stripe-events" component={StripeEvents} />
        <Route path="/catalogue" component={Catalogue} />
        <Route path="/catalogue/:owner/:name" component={CatalogueModel} />
        <Route path="/keys" component={Keys} />
        <Route path="/webhooks" component={EverybodysWebhooks} />
        <Route path="/money-back" component={MoneyBack} />
        <Route path="/audit-log" component={AuditLog} />
        <Route path="/predictions" component={Predictions} />
        <Route path="/predictions/:id" component={Prediction} />
        <Route component={NoSuchPage} />
      </Switch>
    </Frame>
  );
}
