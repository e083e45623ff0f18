import { Route, Switch } from "wouter";
import { CustomerContext } from "../customer/customer-context.ts";
import type { Session } from "../data/session.ts";
import { Frame, type NavGroup } from "./frame.tsx";
import { laterPage } from "./later.tsx";
import { NoSuchPage } from "./no-such-page.tsx";

const Spend = laterPage("/", () => import("../customer/spend.tsx").then((m) => m.Spend));
const Invoices = laterPage("/invoices", () => import("../customer/invoices.tsx").then((m) => m.Invoices));
const Invoice = laterPage("/invoices/:id", () => import("../customer/invoice.tsx").then((m) => m.Invoice));
const Credits = laterPage("/credits", () => import("../customer/credits.tsx").then((m) => m.Credits));
const Choices = laterPage("/privacy", () => import("../customer/choices.tsx").then((m) => m.Choices));
const Predictions = laterPage("/predictions", () =>
  import("../predictions/predictions.tsx").then((m) => m.Predictions),
);
const Prediction = laterPage("/predictions/:id", () =>
  import("../predictions/prediction.tsx").then((m) => m.Prediction),
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
          <Route path={Spend.path} component={Spend} />
          <Route path={Invoices.path} component={Invoices} />
          <Route path={Invoice.path} component={Invoice} />
          <Route path={Credits.path} component={Credits} />
          <Route path={Predictions.path} component={Predictions} />
          <Route path={Prediction.path} component={Prediction} />
          <Route path={Choices.path} component={Choices} />
          <Route component={NoSuchPage} />
        </Switch>
      </CustomerContext>
    </Frame>
  );
}
