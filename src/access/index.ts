export {
  type AuditEntry,
  type AuditFilter,
  appendAudit,
  findAudit,
  type ListedAuditEntry,
  listAudit,
  type NewAuditEntry,
} from "./audit-log.ts";
export { bodyInAudit, namesSecret, shownInAudit } from "./audit-values.ts";
export { loginMail, requestLoginLink, useLoginLink } from "./login-links.ts";
export {
  beginOidc,
  finishOidc,
  type IdentityProvider,
  IdentityProviderFailed,
  type OidcSecrets,
} from "./oidc.ts";
export { DUTIES, type Duty, ROLES, type Role, SCOPES, type Scope } from "./roles.ts";
export {
  findSession,
  listSessions,
  type OpenSession,
  openSession,
  revokeSession,
  type SessionOwner,
  type SessionPrincipal,
  type SessionView,
} from "./sessions.ts";
export {
  asOtherUser,
  disableUser,
  listUsers,
  type OtherRole,
  otherRolesOf,
  putUser,
  type UserRole,
  type UserTerms,
  type UserView,
} from "./users.ts";
