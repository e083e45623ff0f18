import type { Schema } from "../data/api.ts";
import { monthName } from "../data/time.ts";
import { DataTable } from "../parts/data-table.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Notice } from "../parts/states.tsx";

/** What a month's usage would have brought everybody under a draft, beside what it did. */
export function PreviewTable({ preview }: { preview: Schema<"Preview"> }) {
  return (
    <>
      <p className="dim">The usage of {monthName(preview.period)}.</p>
      {!preview.exact && (
        <Notice tone="warn">
          Not exact:
          <ul>
            {preview.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Notice>
      )}
      <DataTable
        caption="What everybody would have earned"
        columns={[
          { key: "who", title: "Who", lead: true, cell: ({ who }) => who },
          { key: "now", title: "As it is", figure: true, cell: ({ now }) => <MoneyView value={now} /> },
          {
            key: "drafted",
            title: "Under the draft",
            figure: true,
            cell: ({ drafted }) => <MoneyView value={drafted} />,
          },
          {
            key: "difference",
            title: "Difference",
            figure: true,
            cell: ({ difference }) => <MoneyView value={difference} signed />,
          },
        ]}
        rows={[
          ...preview.payees.map((row) => ({ who: row.payee, ...row })),
          ...preview.platform.map((row) => ({ who: "the marketplace", ...row })),
        ]}
        keyOf={({ who, currency }) => `${who} ${currency}`}
        empty="There was no usage in that month."
      />
    </>
  );
}
