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

/** To the page before and after, where there is one. Lists begin with the newest, unless it says otherwise. */
export function Pager({
  paging,
  next,
  oldestFirst = false,
}: {
  paging: Paging;
  next: string | null;
  oldestFirst?: boolean;
}) {
  const [before, after] = oldestFirst ? ["Older", "Newer"] : ["Newer", "Older"];
  if (paging.isFirst && next === null) return null;
  return (
    <div className="actions">
      {!paging.isFirst && (
        <button type="button" onClick={paging.newer}>
          {before}
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => paging.older(next)}>
          {after}
        </button>
      )}
    </div>
  );
}
