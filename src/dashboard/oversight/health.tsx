import { useQuery } from "@tanstack/react-query";
import { count } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { Fact } from "../parts/fact.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { useLive } from "../shell/live-context.ts";
import { LogLoss } from "./log-loss.tsx";

const COUNTERS = ["consumed", "applied", "duplicate", "parked", "conflict", "dead"] as const;
const MEANINGS: Record<(typeof COUNTERS)[number], string> = {
  consumed: "Read from the log",
  applied: "Counted",
  duplicate: "Duplicates, left out",
  parked: "Parked since the beginning",
  conflict: "Conflicts",
  dead: "Dead letters",
};

/** Whether metering keeps up, and what this process says of itself. */
export function Health() {
  const live = useLive();
  const asked = useApi("get /v1/metering/status", {});
  const query = { ...asked, data: live?.metering ?? asked.data };
  const health = useQuery({
    queryKey: ["healthz"],
    queryFn: async () => (await (await fetch("/healthz")).json()) as { status: string; reasons: string[] },
  });
  return (
    <Page title="Metering" asOf={live?.as_of}>
      <Panel title="Is it well?">
        <Shown query={health} lines={2}>
          {({ status, reasons }) =>
            status === "ok" ? (
              <Notice tone="good">This process is well.</Notice>
            ) : (
              <Notice tone="bad">
                <ul>
                  {reasons.map((reason) => (
                    <li key={reason}>{reason}</li>
                  ))}
                </ul>
              </Notice>
            )
          }
        </Shown>
      </Panel>
      <Panel
        title="From the log to the books"
        note="Counted + duplicates + parked + conflicts + dead = read, always."
      >
        <Shown query={query} lines={6}>
          {(status) => (
            <>
              <dl className="facts">
                <Fact title="Behind the log's end">
                  {status.lag === 0
                    ? "nothing: everything acknowledged is counted"
                    : `${count(status.lag)} records`}
                </Fact>
                <Fact title="Parked now">
                  {count(status.waiting)}{" "}
                  {status.waiting !== "0" && "wait for their customer, model or price"}
                </Fact>
                {COUNTERS.map((name) => (
                  <Fact key={name} title={MEANINGS[name]}>
                    {count(status[name])}
                  </Fact>
                ))}
              </dl>
            </>
          )}
        </Shown>
      </Panel>
      <LogLoss />
    </Page>
  );
}
