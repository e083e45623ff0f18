import { Link, useLocation } from "wouter";

const PAGES = [
  ["/", "Overview"],
  ["/models", "Models"],
  ["/shares", "Shares"],
  ["/royalties", "Royalties"],
  ["/payouts", "Payouts"],
  ["/statements", "Statements"],
  ["/webhooks", "Webhooks"],
  ["/profile", "Profile"],
] as const;

/** An operator among one payee's pages: whose they are, and the way between them. */
export function PayeeBar({ payee }: { payee: string }) {
  const [location] = useLocation();
  return (
    <nav className="payee-bar" aria-label={`Pages of ${payee}`}>
      <strong>{payee}</strong>
      {PAGES.map(([to, label]) => (
        <Link key={to} href={to} aria-current={location === to ? "page" : undefined}>
          {label}
        </Link>
      ))}
    </nav>
  );
}
