import { useState } from "react";

/** Where a list that is read a page at a time stands. */
export interface Paging {
  /** Of the page that is shown; undefined for the first. */
  cursor: string | undefined;
  isFirst: boolean;
  newer: () => void;
  older: (next: string) => void;
  /** To be called when what is listed changes. */
  restart: () => void;
}

export function usePaging(): Paging {
  const [cursors, setCursors] = useState<(string | undefined)[]>([undefined]);
  return {
    cursor: cursors.at(-1),
    isFirst: cursors.length === 1,
    newer: () => setCursors(cursors.slice(0, -1)),
    older: (next) => setCursors([...cursors, next]),
    restart: () => setCursors([undefined]),
  };
}

/** To the page before and after, where there is one. */
export function Pager({ paging, next }: { paging: Paging; next: string | null }) {
  if (paging.isFirst && next === null) return null;
  return (
    <div className="actions">
      {!paging.isFirst && (
        <button type="button" onClick={paging.newer}>
          Newer
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => paging.older(next)}>
          Older
        </button>
      )}
    </div>
  );
}
