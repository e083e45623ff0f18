export type { Catalog, Payee } from "./catalog.ts";
export { type CatalogStore, openCatalogStore } from "./catalog-store.ts";
export {
  CatalogDocument,
  CustomerTerms,
  Id,
  ModelId,
  ModelTerms,
  PayeeTerms,
  PolicyDocument,
  PriceDocument,
  Time,
} from "./documents.ts";
