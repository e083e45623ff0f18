import { randomBytes } from "node:crypto";
import type Stripe from "stripe";
import { invalidRequest, refused } from "../errors.ts";
import { only, requiredText } from "../form.ts";
import type { Answer, Call } from "../routes.ts";

const LIFE_SECONDS = 300;

/** A link of its own each time. It leads nowhere: /_simulator/accounts says what came of the onboarding. */
export function createAccountLink({ state, form }: Call): Answer {
  only(form, "account", "type", "refresh_url", "return_url", "collect", "collection_options");
  const account = requiredText(form, "account");
  const type = requiredText(form, "type");
  if (type !== "account_onboarding" && type !== "account_update")
    throw invalidRequest(
      undefined,
      "Invalid type: must be one of account_onboarding or account_update",
      "type",
    );
  requiredText(form, "refresh_url");
  requiredText(form, "return_url");
  if (state.account(account) === undefined)
    throw refused("resource_missing", `No such account: '${account}'`, "account");
  const created = state.now();
  const url = `https://connect.stripe.com/setup/e/${account}/${randomBytes(9).toString("base64url")}`;
  const link: Stripe.AccountLink = {
    object: "account_link",
    created,
    expires_at: created + LIFE_SECONDS,
    url,
  };
  return { body: link };
}
