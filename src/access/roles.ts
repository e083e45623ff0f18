export const ROLES = ["operator", "ingest", "payee", "customer"] as const;
export type Role = (typeof ROLES)[number];

/** read: GET only; write: everything that its role may do. */
export const SCOPES = ["read", "write"] as const;
export type Scope = (typeof SCOPES)[number];

/** What a person may do within its role. */
export const DUTIES = ["maker", "approver", "support", "owner", "viewer"] as const;
export type Duty = (typeof DUTIES)[number];
