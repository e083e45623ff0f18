import { CUSTOMERS, customerId, loadBenchCatalog } from "./load/catalog.ts";
import type { LoadResult } from "./load/send-load.ts";
import { startLoad } from "./load/start-load.ts";
import { usedBy, usedSince } from "./measure/processes.ts";
import { say } from "./say.ts";
import { type Opened, withOpened } from "./world/opened.ts";
import { startRole } from "./world/roles.ts";
import { openBenchDatabase } from "./world/servers.ts";
import { temporaryFolder } from "./world/temporary-folder.ts";

export interface AuthorizeSettings {
  seed: number;
  partitions: number;
  requestsPerSecond: number;
  /** Sent beside them, of the same customers; 0: none. */
  eventsPerSecond: number;
  /** Of each measurement, after its warm-up. */
  seconds: number;
}

export interface AuthorizeFigures {
  /** By whom it is asked, in turn. */
  customers: number;
  requestsPerSecond: number;
  load: LoadResult;
  /** What was sent beside it. */
  events: LoadResult | null;
  /** Of each process for each request, with everything else that it did meanwhile; null where that cannot be told. */
  cpuMs: Record<"api" | "postgres" | "worker" | "sender", number | null>;
  /** Σ of the open reservations is what the accounts say, and no limit is passed. */
  differences: number;
}

/** Enough of them that a request that is due finds one free. */
const CONNECTIONS = 64;
/** Until V8 has compiled what a question passes through: before, it shares the two cores with its compiler. */
const WARMUP_SECONDS = 8;
const EVENTS_IN_REQUEST = 100;
const EVENT_CONNECTIONS = 8;

/** API and worker, PostgreSQL log; every customer has a hard limit. Many customers, and one who asks for everything. */
export async function measureAuthorize(
  opened: Opened,
  settings: AuthorizeSettings,
): Promise<AuthorizeFigures[]> {
  const figures: AuthorizeFigures[] = [];
  for (const customers of [CUSTOMERS, 1])
    figures.push(await withOpened(opened, (own) => measureCustomers(own, customers, settings)));
  return figures;
}

async function measureCustomers(
  opened: Opened,
  customers: number,
  { seed, partitions, requestsPerSecond, eventsPerSecond, seconds }: AuthorizeSettings,
): Promise<AuthorizeFigures> {
  const folder = await temporaryFolder(opened);
  const { sql, url: databaseUrl, pid } = await openBenchDatabase(opened, folder);
  await loadBenchCatalog(sql);
  await sql`
    SELECT set_spend_limits(id, 'USD', 'month', 1000000000000, 1000000000000000, false)
    FROM unnest(${Array.from({ length: customers }, (_, n) => customerId(n))}::text[]) AS id`;
  const start = { folder, databaseUrl, brokers: null, partitions };
  const [api, worker] = [startRole(opened, "api", start), startRole(opened, "worker", start)];
  const [url] = await Promise.all([api.ready, worker.ready]);
  const pids = [api.pid, pid, worker.pid];
  const before = await Promise.all(pids.map(usedBy));
  say(`authorize: ${requestsPerSecond} requests/s of ${customers} customer(s), ${eventsPerSecond} events/s`);
  const times = { url, warmupSeconds: WARMUP_SECONDS, seconds, seed };
  const rest = { batch: EVENTS_IN_REQUEST, connections: EVENT_CONNECTIONS };
  const beside =
    eventsPerSecond > 0
      ? startLoad(opened, { ...times, ...rest, requestsPerSecond: eventsPerSecond / EVENTS_IN_REQUEST })
      : undefined;
  const asked = { what: "authorize" as const, batch: customers, connections: CONNECTIONS };
  const questions = startLoad(opened, { ...times, ...asked, requestsPerSecond });
  const [load, events] = await Promise.race([
    Promise.all([questions.result, beside?.result ?? null]),
    api.failed,
    worker.failed,
  ]);
  const after = await Promise.all(pids.map(usedBy));
  const each = (seconds: number) => (seconds * 1000) / Math.max(1, load.accepted);
  const [apiMs = null, postgresMs = null, workerMs = null] = pids.map((_, n) => {
    const used = usedSince(before[n] ?? null, after[n] ?? null);
    return used === null ? null : each(used.cpuSeconds);
  });
  const [row] = await sql<[{ wrong: number }]>`
    SELECT count(*)::int AS wrong FROM spend_account a
    WHERE reserved_nanos > hard_nanos OR reserved_nanos <> (SELECT coalesce(sum(r.amount_nanos), 0) FROM spend_reservation r
      WHERE r.customer_no = a.customer_no AND r.outcome IS NULL)`;
  const cpuMs = { api: apiMs, postgres: postgresMs, worker: workerMs, sender: each(load.cpuSeconds) };
  return { customers, requestsPerSecond, load, events, cpuMs, differences: row.wrong };
}
