import type Stripe from "stripe";
import { missing } from "../errors.ts";
import { type Form, mergeMetadata, only, text } from "../form.ts";
import type { Answer, Call } from "../routes.ts";
import { LIST_PARAMETERS, listOf } from "./lists.ts";

const FIELDS = ["name", "email", "description", "phone", "metadata"] as const;

export function createCustomer({ state, form }: Call): Answer {
  only(form, ...FIELDS);
  const customer: Stripe.Customer = {
    id: state.nextId("cus"),
    object: "customer",
    address: null,
    balance: 0,
    created: state.now(),
    currency: null,
    default_source: null,
    delinquent: false,
    discount: null,
    invoice_prefix: state.nextId("PRE").slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    next_invoice_sequence: 1,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
    ...told(form),
    metadata: mergeMetadata(form),
  };
  return { body: customer, change: { put: [{ kind: "customer", object: customer }] } };
}

function told(form: Form) {
  const of = (name: string) => text(form, name) ?? null;
  return { name: of("name"), email: of("email"), description: of("description"), phone: of("phone") };
}

/** @throws StripeProblem resource_missing */
export function customerOf({ state, id }: Pick<Call, "state" | "id">): Stripe.Customer {
  const customer = state.objects.customer.get(id);
  if (customer === undefined) throw missing("customer", id);
  return customer;
}

export function retrieveCustomer(call: Call): Answer {
  only(call.form);
  return { body: customerOf(call) };
}

export function updateCustomer(call: Call): Answer {
  const { form } = call;
  only(form, ...FIELDS);
  const customer = customerOf(call);
  const given = Object.fromEntries(Object.entries(told(form)).filter(([name]) => form[name] !== undefined));
  const updated = { ...customer, ...given, metadata: mergeMetadata(form, customer.metadata) };
  return { body: updated, change: { put: [{ kind: "customer", object: updated }] } };
}

export function listCustomers({ state, form }: Call): Answer {
  only(form, ...LIST_PARAMETERS, "created", "email");
  const email = text(form, "email");
  const matching = [...state.objects.customer.values()].filter(
    (customer) => email === undefined || customer.email === email,
  );
  return { body: listOf("/v1/customers", matching, form) };
}
