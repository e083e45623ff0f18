export {
  answerProposal,
  listProposals,
  PROPOSAL_STATES,
  proposeShares,
  type Share,
  type ShareProposal,
  withdrawProposal,
} from "./share-proposals.ts";
