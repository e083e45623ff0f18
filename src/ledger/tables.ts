import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
} from "drizzle-orm/pg-core";
import { moment, nanos } from "../postgres/index.ts";

// Written only by post_entry() (drizzle/0007_ledger.sql); its triggers refuse everything else.

/** An account of the chart, such as `payee:ada:payable`. It holds any currency; an entry has one. */
export const ledgerAccount = pgTable("ledger_account", {
  accountNo: integer("account_no").primaryKey().generatedAlwaysAsIdentity(),
  path: text().notNull().unique(),
  /** The path without its owner: `payee:payable`. Flows are permitted per kind. */
  kind: text().notNull(),
  /** The owner inside the path, for `payee:…` and `customer:…`. */
  owner: text(),
});

/** Which account kinds an entry kind may touch: a mistake in a template is refused, not booked. */
export const permittedFlow = pgTable(
  "permitted_flow",
  { entryKind: text("entry_kind").notNull(), accountKind: text("account_kind").notNull() },
  (t) => [primaryKey({ columns: [t.entryKind, t.accountKind] })],
);

/** One balanced fact. `key` names the business event it records, so that it is recorded once. */
export const journalEntry = pgTable(
  "journal_entry",
  {
    entryNo: bigint("entry_no", { mode: "bigint" }).primaryKey().generatedAlwaysAsIdentity(),
    key: text().notNull().unique(),
    kind: text().notNull(),
    currency: text().notNull(),
    period: date().notNull(),
    postings: integer().notNull(),
    detail: jsonb().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** The transaction that wrote it: postings may be added in that one only. */
    xid: text().notNull(),
    /** The key of the entry that this one takes back. */
    corrects: text(),
  },
  (t) => [index().on(t.period, t.kind)],
);

/** One signed amount in nanos on one account: debit positive, credit negative. */
export const posting = pgTable(
  "posting",
  {
    entryNo: bigint("entry_no", { mode: "bigint" })
      .notNull()
      .references(() => journalEntry.entryNo),
    position: integer().notNull(),
    accountNo: integer("account_no")
      .notNull()
      .references(() => ledgerAccount.accountNo),
    amountNanos: nanos("amount_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.entryNo, t.position] }), index().on(t.accountNo)],
);

/** Σ postings of an account and currency: a projection kept by post_entry(), proved by `verify`. */
export const accountBalance = pgTable(
  "account_balance",
  {
    accountNo: integer("account_no")
      .notNull()
      .references(() => ledgerAccount.accountNo),
    currency: text().notNull(),
    balanceNanos: nanos("balance_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.accountNo, t.currency] })],
);

// The chain and the seals: written only by the functions of drizzle/0013_sealing.sql.

/** An entry's place in the chain, and the hash over everything up to it. Apart from the entry, since it comes later. */
export const chainLink = pgTable("chain_link", {
  chainNo: bigint("chain_no", { mode: "bigint" }).primaryKey(),
  entryNo: bigint("entry_no", { mode: "bigint" })
    .notNull()
    .unique()
    .references(() => journalEntry.entryNo),
  hash: text().notNull(),
  /** Its transaction began before a seal that does not have it: a balance as of then must look for it after that seal. */
  late: boolean().notNull(),
});

/** Every entry of an older transaction is in the chain. One row. */
export const chainState = pgTable("chain_state", {
  singleton: smallint().primaryKey().default(1),
  completeUntilXid: bigint("complete_until_xid", { mode: "bigint" }).notNull().default(sql`0`),
});

/** A closed period's end in the chain: its head, and the hash of all balances at that point. */
export const seal = pgTable("seal", {
  period: date().primaryKey(),
  chainNo: bigint("chain_no", { mode: "bigint" }).notNull(),
  hash: text().notNull(),
  trialBalanceHash: text("trial_balance_hash").notNull(),
  sealedAt: moment("sealed_at").notNull().defaultNow(),
});

/** What every account held at a seal, so that later balances need only what came after. */
export const balanceSnapshot = pgTable(
  "balance_snapshot",
  {
    chainNo: bigint("chain_no", { mode: "bigint" }).notNull(),
    accountNo: integer("account_no")
      .notNull()
      .references(() => ledgerAccount.accountNo),
    currency: text().notNull(),
    balanceNanos: nanos("balance_nanos").notNull(),
  },
  (t) => [primaryKey({ columns: [t.chainNo, t.accountNo, t.currency] })],
);
