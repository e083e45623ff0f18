import { z } from "zod";
import { Refusal } from "../../kernel/index.ts";
import {
  isToBeCompleted,
  ONBOARDING_STATES,
  onboardingOf,
  openAccount,
  recordAccount,
} from "../../payouts/index.ts";
import { listBankPayouts } from "../../provider-events/index.ts";
import type { AppContext } from "../context.ts";
import { defineRoute, type Route } from "../route.ts";
import { MomentCursor, Money, momentCursor, PageQuery, page, pageOf } from "../schemas.ts";
import { PayeePath, visiblePayee } from "./payees.ts";

const readers = ["operator", "payee"] as const;

const OnboardingView = z
  .object({
    state: z.enum(ONBOARDING_STATES),
    message: z.string().meta({ description: "What to do." }),
    account: z.string().nullable(),
    missing: z.array(z.string()).meta({ description: "What Stripe still asks for, by its names." }),
    missing_by: z.string().nullable(),
    as_of: z.string(),
  })
  .meta({ id: "Onboarding" });

/** Stripe is asked, and what it says is kept for the next plan. @throws ProviderUnavailable */
async function askOnboarding(
  { sql, provider }: AppContext,
  account: string | null,
): Promise<z.infer<typeof OnboardingView>> {
  const asOf = new Date();
  const status = account === null ? null : await provider.accountStatus(account);
  if (status !== null) await recordAccount(sql, status, asOf);
  const { state, message, missing, missingBy } = onboardingOf(status);
  return {
    state,
    message,
    account,
    missing,
    missing_by: missingBy?.toISOString() ?? null,
    as_of: asOf.toISOString(),
  };
}

const getOnboarding = defineRoute({
  method: "get",
  path: "/payees/{id}/onboarding",
  asOwner: true,
  summary: "How far a payee is with its payout account, as Stripe says now, and what to do",
  roles: readers,
  params: PayeePath,
  response: OnboardingView,
  async handle({ params, principal, context }) {
    const { stripeAccount } = await visiblePayee(context, principal, params.id);
    return { body: await askOnboarding(context, stripeAccount) };
  },
});

const postOnboardingLink = defineRoute({
  method: "post",
  path: "/payees/{id}/onboarding-links",
  summary: "A fresh, single-use Stripe Connect onboarding link, while there is something to complete",
  roles: readers,
  params: PayeePath,
  status: 201,
  response: z.object({ url: z.string(), expires_at: z.string() }),
  async handle({ params, principal, context }) {
    const payee = await visiblePayee(context, principal, params.id);
    const by = principal.id;
    const account = payee.stripeAccount ?? (await connect(context, params.id, payee.country, by));
    const status = await context.provider.accountStatus(account);
    if (status.closed)
      throw new Refusal(
        "stripe_account_invalid",
        `${account} is closed, or no longer connected: ask an operator to connect another one`,
      );
    const onboarding = onboardingOf(status);
    if (payee.stripeAccount !== null && !isToBeCompleted(onboarding))
      throw new Refusal("onboarding_complete", `${account} needs no onboarding link. ${onboarding.message}`);
    const back = `${context.publicUrl}/dashboard/profile`;
    const link = await context.provider.onboardingLink(account, {
      returnUrl: back,
      refreshUrl: back,
    });
    return { body: { url: link.url, expires_at: link.expiresAt.toISOString() } };
  },
});

async function connect(
  { sql, provider, catalog }: AppContext,
  payee: string,
  country: string,
  by: string,
): Promise<string> {
  const { account } = await openAccount(sql, provider, payee, country);
  await catalog.change({ accounts: [{ payee, stripe_account: account }] }, { by, opened: true });
  return account;
}

const listAccountPayouts = defineRoute({
  method: "get",
  path: "/payees/{id}/bank-payouts",
  summary: "What Stripe sent on to the payee's bank, newest first, as its webhooks told",
  roles: readers,
  params: PayeePath,
  query: PageQuery.extend({ cursor: MomentCursor }),
  response: pageOf(
    z.object({
      id: z.string(),
      amount: Money,
      status: z.string(),
      failure: z.string().nullable(),
      created_at: z.string(),
      updated_at: z.string(),
    }),
  ),
  async handle({ params, query, principal, context }) {
    const { stripeAccount } = await visiblePayee(context, principal, params.id);
    const asked = { limit: query.limit + 1, before: query.cursor };
    const payouts = stripeAccount === null ? [] : await listBankPayouts(context.sql, stripeAccount, asked);
    const listed = page(payouts, query.limit, momentCursor);
    const data = listed.data.map(({ id, amount, status, failure, createdAt, updatedAt }) => ({
      id,
      amount,
      status,
      failure,
      created_at: createdAt.toISOString(),
      updated_at: updatedAt.toISOString(),
    }));
    return { body: { data, next_cursor: listed.next_cursor } };
  },
});

export const onboardingRoutes: Route[] = [getOnboarding, postOnboardingLink, listAccountPayouts];
