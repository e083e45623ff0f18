import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { runChecks } from "../../src/audit/index.ts";
import { sealClosedPeriods } from "../../src/ledger/index.ts";
import { foldCustomerWindows, mergeExtents, mergeWindows } from "../../src/metering/index.ts";
import { openSql, type Sql } from "../../src/postgres/index.ts";
import type { TestApi } from "../support/api.ts";
import { until } from "../support/until.ts";
import { FREE_TABLES } from "./free-columns.ts";
import { playFullMonth } from "./full-month.ts";

// Somebody who may do everything in the database changes one row; verify must find it and say where.

let api: TestApi;
let session: Sql;
beforeAll(async () => {
  api = await playFullMonth();
  await foldCustomerWindows(api.sql);
  await mergeWindows(api.sql);
  await mergeExtents(api.sql);
  await until(async () => {
    await sealClosedPeriods(api.sql);
    return (await api.sql`SELECT FROM seal`).length === 1;
  });
  const [{ name }] = await api.sql<[{ name: string }]>`SELECT current_database() AS name`;
  const url = Object.assign(new URL(inject("postgresUrl")), { pathname: `/${name}` });
  session = openSql(url.href, { max: 1 });
});
afterAll(async () => {
  await session?.end();
  await api?.stop();
});

/** By table: changes of its facts, and how verify must tell. */
const MUTATIONS: Record<string, [statement: string, told: RegExp][]> = {
  payee: [
    ["UPDATE payee SET id = 'mallory' WHERE id = 'eve'", /no such payee/],
    ["UPDATE payee SET stripe_account = 'acct_mallory' WHERE id = 'ada'", /payee ada: account acct_mallory/],
  ],
  customer: [["UPDATE customer SET id = 'mallory' WHERE id = 'acme'", /content is not|no such customer/]],
  customer_version: [
    ["UPDATE customer_version SET country = 'FR' WHERE country = 'DE'", /event .* decided country/],
    ["UPDATE customer_version SET effective_until = now()", /terms of customer/],
    ["UPDATE customer_version SET payee_no = NULL", /event .* decided/],
  ],
  model: [["UPDATE model SET id = 'ada/other' WHERE id = 'ada/base'", /content is not/]],
  model_lineage: [
    ["UPDATE model_lineage SET base_model_no = NULL", /split segment/],
    ["UPDATE model_lineage SET payee_no = 3 WHERE base_model_no IS NULL", /split segment/],
  ],
  model_version: [["UPDATE model_version SET version = 'v9' WHERE version = 'v1'", /content is not/]],
  meter: [
    ["UPDATE meter SET scale = 0 WHERE name = 'predict_seconds'", /one unit is/],
    ["UPDATE meter SET name = 'image_stepz' WHERE name = 'image_steps'", /window|content/],
  ],
  price_version: [
    [
      "UPDATE price_version SET effective_from = effective_from + interval '12 days'",
      /price .* until|event .* decided/,
    ],
    ["UPDATE price_version SET charge_statuses = '{failed}'", /event .* charged/],
  ],
  price_component: [
    ["UPDATE price_component SET unit_amount = unit_amount * 2", /one unit is/],
    [
      "UPDATE price_component SET unit_amount = unit_amount * 2, amount = amount::numeric * 2",
      /line .* windows say/,
    ],
    ["UPDATE price_component SET max_per_event = 45 WHERE max_per_event IS NOT NULL", /usage window/],
  ],
  revenue_policy: [["UPDATE revenue_policy SET steps = '[]' WHERE model_no IS NOT NULL", /split segment/]],
  split_plan: [
    ["UPDATE split_plan SET content = jsonb_set(content, '{model}', '\"x\"')", /split plan .* changed/],
    ["UPDATE split_plan SET payees = '{ada}'", /split plan .* changed/],
  ],
  split_segment: [
    ["UPDATE split_segment SET split_plan_no = (SELECT max(split_plan_no) FROM split_plan)", /split segment/],
    ["DELETE FROM split_segment WHERE model_no = 1", /split segment/],
  ],
  rate_segment: [
    ["UPDATE rate_segment SET price_no = 1", /rate segment/],
    ["DELETE FROM rate_segment WHERE model_no = 1", /rate segment/],
  ],
  self_dealing_plan: [
    ["UPDATE self_dealing_plan SET redirected_plan_no = split_plan_no", /self-dealing plan/],
    ["DELETE FROM self_dealing_plan", /self-dealing plan/],
  ],
  books_state: [["UPDATE books_state SET first_open_period = '2024-02-01'", /first open month/]],
  metering_cursor: [
    ["UPDATE metering_cursor SET applied = applied - 1, duplicate = duplicate + 1", /counters say/],
  ],
  usage_source: [["UPDATE usage_source SET source = '//other'", /event .* identity/]],
  usage_identity: [
    ["UPDATE usage_identity SET content = content + 1 WHERE event_no IS NOT NULL", /content is not/],
    ["DELETE FROM usage_identity WHERE event_no = (SELECT max(event_no) FROM usage_identity)", /identity/],
  ],
  usage_term: [
    ["UPDATE usage_term SET price_no = price_no + 100", /event .* decided/],
    ["UPDATE usage_term SET split_plan_no = 1", /event .* decided/],
    ["UPDATE usage_term SET charged = 1 - charged", /event .* charged/],
  ],
  usage_block: [
    ["UPDATE usage_block SET events = replace(events, '1001', '9001')", /content is not/],
    ["UPDATE usage_block SET event_count = event_count - 1", /block .* says/],
    ["DELETE FROM usage_block", /identity/],
  ],
  term_window: [
    ["UPDATE term_window SET input_tokens = input_tokens + 1", /usage window/],
    ["DELETE FROM term_window WHERE service_day = '2023-11-12'", /usage window/],
  ],
  term_window_meter: [["UPDATE term_window_meter SET quantity = quantity + 1", /usage window/]],
  customer_term_window: [
    ["UPDATE customer_term_window SET input_tokens = input_tokens + 1", /customer window/],
  ],
  customer_term_window_meter: [
    ["UPDATE customer_term_window_meter SET quantity = quantity + 1", /customer window/],
  ],
  metered_extent: [
    ["UPDATE metered_extent SET last_occurred_at = last_occurred_at - interval '1 day'", /metered extent/],
    ["DELETE FROM metered_extent WHERE kind = 'split'", /metered extent/],
  ],
  // A worker merged them all: this one is made up.
  noted_extent: [
    [
      `INSERT INTO noted_extent (shard, model_nos, currencies, price_froms, split_froms, model_lasts, customer_nos, customer_froms, customer_lasts)
       VALUES (0, '{}', '{}', '{}', '{}', '{}', '{1}', '{2023-01-01}', '{1694000000000000}')`,
      /metered extent/,
    ],
  ],
  parked_event: [["DELETE FROM parked_event", /identity|counters/]],
  dead_letter: [["DELETE FROM dead_letter", /counters say/]],
  ledger_account: [["UPDATE ledger_account SET owner = 'lin' WHERE owner = 'ada'", /account payee:ada/]],
  permitted_flow: [["DELETE FROM permitted_flow WHERE entry_kind = 'release'", /kind release/]],
  journal_entry: [
    ["UPDATE journal_entry SET detail = '{}' WHERE kind = 'accrual'", /link/],
    ["DELETE FROM journal_entry WHERE kind = 'billing'", /link|account/],
  ],
  posting: [
    [
      "UPDATE posting SET amount_nanos = amount_nanos + 1 WHERE entry_no = 1 AND position = 1",
      /entry .* sum/,
    ],
    ["UPDATE posting SET amount_nanos = amount_nanos * 2 WHERE entry_no = 1", /account .* postings say/],
  ],
  account_balance: [["UPDATE account_balance SET balance_nanos = balance_nanos + 1", /account .* stored/]],
  accrual_line: [
    ["UPDATE accrual_line SET gross = gross + 0.000001", /line .* accrued/],
    ["DELETE FROM accrual_line", /line/],
  ],
  accrual_part: [
    ["UPDATE accrual_part SET amount_nanos = amount_nanos + 1", /line .* booked/],
    ["DELETE FROM accrual_part WHERE reason = 'royalty'", /line .* booked/],
  ],
  chain_link: [["UPDATE chain_link SET hash = repeat('0', 64) WHERE chain_no = 2", /link 2/]],
  seal: [["UPDATE seal SET chain_no = chain_no - 1", /seal of 2023-11/]],
  balance_snapshot: [["DELETE FROM balance_snapshot", /balance snapshot/]],
  settlement: [
    ["UPDATE settlement SET plan = jsonb_set(plan, '{payouts,0,amount_nanos}', '\"1\"')", /plan of 2023-11/],
    ["DELETE FROM settlement", /settlement .* missing/],
  ],
  statement: [
    [
      "UPDATE statement SET content = jsonb_set(content, '{earned,amount}', '\"1.0\"')",
      /statement .* changed/,
    ],
    [
      "UPDATE statement SET earned_nanos = earned_nanos + 1, adjustments_nanos = adjustments_nanos - 1",
      /statement/,
    ],
    ["DELETE FROM statement WHERE payee = 'ada'", /statement ada/],
  ],
  payee_account: [
    ["UPDATE payee_account SET account = 'acct_mallory'", /payee .* account .* is acct_mallory/],
    ["DELETE FROM payee_account", /payout .* no payee account/],
  ],
  payout: [
    [
      "UPDATE payout SET planned_nanos = planned_nanos + 10000000, amount_nanos = amount_nanos + 10000000",
      /payout .* planned/,
    ],
    ["UPDATE payout SET amount_nanos = amount_nanos - 10000000", /payout .* attempts are/],
    ["UPDATE payout SET attempt = attempt + 1", /payout .* attempt/],
    ["DELETE FROM payout WHERE payee = 'ada'", /payout .* planned/],
  ],
  payout_attempt: [
    ["UPDATE payout_attempt SET outcome = 'failed'", /payout .* attempts are/],
    ["DELETE FROM payout_attempt", /payout .* attempts are/],
  ],
  payout_reversal: [
    [
      "INSERT INTO payout_reversal (reversal_id, payout_id, amount_nanos, booked_by) SELECT 'trr_1', id, 10000000, 'x' FROM payout LIMIT 1",
      /reversal trr_1/,
    ],
  ],
  reconciliation: [["UPDATE reconciliation SET report = '{}'", /reconciliation/]],
};

const IN_COLUMNS = "this month has none: each column of it is changed in columns.test.ts";

/** Tables that say nothing about money that happened, or that have nothing below them to be compared with. */
const NO_MUTATION: Record<string, string> = {
  catalog_state: "a counter against plans on older facts",
  api_key: "who may call, no figure",
  idempotent_request: "kept answers, forgotten after a while",
  payee_legal: "who a payee says it is; it stands on documents, and no figure follows from it",
  payee_name: "who a payee says it is; it stands on documents, and no figure follows from it",
  webhook_attempt: "what was told of facts, which are checked where they are kept",
  webhook_delivery: "what was told of facts, which are checked where they are kept",
  webhook_endpoint: "where a payee wants to be told",
  bank_payout:
    "what the provider last said of payouts that are not ours; asked anew, and compared by reconcile",
  provider_event:
    "what the provider told; it is never believed, and what it led to is checked where it is kept",
  webhook_message: "what was told of facts, which are checked where they are kept",
  payout_account: "what the provider last said, asked again before every plan",
  payee_freeze: "a decision of operators, asked before every payout",
  payout_stop: "a decision of operators, asked before every payout",
  payout_minimum: "a decision of operators; what it led to is in the plan, under its hash",
  identity_floor: "a setting of operators; what it forgot is gone",
  chain_state: "where to look for entries to chain; everythingChained looks everywhere",
  usage_log: "the log's own identity, compared with the cursor's at every start",
  usage_log_partition: "the log's end, compared with the cursor at every start",
  usage_log_record: "the log: what was metered of it is in usage_block, under a hash made when it was read",
  payout_terms: "a choice of payees and operators; what it led to is in the plan, under its hash",
  tax_form:
    "what operators say of a paper that is kept elsewhere; what it led to is in the plan, under its hash",
  tax_form_rule: "a decision of operators; what it led to is in the plan, under its hash",
  ...FREE_TABLES,
  adjustment: IN_COLUMNS,
  adjustment_cell: IN_COLUMNS,
  adjustment_held: IN_COLUMNS,
  adjustment_movement: IN_COLUMNS,
  adjustment_part: IN_COLUMNS,
  audit_entry: IN_COLUMNS,
  audit_head: IN_COLUMNS,
  billing_customer: IN_COLUMNS,
  chained_event: IN_COLUMNS,
  correction: IN_COLUMNS,
  dispute: IN_COLUMNS,
  dispute_hold: IN_COLUMNS,
  hardware_window: IN_COLUMNS,
  hardware_window_meter: IN_COLUMNS,
  model_hardware: IN_COLUMNS,
  netting: IN_COLUMNS,
  netting_rule: IN_COLUMNS,
  reattribution: IN_COLUMNS,
  refund_policy: IN_COLUMNS,
  conversion: IN_COLUMNS,
  fx_rate: IN_COLUMNS,
  reserve: IN_COLUMNS,
  reserve_rule: IN_COLUMNS,
  credit_expiry: IN_COLUMNS,
  credit_revocation: IN_COLUMNS,
  refund_push: IN_COLUMNS,
  refund_push_attempt: IN_COLUMNS,
  credit_grant: IN_COLUMNS,
  credit_use: IN_COLUMNS,
  held_share: IN_COLUMNS,
  invoice: IN_COLUMNS,
  invoice_line: IN_COLUMNS,
  invoice_payment: IN_COLUMNS,
  invoice_push: IN_COLUMNS,
  invoice_push_attempt: IN_COLUMNS,
  payment_push: IN_COLUMNS,
  invoice_release: IN_COLUMNS,
  invoice_run: IN_COLUMNS,
  release_rule: IN_COLUMNS,
  royalty_acceptance: IN_COLUMNS,
  royalty_registration: IN_COLUMNS,
  royalty_terms: IN_COLUMNS,
  royalty_terms_end: IN_COLUMNS,
  share_proposal: IN_COLUMNS,
  share_proposal_party: IN_COLUMNS,
  spend_account: IN_COLUMNS,
  spend_crossing: "what was told of facts, which are checked where they are kept",
  spend_month: IN_COLUMNS,
  spend_reservation: IN_COLUMNS,
  self_dealing_rule: "the rule as it came with the migration; nothing was decided otherwise",
};

async function differences(): Promise<string[]> {
  return (await runChecks(session)).flatMap(({ differences }) => differences);
}

test("every table has a mutation that verify must find, or a reason why not", async () => {
  const tables = await api.sql<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`;
  const covered = (name: string) => (MUTATIONS[name]?.length ?? 0) > 0 || NO_MUTATION[name] !== undefined;
  expect(tables.map(({ name }) => name).filter((name) => !covered(name))).toEqual([]);
});

test("nothing is found where nothing was changed", async () => {
  expect(await differences()).toEqual([]);
});

const EACH = Object.values(MUTATIONS).flat();

test.each(EACH)("%s", async (statement, told) => {
  await session.unsafe("BEGIN; SET LOCAL session_replication_role = replica");
  try {
    const { count } = await session.unsafe(statement);
    expect(count).toBeGreaterThan(0);
    expect((await differences()).join("\n")).toMatch(told);
  } finally {
    await session.unsafe("ROLLBACK");
  }
});
