import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { type LiveFigures, useLiveFeed } from "../data/live.ts";
import { type Session, signIn, useSignOut } from "../data/session.ts";
import { useOverlay } from "../overlays/use-overlay.ts";
import { later } from "./later.tsx";
import { LiveContext } from "./live-context.ts";
import { PageBoundary } from "./page-boundary.tsx";
import { applyTheme, chosenTheme, THEMES, type Theme } from "./theme.ts";

const Drawer = later(() => import("../overlays/drawer.tsx").then((m) => m.Drawer));

export interface NavItem {
  to: string;
  label: string;
}
export interface NavGroup {
  title: string | null;
  items: NavItem[];
}

/** What stands around every page: the way around, who is signed in, and whether the figures are live. */
export function Frame({
  session,
  nav,
  children,
}: {
  session: Session;
  nav: NavGroup[];
  children: ReactNode;
}) {
  const { figures, connected } = useLiveFeed(session);
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(location);
  // A new page begins at its top, for readers of screens too: at its name, which it may bring later (parts/page.tsx).
  useEffect(() => {
    if (shown.current === location) return;
    shown.current = location;
    window.scrollTo(0, 0);
    const heading = main.current?.querySelector("h1") ?? main.current;
    heading?.focus({ preventScroll: true });
  }, [location]);
  return (
    <LiveContext value={figures}>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <div className="frame">
        <header className="top">
          <DrawerButton nav={nav} />
          <Link href="/" className="brand">
            <img src={MARK} alt="" width="26" height="26" /> Tributary
          </Link>
          <Account session={session} connected={connected} />
        </header>
        <nav className="side" aria-label="Pages">
          <NavList nav={nav} />
          <ReferenceLink />
        </nav>
        <main id="main" ref={main} tabIndex={-1}>
          {session.scope === "read" && (
            <p className="dim">You may look at everything here, and change nothing.</p>
          )}
          <PageBoundary key={location}>{children}</PageBoundary>
        </main>
      </div>
    </LiveContext>
  );
}

const MARK = new URL("../mark.svg", import.meta.url).href;

export type { LiveFigures };

function NavList({ nav, onGo }: { nav: NavGroup[]; onGo?: () => void }) {
  const [location] = useLocation();
  const isHere = (to: string) =>
    to === "/" ? location === "/" : location === to || location.startsWith(`${to}/`);
  return nav.map(({ title, items }) => (
    <div key={title ?? ""} className="nav-group">
      {title !== null && <h2>{title}</h2>}
      <ul>
        {items.map(({ to, label }) => (
          <li key={to}>
            <Link href={to} aria-current={isHere(to) ? "page" : undefined} onClick={onGo}>
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  ));
}

/** No page of this one: the service serves it beside. */
function ReferenceLink() {
  return (
    <div className="nav-group">
      <a href="/reference">API reference</a>
    </div>
  );
}

function DrawerButton({ nav }: { nav: NavGroup[] }) {
  const { open, wanted, setOpen } = useOverlay();
  return (
    <>
      <button
        type="button"
        className="drawer-open"
        aria-label="Open the list of pages"
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      >
        <span aria-hidden="true">☰</span>
      </button>
      {wanted && (
        <Drawer open={open} onClose={() => setOpen(false)}>
          <NavList nav={nav} onGo={() => setOpen(false)} />
          <ReferenceLink />
        </Drawer>
      )}
    </>
  );
}

function Account({ session, connected }: { session: Session; connected: boolean | null }) {
  const signOut = useSignOut();
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const goOnAs = async (user: string) => {
    await signIn({ user });
    // A new page: nothing of what was shown to the one stays for the other.
    window.location.assign("/dashboard");
  };
  const choose = (chosen: Theme) => {
    applyTheme(chosen);
    setTheme(chosen);
  };
  const who = session.name ?? session.payee ?? session.customer ?? session.role;
  return (
    <div className="account">
      {connected !== null && (
        <span className={connected ? "live on" : "live"} role="status">
          <span aria-hidden="true" className="live-dot" />
          <span className="live-word">{connected ? "Live" : "Not live"}</span>
        </span>
      )}
      <label className="theme">
        <span className="hidden">Colours</span>
        <select value={theme} onChange={(event) => choose(event.target.value as Theme)}>
          {THEMES.map((name) => (
            <option key={name} value={name}>
              {name === "system" ? "Auto" : name === "light" ? "Light" : "Dark"}
            </option>
          ))}
        </select>
      </label>
      {session.others.length === 0 ? (
        <span className="who" title={`${session.role}, ${session.scope}`}>
          {who}
        </span>
      ) : (
        <label className="theme">
          <span className="hidden">Who you are here</span>
          <select value="" onChange={(event) => void goOnAs(event.target.value)}>
            <option value="">{who}</option>
            {session.others.map(({ user, role, payee, customer }) => (
              <option key={user} value={user}>
                {payee ?? customer ?? role}
              </option>
            ))}
          </select>
        </label>
      )}
      <button type="button" className="quiet" onClick={() => void signOut()}>
        Sign out
      </button>
    </div>
  );
}
