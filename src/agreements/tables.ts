import { integer, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { moment } from "../postgres/index.ts";

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
  /** The revenue policy that says so, once it is accepted. */
  policyNo: integer("policy_no"),
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

/**
 * What a model's owner asks of those who make models from it, from a moment on. Never changed: the next terms are other ones,
 * for those who come then.
 */
export const royaltyTerms = pgTable(
  "royalty_terms",
  {
    id: text().primaryKey(),
    model: text().notNull(),
    offeredBy: text("offered_by").notNull(),
    /** Of what the fine-tune earns, as a policy's royalty step has it. */
    percent: text().notNull(),
    of: text().notNull(),
    wording: text().notNull(),
    effectiveFrom: moment("effective_from").notNull(),
    offeredAt: moment("offered_at").notNull().defaultNow(),
  },
  (t) => [unique().on(t.model, t.effectiveFrom)],
);

/** That a payee accepted terms for a model of its own. Never changed; its hash is over what was accepted, too. */
export const royaltyAcceptance = pgTable(
  "royalty_acceptance",
  {
    id: text().primaryKey(),
    terms: text()
      .notNull()
      .references(() => royaltyTerms.id),
    model: text().notNull(),
    payee: text().notNull(),
    /** Whose terms they are, so that both see it. */
    offeredBy: text("offered_by").notNull(),
    /** payee, or operator in its name. */
    acceptedAs: text("accepted_as").notNull(),
    acceptedBy: text("accepted_by").notNull(),
    acceptedAt: moment("accepted_at").notNull(),
    hash: text().notNull(),
  },
  (t) => [unique().on(t.model, t.payee, t.terms)],
);

/** The policy that came of an acceptance, when the model was registered. */
export const royaltyRegistration = pgTable("royalty_registration", {
  acceptance: text()
    .primaryKey()
    .references(() => royaltyAcceptance.id),
  policyNo: integer("policy_no").notNull(),
});
