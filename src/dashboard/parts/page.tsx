import { type ReactNode, useEffect, useRef } from "react";
import { timeName } from "../data/time.ts";

/** A page with its title, what chooses what it shows, and as of when that is. */
export function Page(props: {
  title: ReactNode;
  above?: ReactNode;
  /** Its line is kept free while it is not known yet. */
  asOf?: string | undefined;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { title, above, asOf, actions, children } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent} – Tributary`;
  });
  // Whoever waits at the page's place, having gone to it, is brought to its name.
  useEffect(() => {
    if (document.activeElement?.id === "main") heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className="page">
      <div className="page-head">
        <div>
          {above !== undefined && <p className="above">{above}</p>}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {"asOf" in props && (
            <p className="as-of">{asOf === undefined ? "\u00a0" : `As of ${timeName(asOf)}`}</p>
          )}
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
