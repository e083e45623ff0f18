export {
  balanceAsOf,
  exportSeals,
  extendChain,
  type SealExport,
  sealClosedPeriods,
  sealPeriod,
} from "./seal.ts";
