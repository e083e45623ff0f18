import { Route, Switch } from "wouter";
import { PayeeContext } from "../creator/payee-context.ts";
import { laterPage } from "./later.tsx";
import { NoSuchPage } from "./no-such-page.tsx";

const Overview = laterPage("/", () => import("../overview/overview.tsx").then((m) => m.Overview));
const Models = laterPage("/models", () => import("../models/models.tsx").then((m) => m.Models));
const Model = laterPage("/models/:owner/:name", () => import("../models/model.tsx").then((m) => m.Model));
const Payouts = laterPage("/payouts", () => import("../creator/payouts.tsx").then((m) => m.Payouts));
const Statements = laterPage("/statements", () =>
  import("../creator/statements.tsx").then((m) => m.Statements),
);
const Statement = laterPage("/statements/:period/:currency", () =>
  import("../creator/statement.tsx").then((m) => m.Statement),
);
const Predictions = laterPage("/predictions", () =>
  import("../predictions/predictions.tsx").then((m) => m.Predictions),
);
const Prediction = laterPage("/predictions/:id", () =>
  import("../predictions/prediction.tsx").then((m) => m.Prediction),
);
const Shares = laterPage("/shares", () => import("../creator/shares.tsx").then((m) => m.Shares));
const Royalties = laterPage("/royalties", () =>
  import("../royalties/royalties.tsx").then((m) => m.Royalties),
);
const Profile = laterPage("/profile", () => import("../creator/profile.tsx").then((m) => m.Profile));
const Webhooks = laterPage("/webhooks", () => import("../creator/webhooks.tsx").then((m) => m.Webhooks));

/** The pages about one payee's money: its own, or those that an operator looks at. */
export function CreatorPages({ payee }: { payee: string }) {
  return (
    <PayeeContext value={payee}>
      <Switch>
        <Route path={Overview.path} component={Overview} />
        <Route path={Models.path} component={Models} />
        <Route path={Model.path} component={Model} />
        <Route path={Payouts.path} component={Payouts} />
        <Route path={Statements.path} component={Statements} />
        <Route path={Statement.path} component={Statement} />
        <Route path={Predictions.path} component={Predictions} />
        <Route path={Prediction.path} component={Prediction} />
        <Route path={Shares.path} component={Shares} />
        <Route path={Royalties.path} component={Royalties} />
        <Route path={Webhooks.path} component={Webhooks} />
        <Route path={Profile.path} component={Profile} />
        <Route component={NoSuchPage} />
      </Switch>
    </PayeeContext>
  );
}
