import { type ReactNode, useState } from "react";

export interface Column<Row> {
  key: string;
  title: ReactNode;
  /** What stands in the cell. */
  cell: (row: Row) => ReactNode;
  /** Figures stand to the right. */
  figure?: boolean;
  /** With it the column can be sorted by; largest first. */
  sort?: (row: Row) => number | string | bigint;
  /** On a narrow screen the title of the row's card: without a label of its own. */
  lead?: boolean;
}

const PAGE_ROWS = 50;

/** A table; on a narrow screen each row is a card with the columns' titles beside their cells. */
export function DataTable<Row>({
  caption,
  columns,
  rows,
  keyOf,
  empty,
  sortBy,
}: {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  empty: string;
  sortBy?: string;
}) {
  const [sorted, setSorted] = useState({ key: sortBy ?? "", down: true });
  const [shown, setShown] = useState(PAGE_ROWS);
  const by = columns.find(({ key }) => key === sorted.key)?.sort;
  const ordered = by === undefined ? rows : inOrder(rows, by, sorted.down);
  const choose = (key: string) => setSorted((now) => ({ key, down: now.key === key ? !now.down : true }));
  if (rows.length === 0) return <p className="empty">{empty}</p>;
  return (
    <div className="table-frame">
      <table>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, title, figure, sort }) => (
              <th
                key={key}
                scope="col"
                className={figure ? "figure" : undefined}
                aria-sort={sortOf(sorted, key, sort)}
              >
                <span className="th">
                  {title}
                  {sort !== undefined && (
                    <button
                      type="button"
                      className="sort"
                      aria-label={`Sort by ${key.replaceAll("_", " ")}`}
                      onClick={() => choose(key)}
                    >
                      <span aria-hidden="true">{sorted.key === key ? (sorted.down ? "↓" : "↑") : "↕"}</span>
                    </button>
                  )}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered.slice(0, shown).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ key, title, cell, figure, lead }) => (
                <td
                  key={key}
                  className={[figure ? "figure" : "", lead ? "lead" : ""].join(" ").trim() || undefined}
                >
                  {!lead && (
                    <span className="label" aria-hidden="true">
                      {typeof title === "string" ? title : key.replaceAll("_", " ")}
                    </span>
                  )}
                  <span className="value">{cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {ordered.length > shown && (
        <button type="button" className="more" onClick={() => setShown(shown + PAGE_ROWS * 2)}>
          Show more ({ordered.length - shown} left)
        </button>
      )}
    </div>
  );
}

function sortOf(sorted: { key: string; down: boolean }, key: string, sort: unknown) {
  if (sort === undefined) return undefined;
  if (sorted.key !== key) return "none";
  return sorted.down ? "descending" : "ascending";
}

/** What each row is sorted by is worked out once. */
function inOrder<Row>(
  rows: readonly Row[],
  by: (row: Row) => number | string | bigint,
  down: boolean,
): Row[] {
  const keyed = rows.map((row) => ({ row, key: by(row) }));
  return keyed.sort((a, b) => compare(a.key, b.key) * (down ? -1 : 1)).map(({ row }) => row);
}

function compare(a: number | string | bigint, b: number | string | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
