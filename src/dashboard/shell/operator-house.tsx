import { Route, Switch } from "wouter";
import type { Session } from "../data/session.ts";
import { EmptyState } from "../parts/states.tsx";
import { CreatorPages } from "./creator-pages.tsx";
import { Frame, type NavGroup } from "./frame.tsx";

const NAV: NavGroup[] = [{ title: null, items: [{ to: "/", label: "Settlements" }] }];

/** What operators see: the settlement, everybody's pages, and what needs a person. */
export function OperatorHouse({ session }: { session: Session }) {
  return (
    <Frame session={session} nav={NAV}>
      <Switch>
        <Route path="/payees/:payee" nest>
          {({ payee }) => <CreatorPages payee={payee} />}
        </Route>
        <Route>
          <EmptyState title="There is no such page">The list of pages has all that there are.</EmptyState>
        </Route>
      </Switch>
    </Frame>
  );
}
