import type Stripe from "stripe";
import { invalidRequest, StripeProblem } from "../errors.ts";
import { type Form, group, mergeMetadata, only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

export const ACCOUNT_STATUSES = ["active", "inactive", "pending"] as const;
type Status = (typeof ACCOUNT_STATUSES)[number];

const DUE_AT_FIRST = ["external_account", "tos_acceptance.date", "tos_acceptance.ip"];

/** An account that asks for transfers can receive them at once, unless metadata says simulator_onboarding=pending. */
export function createAccount({ state, form }: Call): Answer {
  only(
    form,
    "type",
    "country",
    "email",
    "controller",
    "capabilities",
    "metadata",
    "business_type",
    "default_currency",
  );
  const country = text(form, "country") ?? "US";
  if (!/^[A-Z]{2}$/.test(country))
    throw invalidRequest("country_unsupported", `${country} is not currently supported by Stripe`, "country");
  const metadata = mergeMetadata(form);
  const id = state.nextId("acct");
  const created: Stripe.Account = {
    id,
    object: "account",
    business_type: text(form, "business_type") ?? null,
    capabilities: {},
    charges_enabled: false,
    controller: controllerOf(form),
    country,
    created: state.now(),
    default_currency: text(form, "default_currency") ?? "usd",
    details_submitted: false,
    email: text(form, "email") ?? null,
    external_accounts: {
      object: "list",
      data: [],
      has_more: false,
      url: `/v1/accounts/${id}/external_accounts`,
    },
    future_requirements: requirementsOf([], null),
    metadata,
    payouts_enabled: false,
    requirements: requirementsOf(DUE_AT_FIRST, "requirements.past_due"),
    type: text(form, "type") ?? "none",
  };
  const account = requestTransfers(created, form);
  return { body: account, change: { put: [{ kind: "account", object: account }] } };
}

function controllerOf(form: Form): Stripe.Account.Controller {
  const given = group(form, "controller");
  return {
    type: "application",
    is_controller: true,
    fees: { payer: text(group(given, "fees"), "payer") ?? "application" },
    losses: { payments: text(group(given, "losses"), "payments") ?? "application" },
    requirement_collection: text(given, "requirement_collection") ?? "stripe",
    stripe_dashboard: { type: text(group(given, "stripe_dashboard"), "type") ?? "express" },
  };
}

function requestTransfers(account: Stripe.Account, form: Form): Stripe.Account {
  const transfers = group(group(form, "capabilities"), "transfers");
  if (text(transfers, "requested") !== "true" || account.capabilities?.transfers !== undefined)
    return account;
  const isPending = account.metadata?.simulator_onboarding === "pending";
  return isPending ? changeAccount(account, "inactive", DUE_AT_FIRST) : changeAccount(account, "active");
}

/** What Stripe's review, or the creator at Stripe's form, would change. What is not named stays; `active` clears what was due. */
export function changeAccount(
  account: Stripe.Account,
  transfers?: Status,
  currentlyDue?: string[],
): Stripe.Account {
  const status = transfers ?? account.capabilities?.transfers;
  const isActive = status === "active";
  const due = currentlyDue ?? (isActive ? [] : (account.requirements?.currently_due ?? []));
  const unmet = due.length > 0 ? "requirements.past_due" : null;
  const reason = status === "pending" ? "requirements.pending_verification" : "under_review";
  return {
    ...account,
    capabilities: { ...account.capabilities, ...(status === undefined ? {} : { transfers: status }) },
    details_submitted: isActive || account.details_submitted,
    payouts_enabled: isActive,
    requirements: requirementsOf(due, unmet ?? (isActive ? null : reason)),
  };
}

function requirementsOf(
  due: string[],
  disabledReason: Stripe.Account.Requirements["disabled_reason"],
): Stripe.Account.Requirements {
  return {
    alternatives: [],
    current_deadline: null,
    currently_due: due,
    disabled_reason: disabledReason,
    errors: [],
    eventually_due: due,
    past_due: due,
    pending_verification: [],
  };
}

export function retrieveAccount({ state, id, form }: Call): Answer {
  only(form);
  return { body: state.account(id) ?? noAccess(id) };
}

export function updateAccount({ state, id, form }: Call): Answer {
  only(form, "metadata", "email", "capabilities");
  const account = state.account(id) ?? noAccess(id);
  const metadata = mergeMetadata(form, account.metadata);
  const updated = requestTransfers(
    { ...account, metadata, email: text(form, "email") ?? account.email },
    form,
  );
  return { body: updated, change: { put: [{ kind: "account", object: updated }] } };
}

export function listAccounts({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created");
  const open = [...state.objects.account.values()].filter(({ id }) => state.account(id) !== undefined);
  return { body: listOf("/v1/accounts", open, form) };
}

/** Stripe does not tell an account that never was from one that is closed or belongs to another platform. */
function noAccess(id: string): never {
  const message = `The provided key does not have access to account '${id}' (or that account does not exist). Application access may have been revoked.`;
  throw new StripeProblem(403, "invalid_request_error", "account_invalid", message);
}
