import { Route, Switch } from "wouter";
import { PayeeContext } from "../creator/payee-context.ts";
import { laterPage } from "./later.tsx";
import { NoSuchPage } from "./no-such-page.tsx";

const Overview = laterPage(() => import("../overview/overview.tsx").then((m) => m.Overview));
const Models = laterPage(() => import("../models/models.tsx").then((m) => m.Models));
const Model = laterPage(() => import("../models/model.tsx").then((m) => m.Model));
const Payouts = laterPage(() => import("../creator/payouts.tsx").then((m) => m.Payouts));
const Statements = laterPage(() => import("../creator/statements.tsx").then((m) => m.Statements));
const Statement = laterPage(() => import("../creator/statement.tsx").then((m) => m.Statement));
const Predictions = laterPage(() => import("../predictions/predictions.tsx").then((m) => m.Predictions));
const Prediction = laterPage(() => import("../predictions/prediction.tsx").then((m) => m.Prediction));
const Shares = laterPage(() => import("../creator/shares.tsx").then((m) => m.Shares));
const Royalties = laterPage(() => import("../royalties/royalties.tsx").then((m) => m.Royalties));
const Profile = laterPage(() => import("../creator/profile.tsx").then((m) => m.Profile));
const Webhooks = laterPage(() => import("../creator/webhooks.tsx").then((m) => m.Webhooks));

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
