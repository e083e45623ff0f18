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
