import type { Session } from "../data/session.ts";
import { CreatorPages } from "./creator-pages.tsx";
import { Frame, type NavGroup } from "./frame.tsx";

const NAV: NavGroup[] = [
  {
    title: null,
    items: [
      { to: "/", label: "Overview" },
      { to: "/models", label: "Models" },
      { to: "/shares", label: "Shares" },
      { to: "/royalties", label: "Royalties" },
      { to: "/payouts", label: "Payouts" },
      { to: "/statements", label: "Statements" },
      { to: "/predictions", label: "Predictions" },
      { to: "/webhooks", label: "Webhooks and keys" },
      { to: "/profile", label: "Profile" },
    ],
  },
];

/** What a creator sees. */
export function CreatorHouse({ session, payee }: { session: Session; payee: string }) {
  return (
    <Frame session={session} nav={NAV}>
      <CreatorPages payee={payee} />
    </Frame>
  );
}
