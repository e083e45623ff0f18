import { lazy } from "react";
import { Route, Switch } from "wouter";
import { PayeeContext } from "../creator/payee-context.ts";
import { Overview } from "../overview/overview.tsx";
import { NoSuchPage } from "./no-such-page.tsx";

const Models = lazy(() => import("../models/models.tsx").then((m) => ({ default: m.Models })));
const Model = lazy(() => import("../models/model.tsx").then((m) => ({ default: m.Model })));
const Payouts = lazy(() => import("../creator/payouts.tsx").then((m) => ({ default: m.Payouts })));
const Statements = lazy(() => import("../creator/statements.tsx").then((m) => ({ default: m.Statements })));
const Statement = lazy(() => import("../creator/statement.tsx").then((m) => ({ default: m.Statement })));
const Predictions = lazy(() =>
  import("../predictions/predictions.tsx").then((m) => ({ default: m.Predictions })),
);
const Prediction = lazy(() =>
  import("../predictions/prediction.tsx").then((m) => ({ default: m.Prediction })),
);
const Shares = lazy(() => import("../creator/shares.tsx").then((m) => ({ default: m.Shares })));
const Royalties = lazy(() => import("../royalties/royalties.tsx").then((m) => ({ default: m.Royalties })));
const Profile = lazy(() => import("../creator/profile.tsx").then((m) => ({ default: m.Profile })));
const Webhooks = lazy(() => import("../creator/webhooks.tsx").then((m) => ({ default: m.Webhooks })));

/** The pages about one payee's money: its own, or those that an operator looks at. */
export function CreatorPages({ payee }: { payee: string }) {
  return (
    <PayeeContext value={payee}>
      <Switch>
        <Route path="/" component={Overview} />
        <Route path="/models" component={Models} />
        <Route path="/models/:owner/:name" component={Model} />
        <Route path="/payouts" component={Payouts} />
        <Route path="/statements" component={Statements} />
        <Route path="/statements/:period/:currency" component={Statement} />
        <Route path="/predictions" component={Predictions} />
        <Route path="/predictions/:id" component={Prediction} />
        <Route path="/shares" component={Shares} />
        <Route path="/royalties" component={Royalties} />
        <Route path="/webhooks" component={Webhooks} />
        <Route path="/profile" component={Profile} />
        <Route component={NoSuchPage} />
      </Switch>
    </PayeeContext>
  );
}
