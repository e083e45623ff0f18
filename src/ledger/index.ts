export {
  balanceAsOf,
  exportSeals,
  extendChain,
  type SealExport,
  sealClosedPeriods,
  sealPeriod,
  trialBalanceAsOf,
} from "./seal.ts";
