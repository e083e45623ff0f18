import { z } from "zod";
import { ROLES, SCOPES } from "../keys/principal.ts";
import { defineRoute, type Route } from "../route.ts";

const getCurrentSession = defineRoute({
  method: "get",
  path: "/sessions/current",
  summary: "Who calls: the role, and what it is bound to",
  roles: ROLES,
  response: z
    .object({
      role: z.enum(ROLES),
      payee: z.string().nullable(),
      customer: z.string().nullable(),
      scope: z.enum(SCOPES),
      name: z.string().nullable(),
      expires_at: z.string().nullable(),
    })
    .meta({ id: "Session" }),
  async handle({ principal: { role, payee, customer, scope } }) {
    return { body: { role, payee, customer, scope, name: null, expires_at: null } };
  },
});

export const currentSessionRoutes: Route[] = [getCurrentSession];
