import { followMetering } from "/work/main/scripts/bench/measure/follow.ts";
import { measureMetering, prepareMetering, startWorkers } from "/work/main/scripts/bench/metering.ts";
import { Opened } from "/work/main/scripts/bench/world/opened.ts";

const opened = new Opened();
process.once("SIGTERM", () => opened.close().then(() => process.exit(1)));
try {
  const events = Number(process.argv[2] ?? 60000);
  const s = { events, seed: 1, partitions: 4, workers: 1, floor: false };
  const w = await prepareMetering(opened, s);
  const [worker] = startWorkers(opened, w, s);
  await Promise.race([followMetering(w.database.sql, events), worker?.failed]);
  const sql = w.database.sql;

  const q = (
    payee: string,
  ) => `WITH plans AS MATERIALIZED (SELECT split_plan_no, cost_meter_no FROM split_plan WHERE payees @> ARRAY['${payee}'])
    SELECT w.booked_period::text, w.service_day, m.id AS model, w.split_plan_no, p.currency, v.version, w.country,
      sum(w.quantity * coalesce(c.unit_amount, 0))::text AS gross
    FROM plans s JOIN usage_window w USING (split_plan_no) JOIN price_version p USING (price_no) JOIN model m ON m.model_no = w.model_no
    JOIN model_version v USING (model_version_no) JOIN meter t USING (meter_no)
    LEFT JOIN price_component c ON c.price_no = w.price_no AND c.meter_no = w.meter_no
    GROUP BY 1, 2, w.service_day, 3, 4, 5, 6, 7`;
  const narrow = (
    payee: string,
  ) => `WITH term AS MATERIALIZED (SELECT t.*, s.cost_meter_no FROM split_plan s JOIN usage_term t USING (split_plan_no)
      WHERE s.payees @> ARRAY['${payee}'] AND t.charged = 1),
    w AS MATERIALIZED (SELECT t.term_no, x.service_day, sum(x.events) events, sum(x.runs) runs, sum(x.predict_seconds) ps, sum(x.input_tokens) it, sum(x.output_tokens) ot, sum(x.images) im
      FROM term t CROSS JOIN LATERAL (SELECT * FROM term_window x WHERE x.term_no = t.term_no OFFSET 0) x GROUP BY t.term_no, x.service_day)
    SELECT count(*), sum(it) FROM w`;
  const plan = async (text: string, options: string) =>
    (await sql.unsafe("EXPLAIN (" + options + ") " + text)).map((r) => r["QUERY PLAN"]).join("\n");
  for (const label of ["before", "analyzed"]) {
    if (label === "analyzed") {
      await worker?.stop();
      await sql`ANALYZE`;
    }
    for (const payee of ["marker", "creator-0"]) {
      console.log(
        label,
        payee,
        "CURRENT",
        (await plan(q(payee), "ANALYZE, TIMING OFF"))
          .split("\n")
          .filter((l) => (label === "analyzed" && payee === "creator-0") || /Time/.test(l))
          .join("\n"),
      );
      console.log(
        label,
        payee,
        "NARROW",
        (await plan(narrow(payee), "ANALYZE, TIMING OFF"))
          .split("\n")
          .filter((l) => (label === "before" && payee === "creator-0") || /Time/.test(l))
          .join("\n"),
      );
    }
  }
} finally {
  await opened.close();
  process.exit();
}
