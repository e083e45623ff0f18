import type { ReactNode } from "react";
import { type Placed, placed, without } from "./draft.ts";

/** Rows of a form, one at least: each has fields of its own, and can be removed; another can be added. */
export function RowList<T>({
  list,
  onChange,
  fresh,
  most,
  what,
  children,
}: {
  list: Placed<T>[];
  onChange: (list: Placed<T>[]) => void;
  /** What a new row begins with. */
  fresh: T;
  most: number;
  /** What a row is of, as people call it: "payee". */
  what: string;
  /** The fields of a row. */
  children: (row: Placed<T>, place: number) => ReactNode;
}) {
  return (
    <>
      <ul className="share-list">
        {list.map((row, place) => (
          <li key={row.id} className="row-form">
            {children(row, place)}
            <button
              type="button"
              disabled={list.length === 1}
              aria-label={`Remove ${what} ${place + 1}`}
              onClick={() => onChange(without(list, row.id))}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <div className="actions">
        <button
          type="button"
          disabled={list.length >= most}
          onClick={() => onChange([...list, placed(fresh)])}
        >
          Add a {what}
        </button>
      </div>
    </>
  );
}
