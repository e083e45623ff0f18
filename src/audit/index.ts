import type { SealExport } from "../ledger/index.ts";
import type { Sql } from "../postgres/index.ts";
import type { Check } from "./check.ts";
import { bothSidesAgree, linesFromWindows, partsFromSplit } from "./checks/accruals-from-windows.ts";
import {
  plansNamed,
  ratesFromVersions,
  splitsFromPolicies,
  unitPrices,
  versionsFollow,
} from "./checks/catalogue.ts";
import { chainHashes, everythingChained, sealsFromChain, sealsKept } from "./checks/chain.ts";
import { eventContents } from "./checks/event-contents.ts";
import { countersMatch, identitiesAreMetered } from "./checks/identities.ts";
import { accruingFromParts, balancesFromPostings, entriesBalance } from "./checks/ledger.ts";
import {
  attemptsOfPayouts,
  inTransitFromPayouts,
  payoutsFromPlan,
  reconciliationHashes,
  reversalsBooked,
} from "./checks/payouts.ts";
import { flowsPermitted, periodsInOrder, planHashes } from "./checks/settlements.ts";
import { statementHashes, statementsFromBooks } from "./checks/statements.ts";
import { extentsFromEvents, termsInForce } from "./checks/terms-in-force.ts";
import {
  customerWindowsFromEvents,
  unchargedFromEvents,
  windowsFromEvents,
} from "./checks/windows-from-events.ts";

/** In the order of the flow: the first broken law is nearest to the cause. */
const CHECKS: readonly Check[] = [
  unitPrices,
  versionsFollow,
  plansNamed,
  splitsFromPolicies,
  ratesFromVersions,
  identitiesAreMetered,
  eventContents,
  countersMatch,
  termsInForce,
  extentsFromEvents,
  windowsFromEvents,
  customerWindowsFromEvents,
  unchargedFromEvents,
  bothSidesAgree,
  linesFromWindows,
  partsFromSplit,
  flowsPermitted,
  entriesBalance,
  balancesFromPostings,
  accruingFromParts,
  periodsInOrder,
  statementHashes,
  statementsFromBooks,
  planHashes,
  payoutsFromPlan,
  attemptsOfPayouts,
  reversalsBooked,
  reconciliationHashes,
  inTransitFromPayouts,
  chainHashes,
  everythingChained,
  sealsFromChain,
];

export interface CheckResult {
  law: string;
  differences: string[];
}

/**
 * Computes the stored figures anew from the facts below them, law by law. Reads only; meant for a quiet moment.
 * @param kept what `seal:export` gave earlier: then it must still be true.
 */
export async function runChecks(sql: Sql, kept?: SealExport): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const checks = kept === undefined ? CHECKS : [...CHECKS, sealsKept(kept)];
  for (const { law, find } of checks) results.push({ law, differences: await find(sql) });
  return results;
}
