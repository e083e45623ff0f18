export {
  computeOracle,
  type Oracle,
  type OracleLine,
  type OracleOptions,
  type OraclePart,
} from "./oracle.ts";
export type { OracleCatalog, OracleEvent, OraclePrice, OracleStep } from "./shapes.ts";
export { type ExactPart, effectiveChain, type Level, payeesOf, splitExactly } from "./waterfall.ts";
