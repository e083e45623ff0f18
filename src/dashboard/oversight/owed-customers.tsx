import { isNegative, isZero } from "../data/money.ts";
import { useDuties } from "../data/session.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { DataTable } from "../parts/data-table.tsx";
import { DownloadButton } from "../parts/download-button.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { RecordRepayment } from "./record-repayment.tsx";

/** To whom the marketplace owes money, until somebody pays it back or a later invoice is paid with it. */
export function OwedCustomers() {
  const paging = usePaging();
  const owed = useApi("get /v1/owed-customers", { query: { limit: 50, cursor: paging.cursor } });
  const repay = useAction("post /v1/corrections");
  const { makes } = useDuties();
  return (
    <Panel
      title="Customers who are owed money"
      note="What refunds and corrections left in their favour, and no invoice takes; and what they overpaid, which their next invoices take unless it is paid back and the credit revoked."
      actions={
        <DownloadButton operation="get /v1/owed-customers" input={{}} type="text/csv">
          Download as CSV
        </DownloadButton>
      }
    >
      {!makes && <Notice>A repayment is recorded by a maker.</Notice>}
      <Shown query={owed} lines={3}>
        {({ data, next_cursor }) => (
          <>
            <DataTable
              caption="Customers who are owed money"
              columns={[
                { key: "customer", title: "Customer", lead: true, cell: ({ name }) => name },
                { key: "id", title: "Id", cell: ({ customer }) => <code>{customer}</code> },
                {
                  key: "invoiced",
                  title: "Still invoiced",
                  figure: true,
                  cell: ({ invoiced }) => <MoneyView value={invoiced} />,
                },
                {
                  key: "on_account",
                  title: "On account",
                  figure: true,
                  cell: ({ on_account }) => <MoneyView value={on_account} />,
                },
                {
                  key: "overpaid",
                  title: "Overpaid, as credit",
                  figure: true,
                  cell: ({ overpaid }) => <MoneyView value={overpaid} />,
                },
                {
                  key: "repaid",
                  title: "Paid back elsewhere",
                  cell: (row) =>
                    isZero(row.on_account) || isNegative(row.on_account) ? (
                      "–"
                    ) : (
                      <RecordRepayment
                        owed={row}
                        disabled={repay.isPending || !makes}
                        onConfirm={(body) => repay.mutate({ body })}
                      />
                    ),
                },
              ]}
              rows={data}
              keyOf={({ customer, currency }) => `${customer} ${currency}`}
              empty="Nobody is owed anything."
            />
            <Pager paging={paging} next={next_cursor} />
          </>
        )}
      </Shown>
      <div role="status">
        {repay.data?.correction != null && (
          <Notice tone={repay.data.correction.state === "booked" ? "good" : "warn"}>
            {repay.data.correction.state === "booked"
              ? "The repayment is booked."
              : "The repayment waits below for somebody else's approval."}
          </Notice>
        )}
      </div>
      <ActionProblem error={repay.error} />
    </Panel>
  );
}
