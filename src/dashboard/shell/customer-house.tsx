import { Route, Switch } from "wouter";
import { CustomerContext } from "../customer/customer-context.ts";
import type { Session } from "../data/session.ts";
import { Frame, type NavGroup } from "./frame.tsx";
import { laterPage } from "./later.tsx";
import { NoSuchPage } from "./no-such-page.tsx";

const Spend = laterPage(() => import("../customer/spend.tsx").then((m) => m.Spend));
const Invoices = laterPage(() => import("../customer/invoices.tsx").then((m) => m.Invoices));
const Invoice = laterPage(() => import("../customer/invoice.tsx").then((m) => m.Invoice));
const Credits = laterPage(() => import("../customer/credits.tsx").then((m) => m.Credits));
const Choices = laterPage(() => import("../customer/choices.tsx").then((m) => m.Choices));
const Predictions = laterPage(() => import("../predictions/predictions.tsx").then((m) => m.Predictions));
const Prediction = laterPage(() => import("../predictions/prediction.tsx").then((m) => m.Prediction));

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
