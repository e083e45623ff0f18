import type { ReactNode } from "react";
import { Problem } from "../data/api.ts";

export type Tone = "plain" | "good" | "warn" | "bad";

/** A message that belongs to what stands around it. */
export function Notice({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <div className={`notice ${tone}`}>{children}</div>;
}

/** What went wrong in the service's own words, which say what to do, and a way to try again. */
export function ErrorState({ error, retry }: { error: Error; retry?: () => void }) {
  const known = error instanceof Problem;
  return (
    <div className="state" role="alert">
      <h2>{known && error.status === 404 ? "Not found" : "This could not be shown"}</h2>
      <p>{known ? error.message : "Something went wrong on this page: load it again."}</p>
      {known && error.errors.length > 0 && (
        <ul>
          {error.errors.map(({ path, message }) => (
            <li key={path}>
              <code>{path}</code>: {message}
            </li>
          ))}
        </ul>
      )}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

/** Holds the place of what is on its way, at its final size. */
export function Skeleton({ lines = 1, tall = false }: { lines?: number; tall?: boolean }) {
  return (
    <span className={tall ? "skeleton tall" : "skeleton"} aria-hidden="true">
      {Array.from({ length: lines }, (_, line) => `line ${line}`).map((line) => (
        <span key={line} />
      ))}
    </span>
  );
}

export function PageSkeleton() {
  return (
    <div className="page" aria-busy="true">
      <div className="page-head">
        <Skeleton tall />
      </div>
      <div className="panel">
        <Skeleton lines={8} />
      </div>
    </div>
  );
}

/** Shows an answer, its error, or its place while it is on its way. */
export function Shown<T>({
  query,
  lines = 6,
  children,
}: {
  query: { data: T | undefined; error: Error | null; refetch: () => unknown };
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  return (
    <div aria-busy="true">
      <Skeleton lines={lines} />
    </div>
  );
}
