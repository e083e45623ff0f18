import type { ReactNode } from "react";
import { timeName } from "../data/time.ts";

/** A page with its title, what chooses what it shows, and as of when that is. */
export function Page({
  title,
  above,
  asOf,
  actions,
  children,
}: {
  title: ReactNode;
  above?: ReactNode;
  asOf?: string | undefined;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="page">
      <div className="page-head">
        <div>
          {above !== undefined && <p className="above">{above}</p>}
          <h1>{title}</h1>
          <p className="as-of">{asOf === undefined ? "\u00a0" : `As of ${timeName(asOf)}`}</p>
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

export function Panel({
  title,
  note,
  actions,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="panel">
      <div className="panel-head">
        <div>
          <h2>{title}</h2>
          {note !== undefined && <p className="dim">{note}</p>}
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}
