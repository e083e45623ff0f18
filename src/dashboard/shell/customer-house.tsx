import { lazy } from "react";
import { Route, Switch } from "wouter";
import { CustomerContext } from "../customer/customer-context.ts";
import type { Session } from "../data/session.ts";
import { Frame, type NavGroup } from "./frame.tsx";
import { NoSuchPage } from "./no-such-page.tsx";

const Spend = lazy(() => import("../customer/spend.tsx").then((m) => ({ default: m.Spend })));
const Invoices = lazy(() => import("../customer/invoices.tsx").then((m) => ({ default: m.Invoices })));
const Invoice = lazy(() => import("../customer/invoice.tsx").then((m) => ({ default: m.Invoice })));
const Credits = lazy(() => import("../customer/credits.tsx").then((m) => ({ default: m.Credits })));
const Choices = lazy(() => import("../customer/choices.tsx").then((m) => ({ default: m.Choices })));
const Predictions = lazy(() =>
  import("../predictions/predictions.tsx").then((m) => ({ default: m.Predictions })),
);
const Prediction = lazy(() =>
  import("../predictions/prediction.tsx").then((m) => ({ default: m.Prediction })),
);

const NAV: NavGroup[] = [
  {
    title: null,
    items: [
      { to: "/", label: "Spend" },
      { to: "/invoices", label: "Invoices" },
      { to: "/credits", label: "Credits" },
      { to: "/predictions", label: "Predictions" },
      { to: "/privacy", label: "Privacy" },
    ],
  },
];

/** What a customer sees. */
export function CustomerHouse({ session, customer }: { session: Session; customer: string }) {
  return (
    <Frame session={session} nav={NAV}>
      <CustomerContext value={customer}>
        <Switch>
          <Route path="/" component={Spend} />
          <Route path="/invoices" component={Invoices} />
          <Route path="/invoices/:id" component={Invoice} />
          <Route path="/credits" component={Credits} />
          <Route path="/predictions" component={Predictions} />
          <Route path="/predictions/:id" component={Prediction} />
          <Route path="/privacy" component={Choices} />
          <Route component={NoSuchPage} />
        </Switch>
      </CustomerContext>
    </Frame>
  );
}
