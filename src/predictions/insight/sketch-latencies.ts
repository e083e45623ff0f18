import { eachTimed } from "../../metering/index.ts";
import type { Sql } from "../../postgres/index.ts";
import { addSketchBytes, type Bins, binOf, sketchBytes, sketchHex } from "./stored-sketch.ts";

/** With full blocks about two hundred thousand events, twenty megabytes. */
const BLOCKS_PER_CALL = 3;
const DAY_MS = 86_400_000;
/** What a model ran on by names that came too late on that day: see admit_hardware(). */
const OTHER = "other";

/** Predictions of one version on one day and one hardware. */
interface Cell {
  model: number;
  version: number;
  /** Since 1970, in UTC. */
  day: number;
  /** Empty where it is not told. */
  hardware: string;
  bins: Bins;
}

interface TimedBlock {
  block_no: string;
  events: string;
  terms: (number | null)[];
  hardware: string[] | null;
  /** By group its place in `hardware`, from 1. */
  ran_on: (number | null)[] | null;
}

/** A block's groups in their order, each of one customer; undefined where nothing was timed. */
interface TimedGroups {
  block: string;
  groups: ({ cell: Cell; timed: number[] } | undefined)[];
}

interface Stored {
  revision: number;
  sketch: Buffer;
}

/**
 * Adds how long predictions took to the sketches of their version, day and hardware, keeps the sketch of each group of events that
 * were metered together, and adds what ran on which hardware to its windows. Follows metering by a minute and holds it up
 * nowhere; each event is in once, whenever this is killed or done twice beside itself.
 */
export async function sketchLatencies(sql: Sql): Promise<void> {
  for (;;) {
    const rows = await sql<{ block_no: string }[]>`
      SELECT block_no::text FROM usage_block WHERE sketched = 0 ORDER BY block_no LIMIT ${BLOCKS_PER_CALL}`;
    if (rows.length === 0) return;
    const blocks = rows.map(({ block_no }) => block_no);
    await sketchBlocks(sql, blocks);
    // What another one did first is no longer among those that are left.
    if (blocks.length < BLOCKS_PER_CALL) return;
  }
}

async function sketchBlocks(sql: Sql, blocks: readonly string[]): Promise<void> {
  await sql`SELECT admit_hardware(${blocks as string[]}::text[]::bigint[])`;
  const timed = await timedGroups(sql, blocks);
  const cells = [...new Set(timed.flatMap(({ groups }) => groups.flatMap((group) => group?.cell ?? [])))];
  const stored = await storedSketches(sql, cells);
  // One array a block, written as PostgreSQL reads it: most groups are of one or two events.
  const groupSketches = timed.map(({ groups }) => {
    const sketches = groups.map((group) => (group === undefined ? "NULL" : `\\\\x${sketchHex(group.timed)}`));
    return `{${sketches.join(",")}}`;
  });
  const days = cells.map(({ day }) => new Date(day * DAY_MS).toISOString().slice(0, 10));
  await sql`SELECT store_latency_sketches(${blocks as string[]}::text[]::bigint[],
    ${cells.map(({ model }) => model)}::int[], ${cells.map(({ version }) => version)}::int[],
    ${days}::text[]::date[], ${cells.map(({ hardware }) => hardware)}::text[], ${stored.map((one) => one?.revision ?? 0)}::int[],
    ${cells.map((cell, n) => grown(cell, stored[n]))}::text[]::bytea[],
    ${timed.map(({ block }) => block)}::text[]::bigint[], ${groupSketches}::text[])`;
}

async function timedGroups(sql: Sql, blocks: readonly string[]): Promise<TimedGroups[]> {
  const rows = await sql<TimedBlock[]>`
    SELECT block_no::text, events, group_term_no AS terms, hardware, group_hardware AS ran_on FROM usage_block
    WHERE block_no = ANY (${blocks as string[]}::text[]::bigint[]) AND predict_seconds IS NOT NULL`;
  const versions = await succeeded(sql, rows);
  const admitted = await admittedHardware(sql, rows, versions);
  const cells = new Map<string, Cell>();
  const timed: TimedGroups[] = [];
  for (const { block_no, events, terms, hardware, ran_on } of rows) {
    const groups: TimedGroups["groups"] = terms.map(() => undefined);
    await eachTimed(events, (group, occurredAt, micros) => {
      const version = versions.get(terms[group - 1] ?? 0);
      if (version === undefined) return;
      const bin = binOf(micros);
      let known = groups[group - 1];
      if (known === undefined) {
        const day = Math.floor(occurredAt / (DAY_MS * 1000));
        const told = hardware?.[(ran_on?.[group - 1] ?? 0) - 1] ?? "";
        const ranOn = told === "" || admitted.has(`${version.model} ${day} ${told}`) ? told : OTHER;
        const key = `${version.version} ${day} ${ranOn}`;
        const cell = cells.get(key) ?? { ...version, day, hardware: ranOn, bins: new Map() };
        cells.set(key, cell);
        known = { cell, timed: [] };
        groups[group - 1] = known;
      }
      known.timed.push(bin);
      count(known.cell.bins, bin);
    });
    if (groups.some((group) => group !== undefined)) timed.push({ block: block_no, groups });
  }
  return timed;
}

function count(bins: Bins, bin: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + 1);
}

/** "model day hardware": what is told apart. */
async function admittedHardware(
  sql: Sql,
  rows: readonly TimedBlock[],
  versions: ReadonlyMap<number, { model: number }>,
): Promise<Set<string>> {
  const told = [...new Set(rows.flatMap(({ hardware }) => hardware ?? []))];
  if (told.length === 0) return new Set();
  const models = [...new Set([...versions.values()].map(({ model }) => model))];
  const names = await sql<{ name: string }[]>`
    SELECT concat_ws(' ', model_no, service_day - date '1970-01-01', hardware) AS name FROM model_hardware
    WHERE model_no = ANY (${models}::int[]) AND hardware = ANY (${told}::text[])`;
  return new Set(names.map(({ name }) => name));
}

/** By term: the model and version, where the term is of predictions that succeeded. */
async function succeeded(sql: Sql, rows: readonly { terms: (number | null)[] }[]) {
  const terms = [...new Set(rows.flatMap((row) => row.terms))].filter((term) => term !== null);
  const found = await sql<{ term: number; model: number; version: number }[]>`
    SELECT term_no AS term, model_no AS model, model_version_no AS version FROM usage_term
    WHERE term_no = ANY (${terms}::int[]) AND status = 'succeeded'`;
  return new Map(found.map(({ term, ...version }) => [term, version]));
}

/** In the order of the cells. */
async function storedSketches(sql: Sql, cells: readonly Cell[]): Promise<(Stored | undefined)[]> {
  const rows = await sql<{ revision: number | null; sketch: Buffer }[]>`
    SELECT s.revision, s.sketch
    FROM unnest(${cells.map(({ model }) => model)}::int[], ${cells.map(({ version }) => version)}::int[],
      ${cells.map(({ day }) => day)}::int[], ${cells.map(({ hardware }) => hardware)}::text[])
      WITH ORDINALITY AS c(model, version, day, hardware, n)
    LEFT JOIN latency_sketch s ON (s.model_no, s.model_version_no, s.service_day, s.hardware)
      = (c.model, c.version, date '1970-01-01' + c.day, c.hardware)
    ORDER BY c.n`;
  return rows.map(({ revision, sketch }) => (revision === null ? undefined : { revision, sketch }));
}

/** The sketch with the cell's predictions. */
function grown({ bins }: Cell, stored: Stored | undefined): string {
  if (stored === undefined) return asBytea(sketchBytes(bins));
  const all = new Map(bins);
  return asBytea(sketchBytes(addSketchBytes(all, stored.sketch)));
}

/** As PostgreSQL reads bytes. */
function asBytea(bytes: Buffer): string {
  return `\\x${bytes.toString("hex")}`;
}
