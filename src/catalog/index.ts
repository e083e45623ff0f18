export { type Catalog, lineageAt, type Payee, splitPlanAt, versionAt } from "./catalog.ts";
export { type CatalogStore, type ChangeMaker, openCatalogStore } from "./catalog-store.ts";
export { type DerivedCatalogue, derivedCatalogue } from "./derived-catalogue.ts";
export {
  CatalogDocument,
  CustomerTerms,
  Id,
  Legal,
  ModelId,
  ModelTerms,
  PayeeTerms,
  PolicyDocument,
  PriceDocument,
  Time,
} from "./documents.ts";
export { type Draft, modelsOfDraft, type Resplit, resplitsOf, withDraft } from "./draft.ts";
export {
  correctLegal,
  type LegalCorrection,
  type LegalDetails,
  legalCorrections,
  legalDetailsOf,
} from "./legal-details.ts";
