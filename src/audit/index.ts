import type { SealExport } from "../ledger/index.ts";
import { isUnavailable, type Sql } from "../postgres/index.ts";
import { customerMoneyAsAsked, moneyWasOwed } from "./adjustments/customer-money.ts";
import { correctionsAsBooked, disputeEntries, disputesAsBooked } from "./adjustments/disputes.ts";
import {
  adjustmentEntries,
  adjustmentsAsBooked,
  cellsWereCharged,
  invoicesNotOverCredited,
} from "./adjustments/entries.ts";
import { partsFromHistories } from "./adjustments/parts.ts";
import { pushesFromRefunds, pushesOfRefunds } from "./adjustments/refund-pushes.ts";
import { acceptancesSealed, registrationsCarried, termsEndedOnce } from "./agreements/royalties.ts";
import { sharesAsAgreed } from "./agreements/share-proposals.ts";
import {
  creditBalances,
  creditsUsed,
  expiriesBooked,
  grantsBooked,
  revocationsBooked,
} from "./billing/credits.ts";
import { heldSharesFromParts, holdEntries, paymentsBooked, releasesFromPayments } from "./billing/holds.ts";
import { invoiceRuns, invoicesAddUp, invoicesFromBills, invoicesFromWindows } from "./billing/invoices.ts";
import { nettingEntries, nettingsFromUsage } from "./billing/netting.ts";
import { billingCustomers, pushesOfInvoices, pushesOfPayments } from "./billing/pushes.ts";
import { reservationsSettled, spendAccounts, spendFromUsage } from "./billing/spend.ts";
import type { Check } from "./check.ts";
import { bothSidesAgree, linesFromWindows, partsFromSplit } from "./checks/accruals-from-windows.ts";
import { auditLogChained } from "./checks/audit-log.ts";
import { chainsFromEvents, groupsFromEvents, otherMetersFromEvents } from "./checks/blocks.ts";
import { accrualEntries, billingEntries, receivablesFromGross, releaseEntries } from "./checks/bookings.ts";
import {
  namesOfCatalogue,
  plansNamed,
  ratesFromVersions,
  singleRows,
  splitsFromPolicies,
  unitPrices,
  versionsFollow,
} from "./checks/catalogue.ts";
import { chainHashes, everythingChained, sealsFromChain, sealsKept } from "./checks/chain.ts";
import { eventContents } from "./checks/event-contents.ts";
import { countersMatch, floorFromBlocks, identitiesAreMetered } from "./checks/identities.ts";
import {
  accruingFromParts,
  balancesFromPostings,
  entriesBalance,
  movementsStayWithPayee,
  nothingBookedByHand,
} from "./checks/ledger.ts";
import {
  accountsOfPayees,
  attemptsFromPayouts,
  attemptsOfPayouts,
  inTransitFromPayouts,
  payoutEntries,
  payoutsFromPlan,
  reconciliationHashes,
  reversalsBooked,
} from "./checks/payouts.ts";
import { flowsPermitted, periodsInOrder, planHashes, settlementsInOrder } from "./checks/settlements.ts";
import { statementHashes, statementsFromBooks, statementsFromParts } from "./checks/statements.ts";
import {
  extentsEndWithEvents,
  extentsFromEvents,
  periodsFromCuts,
  termsInForce,
  versionsOfTheirModels,
} from "./checks/terms-in-force.ts";
import { partitionsFromRecords, recordsAreMetered } from "./checks/usage-log.ts";
import {
  customerWindowsFromEvents,
  hardwareFromEvents,
  otherWindowsFromBlocks,
  unchargedFromEvents,
  windowColumnsFromEvents,
  windowsFromEvents,
} from "./checks/windows-from-events.ts";
import { conversionEntries, conversionsFromPlan } from "./settlement/conversions.ts";
import { heldFromHoldsAndReserves, reserveEntries, reservesFromRules } from "./settlement/reserves.ts";

/** In the order of the flow: the first broken law is nearest to the cause. */
const CHECKS: readonly Check[] = [
  singleRows,
  namesOfCatalogue,
  unitPrices,
  versionsFollow,
  plansNamed,
  splitsFromPolicies,
  ratesFromVersions,
  sharesAsAgreed,
  acceptancesSealed,
  termsEndedOnce,
  registrationsCarried,
  partitionsFromRecords,
  recordsAreMetered,
  identitiesAreMetered,
  eventContents,
  countersMatch,
  floorFromBlocks,
  groupsFromEvents,
  otherMetersFromEvents,
  chainsFromEvents,
  termsInForce,
  versionsOfTheirModels,
  periodsFromCuts,
  extentsFromEvents,
  extentsEndWithEvents,
  windowsFromEvents,
  windowColumnsFromEvents,
  otherWindowsFromBlocks,
  customerWindowsFromEvents,
  unchargedFromEvents,
  hardwareFromEvents,
  bothSidesAgree,
  linesFromWindows,
  receivablesFromGross,
  partsFromSplit,
  flowsPermitted,
  entriesBalance,
  balancesFromPostings,
  nothingBookedByHand,
  movementsStayWithPayee,
  accrualEntries,
  releaseEntries,
  billingEntries,
  nettingsFromUsage,
  nettingEntries,
  accruingFromParts,
  periodsInOrder,
  settlementsInOrder,
  statementHashes,
  statementsFromBooks,
  statementsFromParts,
  planHashes,
  payoutsFromPlan,
  accountsOfPayees,
  attemptsOfPayouts,
  attemptsFromPayouts,
  payoutEntries,
  reversalsBooked,
  reconciliationHashes,
  inTransitFromPayouts,
  invoicesFromWindows,
  invoicesAddUp,
  invoicesFromBills,
  invoiceRuns,
  billingCustomers,
  pushesOfInvoices,
  pushesOfPayments,
  heldSharesFromParts,
  holdEntries,
  paymentsBooked,
  releasesFromPayments,
  reservesFromRules,
  reserveEntries,
  heldFromHoldsAndReserves,
  conversionsFromPlan,
  conversionEntries,
  grantsBooked,
  creditsUsed,
  expiriesBooked,
  revocationsBooked,
  creditBalances,
  spendFromUsage,
  spendAccounts,
  reservationsSettled,
  cellsWereCharged,
  partsFromHistories,
  adjustmentEntries,
  adjustmentsAsBooked,
  customerMoneyAsAsked,
  moneyWasOwed,
  invoicesNotOverCredited,
  pushesFromRefunds,
  pushesOfRefunds,
  disputeEntries,
  disputesAsBooked,
  correctionsAsBooked,
  chainHashes,
  everythingChained,
  sealsFromChain,
  auditLogChained,
];

export interface CheckResult {
  law: string;
  differences: string[];
}

/**
 * Computes the stored figures anew from the facts below them, law by law. Reads only; meant for a quiet moment.
 * @param kept what `seal:export` gave earlier: then it must still be true.
 * @param first laws that are asked before the others: by who knows where to look.
 */
export async function* checkInOrder(
  sql: Sql,
  kept?: SealExport,
  first: readonly string[] = [],
): AsyncGenerator<CheckResult> {
  const rank = ({ law }: Check) => (first.includes(law) ? first.indexOf(law) : first.length);
  const all = kept === undefined ? CHECKS : [...CHECKS, sealsKept(kept)];
  const checks = all.toSorted((a, b) => rank(a) - rank(b));
  for (const check of checks) yield { law: check.law, differences: await findDifferences(check, sql) };
}

/** All of checkInOrder(). */
export async function runChecks(sql: Sql, kept?: SealExport): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for await (const result of checkInOrder(sql, kept)) results.push(result);
  return results;
}

/** A row that was tampered with may be one that cannot even be read: that is a finding, and the other laws are still asked. */
async function findDifferences({ find }: Check, sql: Sql): Promise<string[]> {
  try {
    return await find(sql);
  } catch (error) {
    if (isUnavailable(error)) throw error;
    return [`cannot be computed: ${error instanceof Error ? error.message : String(error)}`];
  }
}
