import { lazy } from "react";
import { Redirect, Route, Switch } from "wouter";
import type { Session } from "../data/session.ts";
import { CreatorPages } from "./creator-pages.tsx";
import { Frame, type NavGroup } from "./frame.tsx";
import { NoSuchPage } from "./no-such-page.tsx";
import { PayeeBar } from "./payee-bar.tsx";

const Settlements = lazy(() =>
  import("../operator/settlements.tsx").then((m) => ({ default: m.Settlements })),
);
const Settlement = lazy(() => import("../operator/settlement.tsx").then((m) => ({ default: m.Settlement })));
const Payees = lazy(() => import("../operator/payees.tsx").then((m) => ({ default: m.Payees })));
const Waiting = lazy(() => import("../operator/waiting.tsx").then((m) => ({ default: m.WaitingBalances })));
const DeadLetters = lazy(() =>
  import("../operator/dead-letters.tsx").then((m) => ({ default: m.DeadLetters })),
);
const Health = lazy(() => import("../oversight/health.tsx").then((m) => ({ default: m.Health })));
const StripeEvents = lazy(() =>
  import("../oversight/stripe-events.tsx").then((m) => ({ default: m.StripeEvents })),
);
const Catalogue = lazy(() => import("../operator/catalogue.tsx").then((m) => ({ default: m.Catalogue })));
const CatalogueModel = lazy(() =>
  import("../operator/catalogue-model.tsx").then((m) => ({ default: m.CatalogueModel })),
);
const EverybodysWebhooks = lazy(() =>
  import("../webhooks/everybodys.tsx").then((m) => ({ default: m.EverybodysWebhooks })),
);
const AuditLog = lazy(() => import("../oversight/audit-log.tsx").then((m) => ({ default: m.AuditLog })));
const MoneyBack = lazy(() => import("../oversight/money-back.tsx").then((m) => ({ default: m.MoneyBack })));
const Keys = lazy(() => import("../keys/all-keys.tsx").then((m) => ({ default: m.AllKeys })));
const Predictions = lazy(() =>
  import("../predictions/predictions.tsx").then((m) => ({ default: m.Predictions })),
);
const Prediction = lazy(() =>
  import("../predictions/prediction.tsx").then((m) => ({ default: m.Prediction })),
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
