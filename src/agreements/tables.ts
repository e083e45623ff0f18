import { integer, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

const moment = (name: string) => timestamp(name, { withTimezone: true, mode: "string" });

/** How an owner would share a model's income from a date on. Once everybody named has accepted, it is a revenue policy. */
export const shareProposal = pgTable("share_proposal", {
  id: text().primaryKey(),
  model: text().notNull(),
  proposedBy: text("proposed_by").notNull(),
  effectiveFrom: moment("effective_from").notNull(),
  /** Everybody who sees it: the payees named. */
  parties: text().array().notNull(),
  /** open, accepted, declined, withdrawn, lapsed. */
  state: text().notNull(),
  /** Why it came to nothing. */
  reason: text(),
  createdAt: moment("created_at").notNull().defaultNow(),
  decidedAt: moment("decided_at"),
});

/** A payee named in a proposal, and what it said. */
export const shareProposalParty = pgTable(
  "share_proposal_party",
  {
    proposal: text()
      .notNull()
      .references(() => shareProposal.id),
    payee: text().notNull(),
    weight: integer().notNull(),
    /** accepted, declined; null while it has not said. */
    answer: text(),
    answeredBy: text("answered_by"),
    answeredAt: moment("answered_at"),
  },
  (t) => [primaryKey({ columns: [t.proposal, t.payee] })],
);
