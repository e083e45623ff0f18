import { Link, useSearchParams } from "wouter";
import { useSession } from "../data/session.ts";
import { count, monthName, timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Fact } from "../parts/fact.tsx";
import { MoneyView } from "../parts/money-view.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { Chain } from "./chain.tsx";
import { Feedback } from "./feedback.tsx";
import { Payload } from "./payload.tsx";
import { PublicLinks } from "./public-links.tsx";

/** The permanent link of a prediction: what came in and out, its usage, price and chain, and who earned what of it. */
export function Prediction({ params }: { params: { id: string } }) {
  const id = decodeURIComponent(params.id);
  const { data: session } = useSession();
  const [search] = useSearchParams();
  const source = search.get("source") ?? undefined;
  const prediction = useApi("get /v1/predictions/{id}", { path: { id }, query: { source } });
  return (
    <Page
      title={<code className="title-code">{id}</code>}
      above={<Link href="/predictions">Predictions</Link>}
    >
      <Shown query={prediction} lines={12}>
        {(shown) => (
          <>
            <Panel title="Prediction">
              {shown.state === "parked" && (
                <Notice tone="warn">It is known, but not counted yet: it waits for {shown.waits_for}.</Notice>
              )}
              {shown.charged === false && <Notice>It was not charged: nobody earned anything of it.</Notice>}
              {shown.refund !== null && (
                <Notice tone="warn">
                  It was refunded on {timeName(shown.refund.made_at)} ({shown.refund.reason}): what was earned
                  of it is given back.
                </Notice>
              )}
              <dl className="facts">
                <Fact title="Model">{shown.model}</Fact>
                <Fact title="Version">{shown.version ?? "not told"}</Fact>
                <Fact title="Hardware">{shown.hardware ?? "not told"}</Fact>
                <Fact title="Status">{shown.status}</Fact>
                <Fact title="Time">{timeName(shown.occurred_at)}</Fact>
                <Fact title="Source">{shown.source}</Fact>
                <Fact title="Customer">{shown.customer ?? "not shown to creators"}</Fact>
                <Fact title="Booked in">
                  {shown.booked_period === null ? "not yet" : monthName(shown.booked_period)}
                </Fact>
                <Fact title="Called by">
                  {shown.parent === null ? (
                    "no other prediction"
                  ) : (
                    <Link href={`/predictions/${encodeURIComponent(shown.parent)}`}>{shown.parent}</Link>
                  )}
                </Fact>
              </dl>
            </Panel>
            <Payload prediction={shown} />
            <Panel title="Usage and price">
              <DataTable
                caption="What it used"
                columns={[
                  {
                    key: "meter",
                    title: "Meter",
                    lead: true,
                    cell: ({ meter }) => meter.replaceAll("_", " "),
                  },
                  {
                    key: "quantity",
                    title: "Quantity",
                    figure: true,
                    cell: ({ quantity }) => count(quantity),
                  },
                  {
                    key: "price",
                    title: "Price",
                    figure: true,
                    cell: ({ price }) =>
                      price === null ? "not priced" : `${price.amount} per ${count(price.per)}`,
                  },
                  {
                    key: "gross",
                    title: "Gross",
                    figure: true,
                    cell: ({ gross }) => (gross === null ? "–" : <MoneyView value={gross} />),
                  },
                ]}
                rows={shown.usage}
                keyOf={({ meter }) => meter}
                empty="Nothing was measured."
              />
            </Panel>
            {/* What is earned of it is not a customer's business. */}
            {session?.role !== "customer" && (
              <Panel
                title="Who earned what"
                note={
                  shown.gross === null ? undefined : (
                    <>
                      Of a gross of <MoneyView value={shown.gross} />
                    </>
                  )
                }
              >
                <DataTable
                  caption="Who earned what of it"
                  columns={[
                    {
                      key: "payee",
                      title: "Payee",
                      lead: true,
                      cell: ({ payee, reason }) => (
                        <>
                          {payee ?? "the marketplace"} <span className="tag">{reason}</span>
                        </>
                      ),
                    },
                    { key: "through", title: "Through", cell: ({ paid_by }) => paid_by },
                    {
                      key: "earned",
                      title: "Earned",
                      figure: true,
                      cell: ({ earned }) => <MoneyView value={earned} />,
                    },
                  ]}
                  rows={shown.earnings}
                  keyOf={({ payee, reason, paid_by }) => `${payee} ${reason} ${paid_by}`}
                  empty="Nobody earned anything of it."
                />
              </Panel>
            )}
            <Chain id={id} source={source} />
            <Feedback prediction={shown} />
            {session && session.role !== "payee" && <PublicLinks id={id} source={shown.source} />}
          </>
        )}
      </Shown>
    </Page>
  );
}
