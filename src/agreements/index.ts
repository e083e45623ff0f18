export { endRoyaltyTerms, withdrawRoyaltyTerms } from "./end-royalty-terms.ts";
export { changeUnderTerms } from "./register-models.ts";
export {
  acceptRoyaltyTerms,
  listRoyaltyAcceptances,
  type RoyaltyAcceptance,
} from "./royalty-acceptances.ts";
export {
  listRoyaltyTerms,
  offerRoyaltyTerms,
  type RoyaltyPercent,
  type RoyaltyTerms,
  TERMS_STATES,
} from "./royalty-terms.ts";
export {
  answerProposal,
  listProposals,
  PROPOSAL_STATES,
  proposeShares,
  type Share,
  type ShareProposal,
  withdrawProposal,
} from "./share-proposals.ts";
