CREATE TABLE "app_user" (
	"id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"name" text,
	"role" text NOT NULL,
	"payee" text,
	"customer" text,
	"duties" text[] NOT NULL,
	"notices" boolean DEFAULT true NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" text NOT NULL,
	"disabled_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "audit_entry" (
	"entry_no" bigint PRIMARY KEY NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"principal" text NOT NULL,
	"role" text NOT NULL,
	"session" text,
	"request_id" text NOT NULL,
	"route" text NOT NULL,
	"target" text NOT NULL,
	"status" integer NOT NULL,
	"code" text,
	"before" jsonb,
	"asked" jsonb,
	"after" jsonb,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_head" (
	"singleton" integer PRIMARY KEY NOT NULL,
	"entry_no" bigint NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "login_link" (
	"id" text PRIMARY KEY NOT NULL,
	"app_user" text NOT NULL,
	"token_hash" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"used_at" timestamp with time zone,
	CONSTRAINT "login_link_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "oidc_attempt" (
	"state_hash" text PRIMARY KEY NOT NULL,
	"browser_hash" text NOT NULL,
	"nonce" text NOT NULL,
	"code_verifier" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "session" (
	"id" text PRIMARY KEY NOT NULL,
	"token_hash" text NOT NULL,
	"api_key" text,
	"app_user" text,
	"operator_proof" text,
	"proven_email" text,
	"user_agent" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "session_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "adjustment" (
	"adjustment_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "adjustment_adjustment_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"id" text NOT NULL,
	"reference" text NOT NULL,
	"kind" text NOT NULL,
	"currency" text NOT NULL,
	"corrects" date,
	"invoice_id" text,
	"gross" numeric NOT NULL,
	"credited_nanos" numeric(38, 0) NOT NULL,
	"returned_nanos" numeric(38, 0) NOT NULL,
	"reverses" bigint,
	"asked" jsonb NOT NULL,
	"reason" text NOT NULL,
	"made_by" text NOT NULL,
	"made_at" timestamp with time zone NOT NULL,
	CONSTRAINT "adjustment_id_unique" UNIQUE("id"),
	CONSTRAINT "adjustment_reference_unique" UNIQUE("reference")
);
--> statement-breakpoint
CREATE TABLE "adjustment_cell" (
	"adjustment_no" bigint NOT NULL,
	"customer_no" integer NOT NULL,
	"booked_period" date NOT NULL,
	"service_month" date NOT NULL,
	"model_no" integer NOT NULL,
	"meter_no" smallint NOT NULL,
	"price_no" integer NOT NULL,
	"split_plan_no" integer NOT NULL,
	"refunded" numeric NOT NULL,
	"rerated" numeric NOT NULL,
	CONSTRAINT "adjustment_cell_adjustment_no_customer_no_service_month_model_no_meter_no_price_no_split_plan_no_pk" PRIMARY KEY("adjustment_no","customer_no","service_month","model_no","meter_no","price_no","split_plan_no")
);
--> statement-breakpoint
CREATE TABLE "adjustment_held" (
	"adjustment_no" bigint NOT NULL,
	"payee" text NOT NULL,
	"round" integer NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "adjustment_held_adjustment_no_payee_pk" PRIMARY KEY("adjustment_no","payee")
);
--> statement-breakpoint
CREATE TABLE "adjustment_movement" (
	"adjustment_no" bigint NOT NULL,
	"account" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "adjustment_movement_adjustment_no_account_pk" PRIMARY KEY("adjustment_no","account")
);
--> statement-breakpoint
CREATE TABLE "adjustment_part" (
	"adjustment_no" bigint NOT NULL,
	"booked_period" date NOT NULL,
	"service_month" date NOT NULL,
	"model_no" integer NOT NULL,
	"split_plan_no" integer NOT NULL,
	"payee" text,
	"reason" text NOT NULL,
	"paid_by" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL
);
--> statement-breakpoint
CREATE TABLE "correction" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"currency" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"draft_hash" text NOT NULL,
	"limit_nanos" numeric(38, 0),
	"asked" jsonb NOT NULL,
	"reason" text NOT NULL,
	"proposed_by" text NOT NULL,
	"proposed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"approved_by" text,
	"approved_at" timestamp with time zone,
	"withdrawn_by" text,
	"withdrawn_at" timestamp with time zone,
	"withdrawn_reason" text,
	"adjustment_no" bigint,
	CONSTRAINT "correction_adjustment_no_unique" UNIQUE("adjustment_no")
);
--> statement-breakpoint
CREATE TABLE "dispute" (
	"id" text PRIMARY KEY NOT NULL,
	"invoice_id" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"state" text NOT NULL,
	"reason" text NOT NULL,
	"opened_by" text NOT NULL,
	"opened_at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_by" text,
	"decided_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "dispute_hold" (
	"dispute_id" text NOT NULL,
	"payee" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "dispute_hold_dispute_id_payee_pk" PRIMARY KEY("dispute_id","payee")
);
--> statement-breakpoint
CREATE TABLE "reattribution" (
	"adjustment_no" bigint PRIMARY KEY NOT NULL,
	"booked_period" date NOT NULL,
	"model_no" integer NOT NULL,
	"from_payee" text NOT NULL,
	"to_payee" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refund_policy" (
	"from_period" date PRIMARY KEY NOT NULL,
	"fee" text NOT NULL,
	"provider_fee" text NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refund_push" (
	"adjustment_no" bigint NOT NULL,
	"means" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"state" text NOT NULL,
	"attempt" integer NOT NULL,
	"provider_id" text,
	"reason" text,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "refund_push_adjustment_no_means_pk" PRIMARY KEY("adjustment_no","means")
);
--> statement-breakpoint
CREATE TABLE "refund_push_attempt" (
	"adjustment_no" bigint NOT NULL,
	"means" text NOT NULL,
	"attempt" integer NOT NULL,
	"idempotency_key" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"missing_since" timestamp with time zone,
	"ended_at" timestamp with time zone,
	"outcome" text,
	"detail" text,
	CONSTRAINT "refund_push_attempt_adjustment_no_means_attempt_pk" PRIMARY KEY("adjustment_no","means","attempt")
);
--> statement-breakpoint
CREATE TABLE "royalty_acceptance" (
	"id" text PRIMARY KEY NOT NULL,
	"terms" text NOT NULL,
	"model" text NOT NULL,
	"payee" text NOT NULL,
	"offered_by" text NOT NULL,
	"accepted_as" text NOT NULL,
	"accepted_by" text NOT NULL,
	"accepted_at" timestamp with time zone NOT NULL,
	"hash" text NOT NULL,
	CONSTRAINT "royalty_acceptance_model_payee_terms_unique" UNIQUE("model","payee","terms")
);
--> statement-breakpoint
CREATE TABLE "royalty_registration" (
	"acceptance" text PRIMARY KEY NOT NULL,
	"policy_no" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "royalty_terms" (
	"id" text PRIMARY KEY NOT NULL,
	"model" text NOT NULL,
	"offered_by" text NOT NULL,
	"percent" text NOT NULL,
	"of" text NOT NULL,
	"wording" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"offered_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "royalty_terms_model_effective_from_unique" UNIQUE("model","effective_from")
);
--> statement-breakpoint
CREATE TABLE "royalty_terms_end" (
	"terms" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"ends_at" timestamp with time zone NOT NULL,
	"noted_by" text NOT NULL,
	"noted_at" timestamp with time zone NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "share_proposal" (
	"id" text PRIMARY KEY NOT NULL,
	"model" text NOT NULL,
	"proposed_by" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"parties" text[] NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp with time zone,
	"policy_no" integer
);
--> statement-breakpoint
CREATE TABLE "share_proposal_party" (
	"proposal" text NOT NULL,
	"payee" text NOT NULL,
	"weight" integer NOT NULL,
	"answer" text,
	"answered_by" text,
	"answered_at" timestamp with time zone,
	CONSTRAINT "share_proposal_party_proposal_payee_pk" PRIMARY KEY("proposal","payee")
);
--> statement-breakpoint
CREATE TABLE "billing_customer" (
	"customer" text NOT NULL,
	"currency" text NOT NULL,
	"attempt" integer NOT NULL,
	"idempotency_key" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"provider_id" text,
	CONSTRAINT "billing_customer_customer_currency_pk" PRIMARY KEY("customer","currency"),
	CONSTRAINT "billing_customer_idempotency_key_unique" UNIQUE("idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "held_share" (
	"period" date NOT NULL,
	"customer" text NOT NULL,
	"currency" text NOT NULL,
	"payee" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "held_share_period_customer_currency_payee_pk" PRIMARY KEY("period","customer","currency","payee")
);
--> statement-breakpoint
CREATE TABLE "invoice" (
	"id" text PRIMARY KEY NOT NULL,
	"period" date NOT NULL,
	"customer" text NOT NULL,
	"currency" text NOT NULL,
	"lines" integer NOT NULL,
	"gross" numeric NOT NULL,
	"carried_in" numeric NOT NULL,
	"netted_nanos" numeric(38, 0) NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"carried_out" numeric NOT NULL,
	CONSTRAINT "invoice_customer_currency_period_unique" UNIQUE("customer","currency","period")
);
--> statement-breakpoint
CREATE TABLE "invoice_line" (
	"invoice_id" text NOT NULL,
	"service_month" date NOT NULL,
	"model_no" integer NOT NULL,
	"meter_no" smallint NOT NULL,
	"price_no" integer NOT NULL,
	"quantity" numeric(38, 0) NOT NULL,
	"events" bigint NOT NULL,
	"gross" numeric NOT NULL,
	CONSTRAINT "invoice_line_invoice_id_service_month_model_no_meter_no_price_no_pk" PRIMARY KEY("invoice_id","service_month","model_no","meter_no","price_no")
);
--> statement-breakpoint
CREATE TABLE "invoice_payment" (
	"invoice_id" text NOT NULL,
	"reference" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"recorded_by" text NOT NULL,
	"paid_at" timestamp with time zone NOT NULL,
	CONSTRAINT "invoice_payment_invoice_id_reference_pk" PRIMARY KEY("invoice_id","reference")
);
--> statement-breakpoint
CREATE TABLE "payment_push" (
	"invoice_id" text NOT NULL,
	"reference" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"state" text NOT NULL,
	"attempt" integer NOT NULL,
	"started_at" timestamp with time zone,
	"provider_id" text,
	"reason" text,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payment_push_invoice_id_reference_pk" PRIMARY KEY("invoice_id","reference")
);
--> statement-breakpoint
CREATE TABLE "invoice_push" (
	"invoice_id" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"attempt" integer NOT NULL,
	"off_nanos" numeric(38, 0) NOT NULL,
	"provider_id" text,
	"reason" text,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "invoice_push_provider_id_unique" UNIQUE("provider_id")
);
--> statement-breakpoint
CREATE TABLE "invoice_push_attempt" (
	"invoice_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"idempotency_key" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"outcome" text,
	"detail" text,
	"ended_at" timestamp with time zone,
	"missing_since" timestamp with time zone,
	CONSTRAINT "invoice_push_attempt_invoice_id_attempt_pk" PRIMARY KEY("invoice_id","attempt"),
	CONSTRAINT "invoice_push_attempt_idempotency_key_unique" UNIQUE("idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "invoice_release" (
	"invoice_id" text NOT NULL,
	"round" integer NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"released_at" timestamp with time zone,
	CONSTRAINT "invoice_release_invoice_id_round_pk" PRIMARY KEY("invoice_id","round")
);
--> statement-breakpoint
CREATE TABLE "invoice_run" (
	"period" date PRIMARY KEY NOT NULL,
	"invoices" integer NOT NULL,
	"made_by" text NOT NULL,
	"made_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "release_rule" (
	"from_period" date PRIMARY KEY NOT NULL,
	"rule" text NOT NULL,
	"hold_days" integer NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "books_state" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"first_open_period" date DEFAULT '0001-01-01' NOT NULL,
	"installation" uuid DEFAULT gen_random_uuid() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "catalog_state" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"version" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "customer" (
	"customer_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "customer_customer_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"id" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "customer_id_unique" UNIQUE("id")
);
--> statement-breakpoint
CREATE TABLE "customer_version" (
	"customer_version_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "customer_version_customer_version_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"customer_no" integer NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"effective_until" timestamp with time zone DEFAULT 'infinity' NOT NULL,
	"currency" text NOT NULL,
	"country" text,
	"payee_no" integer,
	CONSTRAINT "customer_version_customer_no_effective_from_unique" UNIQUE("customer_no","effective_from")
);
--> statement-breakpoint
CREATE TABLE "meter" (
	"meter_no" smallint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "meter_meter_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 32767 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"scale" smallint NOT NULL,
	"built_in" smallint DEFAULT 0 NOT NULL,
	CONSTRAINT "meter_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "model" (
	"model_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "model_model_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"id" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "model_id_unique" UNIQUE("id")
);
--> statement-breakpoint
CREATE TABLE "model_lineage" (
	"model_no" integer NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"payee_no" integer NOT NULL,
	"base_model_no" integer,
	CONSTRAINT "model_lineage_model_no_effective_from_pk" PRIMARY KEY("model_no","effective_from")
);
--> statement-breakpoint
CREATE TABLE "model_version" (
	"model_version_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "model_version_model_version_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"model_no" integer NOT NULL,
	"version" text NOT NULL,
	CONSTRAINT "model_version_model_no_version_unique" UNIQUE("model_no","version")
);
--> statement-breakpoint
CREATE TABLE "payee" (
	"payee_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payee_payee_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"id" text NOT NULL,
	"name" text NOT NULL,
	"country" text NOT NULL,
	"default_currency" text NOT NULL,
	"minimum_payout_nanos" numeric(38, 0),
	"stripe_account" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payee_id_unique" UNIQUE("id")
);
--> statement-breakpoint
CREATE TABLE "payee_account" (
	"payee_account_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payee_account_payee_account_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"payee" text NOT NULL,
	"account" text,
	"changed" boolean NOT NULL,
	"set_by" text,
	"set_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payee_legal" (
	"payee_legal_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payee_legal_payee_legal_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"payee" text NOT NULL,
	"name" text NOT NULL,
	"address" text NOT NULL,
	"tax_id" text,
	"given_at" timestamp with time zone DEFAULT now() NOT NULL,
	"corrects" integer,
	"reason" text,
	"corrected_by" text
);
--> statement-breakpoint
CREATE TABLE "payee_name" (
	"payee_name_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payee_name_payee_name_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"payee" text NOT NULL,
	"name" text NOT NULL,
	"country" text NOT NULL,
	"given_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "price_component" (
	"price_no" integer NOT NULL,
	"meter_no" smallint NOT NULL,
	"amount" text NOT NULL,
	"per" text NOT NULL,
	"unit_amount" numeric NOT NULL,
	"max_per_event" numeric(38, 0),
	CONSTRAINT "price_component_price_no_meter_no_pk" PRIMARY KEY("price_no","meter_no")
);
--> statement-breakpoint
CREATE TABLE "price_version" (
	"price_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "price_version_price_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"model_no" integer NOT NULL,
	"currency" text NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"effective_until" timestamp with time zone DEFAULT 'infinity' NOT NULL,
	"charge_statuses" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "price_version_model_no_currency_effective_from_unique" UNIQUE("model_no","currency","effective_from")
);
--> statement-breakpoint
CREATE TABLE "rate_segment" (
	"model_no" integer NOT NULL,
	"currency" text NOT NULL,
	"since" bigint NOT NULL,
	"until" bigint NOT NULL,
	"price_no" integer NOT NULL,
	"price_from" timestamp with time zone NOT NULL,
	"split_plan_no" integer NOT NULL,
	"segment_from" timestamp with time zone NOT NULL,
	"cost_meter_no" smallint,
	"charge_statuses" text[] NOT NULL,
	"limits_events" boolean NOT NULL,
	"max_seconds" bigint,
	"max_input" bigint,
	"max_output" bigint,
	"max_images" bigint,
	"max_runs" bigint,
	CONSTRAINT "rate_segment_model_no_currency_since_pk" PRIMARY KEY("model_no","currency","since")
);
--> statement-breakpoint
CREATE TABLE "revenue_policy" (
	"policy_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "revenue_policy_policy_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"model_no" integer,
	"effective_from" timestamp with time zone NOT NULL,
	"steps" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "revenue_policy_model_no_effective_from_unique" UNIQUE NULLS NOT DISTINCT("model_no","effective_from")
);
--> statement-breakpoint
CREATE TABLE "self_dealing_plan" (
	"split_plan_no" integer NOT NULL,
	"payee_no" integer NOT NULL,
	"redirected_plan_no" integer NOT NULL,
	CONSTRAINT "self_dealing_plan_split_plan_no_payee_no_pk" PRIMARY KEY("split_plan_no","payee_no")
);
--> statement-breakpoint
CREATE TABLE "self_dealing_rule" (
	"effective_from" timestamp with time zone PRIMARY KEY NOT NULL,
	"rule" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "split_plan" (
	"split_plan_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "split_plan_split_plan_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"hash" text NOT NULL,
	"content" jsonb NOT NULL,
	"cost_meter_no" smallint,
	"cost_currency" text,
	"payees" text[] NOT NULL,
	CONSTRAINT "split_plan_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "split_segment" (
	"model_no" integer NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"effective_until" timestamp with time zone DEFAULT 'infinity' NOT NULL,
	"split_plan_no" integer NOT NULL,
	CONSTRAINT "split_segment_model_no_effective_from_pk" PRIMARY KEY("model_no","effective_from")
);
--> statement-breakpoint
CREATE TABLE "accrual_line" (
	"booked_period" date NOT NULL,
	"service_month" date NOT NULL,
	"model_no" integer NOT NULL,
	"split_plan_no" integer NOT NULL,
	"currency" text NOT NULL,
	"gross" numeric NOT NULL,
	"cost_quantity" numeric(38, 0) NOT NULL,
	"events" bigint NOT NULL,
	"receivable_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "accrual_line_booked_period_service_month_model_no_split_plan_no_currency_pk" PRIMARY KEY("booked_period","service_month","model_no","split_plan_no","currency")
);
--> statement-breakpoint
CREATE TABLE "accrual_part" (
	"booked_period" date NOT NULL,
	"service_month" date NOT NULL,
	"model_no" integer NOT NULL,
	"split_plan_no" integer NOT NULL,
	"currency" text NOT NULL,
	"account" text NOT NULL,
	"reason" text NOT NULL,
	"paid_by" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "accrual_part_booked_period_service_month_model_no_split_plan_no_currency_account_reason_paid_by_pk" PRIMARY KEY("booked_period","service_month","model_no","split_plan_no","currency","account","reason","paid_by")
);
--> statement-breakpoint
CREATE TABLE "api_key" (
	"id" text PRIMARY KEY NOT NULL,
	"secret_hash" text NOT NULL,
	"role" text NOT NULL,
	"payee" text,
	"customer" text,
	"sources" text[],
	"name" text,
	"shown" text NOT NULL,
	"scope" text NOT NULL,
	"expires_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	"replaced_by" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"made_by" text NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_key_secret_hash_unique" UNIQUE("secret_hash")
);
--> statement-breakpoint
CREATE TABLE "idempotent_request" (
	"principal" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer,
	"response" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotent_request_principal_key_pk" PRIMARY KEY("principal","key")
);
--> statement-breakpoint
CREATE TABLE "account_balance" (
	"account_no" integer NOT NULL,
	"currency" text NOT NULL,
	"balance_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "account_balance_account_no_currency_pk" PRIMARY KEY("account_no","currency")
);
--> statement-breakpoint
CREATE TABLE "balance_snapshot" (
	"chain_no" bigint NOT NULL,
	"account_no" integer NOT NULL,
	"currency" text NOT NULL,
	"balance_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "balance_snapshot_chain_no_account_no_currency_pk" PRIMARY KEY("chain_no","account_no","currency")
);
--> statement-breakpoint
CREATE TABLE "chain_link" (
	"chain_no" bigint PRIMARY KEY NOT NULL,
	"entry_no" bigint NOT NULL,
	"hash" text NOT NULL,
	"late" boolean NOT NULL,
	CONSTRAINT "chain_link_entry_no_unique" UNIQUE("entry_no")
);
--> statement-breakpoint
CREATE TABLE "chain_state" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"complete_until_xid" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "journal_entry" (
	"entry_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "journal_entry_entry_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"kind" text NOT NULL,
	"currency" text NOT NULL,
	"period" date NOT NULL,
	"postings" integer NOT NULL,
	"detail" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"xid" text NOT NULL,
	"corrects" text,
	CONSTRAINT "journal_entry_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "ledger_account" (
	"account_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "ledger_account_account_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"path" text NOT NULL,
	"kind" text NOT NULL,
	"owner" text,
	CONSTRAINT "ledger_account_path_unique" UNIQUE("path")
);
--> statement-breakpoint
CREATE TABLE "permitted_flow" (
	"entry_kind" text NOT NULL,
	"account_kind" text NOT NULL,
	CONSTRAINT "permitted_flow_entry_kind_account_kind_pk" PRIMARY KEY("entry_kind","account_kind")
);
--> statement-breakpoint
CREATE TABLE "posting" (
	"entry_no" bigint NOT NULL,
	"position" integer NOT NULL,
	"account_no" integer NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "posting_entry_no_position_pk" PRIMARY KEY("entry_no","position")
);
--> statement-breakpoint
CREATE TABLE "seal" (
	"period" date PRIMARY KEY NOT NULL,
	"chain_no" bigint NOT NULL,
	"hash" text NOT NULL,
	"trial_balance_hash" text NOT NULL,
	"sealed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chained_event" (
	"parent_key" bigint NOT NULL,
	"event_no" bigint NOT NULL,
	CONSTRAINT "chained_event_parent_key_event_no_pk" PRIMARY KEY("parent_key","event_no")
);
--> statement-breakpoint
CREATE TABLE "customer_term_window" (
	"customer_no" integer NOT NULL,
	"term_no" integer NOT NULL,
	"service_month" date NOT NULL,
	"events" bigint NOT NULL,
	"runs" numeric(38, 0) NOT NULL,
	"predict_seconds" numeric(38, 0) NOT NULL,
	"predict_seconds_events" bigint NOT NULL,
	"input_tokens" numeric(38, 0) NOT NULL,
	"input_tokens_events" bigint NOT NULL,
	"output_tokens" numeric(38, 0) NOT NULL,
	"output_tokens_events" bigint NOT NULL,
	"images" numeric(38, 0) NOT NULL,
	"images_events" bigint NOT NULL,
	CONSTRAINT "customer_term_window_customer_no_term_no_service_month_pk" PRIMARY KEY("customer_no","term_no","service_month")
);
--> statement-breakpoint
CREATE TABLE "customer_term_window_meter" (
	"customer_no" integer NOT NULL,
	"term_no" integer NOT NULL,
	"service_month" date NOT NULL,
	"meter_no" smallint NOT NULL,
	"quantity" numeric(38, 0) NOT NULL,
	"events" bigint NOT NULL,
	CONSTRAINT "customer_term_window_meter_customer_no_term_no_service_month_meter_no_pk" PRIMARY KEY("customer_no","term_no","service_month","meter_no")
);
--> statement-breakpoint
CREATE TABLE "dead_letter" (
	"dead_letter_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "dead_letter_dead_letter_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"log_id" text NOT NULL,
	"partition" integer NOT NULL,
	"log_offset" bigint NOT NULL,
	"log_index" integer NOT NULL,
	"reason" text NOT NULL,
	"message" text NOT NULL,
	"raw" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"replayed_at" timestamp with time zone,
	CONSTRAINT "dead_letter_log_id_partition_log_offset_log_index_unique" UNIQUE("log_id","partition","log_offset","log_index")
);
--> statement-breakpoint
CREATE TABLE "identity_floor" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"occurred_from" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"block_no" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "metered_extent" (
	"kind" text NOT NULL,
	"subject_no" integer NOT NULL,
	"segment_from" timestamp with time zone NOT NULL,
	"shard" smallint NOT NULL,
	"last_occurred_at" timestamp with time zone NOT NULL,
	CONSTRAINT "metered_extent_kind_subject_no_segment_from_shard_pk" PRIMARY KEY("kind","subject_no","segment_from","shard")
);
--> statement-breakpoint
CREATE TABLE "noted_extent" (
	"note_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "noted_extent_note_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"shard" smallint NOT NULL,
	"model_nos" integer[] NOT NULL,
	"currencies" text[] NOT NULL,
	"price_froms" timestamp with time zone[] NOT NULL,
	"split_froms" timestamp with time zone[] NOT NULL,
	"model_lasts" bigint[] NOT NULL,
	"customer_nos" integer[] NOT NULL,
	"customer_froms" timestamp with time zone[] NOT NULL,
	"customer_lasts" bigint[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "parked_event" (
	"identity" uuid PRIMARY KEY NOT NULL,
	"parked_no" bigint GENERATED ALWAYS AS IDENTITY (sequence name "parked_event_parked_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"shard" smallint NOT NULL,
	"reason" text NOT NULL,
	"event" jsonb NOT NULL,
	"parked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "term_window" (
	"term_no" integer NOT NULL,
	"service_day" date NOT NULL,
	"shard" smallint NOT NULL,
	"events" bigint NOT NULL,
	"runs" numeric(38, 0) NOT NULL,
	"predict_seconds" numeric(38, 0) NOT NULL,
	"predict_seconds_events" bigint NOT NULL,
	"input_tokens" numeric(38, 0) NOT NULL,
	"input_tokens_events" bigint NOT NULL,
	"output_tokens" numeric(38, 0) NOT NULL,
	"output_tokens_events" bigint NOT NULL,
	"images" numeric(38, 0) NOT NULL,
	"images_events" bigint NOT NULL,
	CONSTRAINT "term_window_term_no_service_day_shard_pk" PRIMARY KEY("term_no","service_day","shard")
);
--> statement-breakpoint
CREATE TABLE "term_window_meter" (
	"term_no" integer NOT NULL,
	"service_day" date NOT NULL,
	"meter_no" smallint NOT NULL,
	"shard" smallint NOT NULL,
	"quantity" numeric(38, 0) NOT NULL,
	"events" bigint NOT NULL,
	CONSTRAINT "term_window_meter_term_no_service_day_meter_no_shard_pk" PRIMARY KEY("term_no","service_day","meter_no","shard")
);
--> statement-breakpoint
CREATE TABLE "usage_block" (
	"block_no" bigint PRIMARY KEY NOT NULL,
	"shard" smallint NOT NULL,
	"first_period" date NOT NULL,
	"event_count" integer NOT NULL,
	"folded" smallint DEFAULT 0 NOT NULL,
	"accrued" smallint DEFAULT 0 NOT NULL,
	"counted" smallint DEFAULT 0 NOT NULL,
	"sketched" smallint DEFAULT 0 NOT NULL,
	"chained" integer DEFAULT 0 NOT NULL,
	"booked_at" timestamp with time zone DEFAULT now() NOT NULL,
	"booked_in" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"source_nos" integer[] NOT NULL,
	"events" text NOT NULL,
	"hardware" text[],
	"group_hardware" integer[],
	"group_customer_no" integer[] NOT NULL,
	"group_term_no" integer[] NOT NULL,
	"group_first" bigint[] NOT NULL,
	"group_events" integer[] NOT NULL,
	"predict_seconds" bigint[],
	"predict_seconds_events" integer[],
	"input_tokens" bigint[],
	"input_tokens_events" integer[],
	"output_tokens" bigint[],
	"output_tokens_events" integer[],
	"images" bigint[],
	"images_events" integer[],
	"other_group" integer[],
	"other_meter_no" smallint[],
	"other_quantity" bigint[],
	"other_events" integer[]
);
--> statement-breakpoint
CREATE TABLE "usage_identity" (
	"identity" uuid PRIMARY KEY NOT NULL,
	"content" bigint NOT NULL,
	"event_no" bigint
);
--> statement-breakpoint
CREATE TABLE "usage_source" (
	"source_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "usage_source_source_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"source" text NOT NULL,
	CONSTRAINT "usage_source_source_unique" UNIQUE("source")
);
--> statement-breakpoint
CREATE TABLE "usage_term" (
	"term_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "usage_term_term_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"model_no" integer NOT NULL,
	"booked_period" date NOT NULL,
	"model_version_no" integer NOT NULL,
	"status" text NOT NULL,
	"country" text NOT NULL,
	"price_no" integer NOT NULL,
	"split_plan_no" integer NOT NULL,
	"charged" smallint NOT NULL,
	CONSTRAINT "usage_term_model_no_booked_period_model_version_no_status_country_price_no_split_plan_no_unique" UNIQUE("model_no","booked_period","model_version_no","status","country","price_no","split_plan_no")
);
--> statement-breakpoint
CREATE TABLE "mail" (
	"mail_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mail_mail_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"key" text NOT NULL,
	"recipient" text NOT NULL,
	"type" text NOT NULL,
	"data" jsonb NOT NULL,
	"state" text DEFAULT 'pending' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	"error" text,
	CONSTRAINT "mail_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "webhook_attempt" (
	"delivery_no" bigint NOT NULL,
	"attempt" integer NOT NULL,
	"ended_at" timestamp with time zone DEFAULT now() NOT NULL,
	"status" integer,
	"error" text,
	"duration_ms" integer NOT NULL,
	CONSTRAINT "webhook_attempt_delivery_no_attempt_pk" PRIMARY KEY("delivery_no","attempt")
);
--> statement-breakpoint
CREATE TABLE "webhook_delivery" (
	"delivery_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "webhook_delivery_delivery_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"message_no" bigint NOT NULL,
	"endpoint_id" text NOT NULL,
	"state" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "webhook_endpoint" (
	"id" text PRIMARY KEY NOT NULL,
	"payee" text,
	"customer" text,
	"url" text NOT NULL,
	"events" text[],
	"secret" text NOT NULL,
	"old_secret" text,
	"old_secret_until" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"failing_since" timestamp with time zone,
	"disabled_at" timestamp with time zone,
	"disabled_reason" text,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "webhook_message" (
	"message_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "webhook_message_message_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"id" text NOT NULL,
	"key" text NOT NULL,
	"payee" text,
	"customer" text,
	"type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "webhook_message_id_unique" UNIQUE("id"),
	CONSTRAINT "webhook_message_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "payout" (
	"id" text PRIMARY KEY NOT NULL,
	"period" date NOT NULL,
	"payee" text NOT NULL,
	"currency" text NOT NULL,
	"planned_nanos" numeric(38, 0) NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"account" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"attempt" integer DEFAULT 0 NOT NULL,
	"transfer_id" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payout_account" (
	"account" text PRIMARY KEY NOT NULL,
	"transfers_enabled" boolean NOT NULL,
	"disabled_reason" text,
	"checked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payout_attempt" (
	"payout_id" text NOT NULL,
	"attempt" integer NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"idempotency_key" text NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"outcome" text,
	"detail" text,
	"ended_at" timestamp with time zone,
	"missing_since" timestamp with time zone,
	CONSTRAINT "payout_attempt_payout_id_attempt_pk" PRIMARY KEY("payout_id","attempt"),
	CONSTRAINT "payout_attempt_idempotency_key_unique" UNIQUE("idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "payout_reversal" (
	"reversal_id" text PRIMARY KEY NOT NULL,
	"payout_id" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"booked_by" text NOT NULL,
	"booked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reconciliation" (
	"run" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "reconciliation_run_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"period" date NOT NULL,
	"ran_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ran_by" text NOT NULL,
	"differences" integer NOT NULL,
	"report" jsonb NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "block_latency" (
	"block_no" bigint PRIMARY KEY NOT NULL,
	"group_sketches" "bytea"[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "drift_rule" (
	"model" text PRIMARY KEY NOT NULL,
	"window_days" smallint NOT NULL,
	"baseline_days" smallint NOT NULL,
	"predictions_min" integer NOT NULL,
	"thresholds" jsonb NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	"looked_at_day" date
);
--> statement-breakpoint
CREATE TABLE "drift_state" (
	"model" text NOT NULL,
	"version" text NOT NULL,
	"figure" text NOT NULL,
	"direction" text NOT NULL,
	"facts" jsonb NOT NULL,
	"since_day" date NOT NULL,
	CONSTRAINT "drift_state_model_version_figure_pk" PRIMARY KEY("model","version","figure")
);
--> statement-breakpoint
CREATE TABLE "hardware_window" (
	"term_no" integer NOT NULL,
	"service_day" date NOT NULL,
	"hardware" text NOT NULL,
	"events" bigint NOT NULL,
	"runs" numeric(38, 0) NOT NULL,
	"predict_seconds" numeric(38, 0) NOT NULL,
	"input_tokens" numeric(38, 0) NOT NULL,
	"output_tokens" numeric(38, 0) NOT NULL,
	"images" numeric(38, 0) NOT NULL,
	CONSTRAINT "hardware_window_term_no_service_day_hardware_pk" PRIMARY KEY("term_no","service_day","hardware")
);
--> statement-breakpoint
CREATE TABLE "hardware_window_meter" (
	"term_no" integer NOT NULL,
	"service_day" date NOT NULL,
	"hardware" text NOT NULL,
	"meter_no" smallint NOT NULL,
	"quantity" numeric(38, 0) NOT NULL,
	CONSTRAINT "hardware_window_meter_term_no_service_day_hardware_meter_no_pk" PRIMARY KEY("term_no","service_day","hardware","meter_no")
);
--> statement-breakpoint
CREATE TABLE "latency_sketch" (
	"model_no" integer NOT NULL,
	"model_version_no" integer NOT NULL,
	"service_day" date NOT NULL,
	"hardware" text DEFAULT '' NOT NULL,
	"revision" integer NOT NULL,
	"sketch" "bytea" NOT NULL,
	CONSTRAINT "latency_sketch_model_no_model_version_no_service_day_hardware_pk" PRIMARY KEY("model_no","model_version_no","service_day","hardware")
);
--> statement-breakpoint
CREATE TABLE "model_hardware" (
	"model_no" integer NOT NULL,
	"service_day" date NOT NULL,
	"hardware" text NOT NULL,
	CONSTRAINT "model_hardware_model_no_service_day_hardware_pk" PRIMARY KEY("model_no","service_day","hardware")
);
--> statement-breakpoint
CREATE TABLE "payload_erasure" (
	"erasure_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payload_erasure_erasure_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"customer" text NOT NULL,
	"asked_by" text NOT NULL,
	"asked_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payload_key" (
	"customer" text NOT NULL,
	"key_no" integer NOT NULL,
	"wrapped" "bytea",
	"master_key" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"shredded_at" timestamp with time zone,
	CONSTRAINT "payload_key_customer_key_no_pk" PRIMARY KEY("customer","key_no")
);
--> statement-breakpoint
CREATE TABLE "payload_ref" (
	"identity" uuid NOT NULL,
	"content" bigint NOT NULL,
	"customer" text NOT NULL,
	"model" text NOT NULL,
	"stored_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"expires_on" date NOT NULL,
	CONSTRAINT "payload_ref_identity_content_pk" PRIMARY KEY("identity","content")
);
--> statement-breakpoint
CREATE TABLE "payload_rewrite" (
	"table_name" text PRIMARY KEY NOT NULL,
	"deleted_before" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "payload_rule" (
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"days" integer,
	"hold" boolean DEFAULT false NOT NULL,
	"creators_read" boolean DEFAULT false NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	"applied_at" timestamp with time zone,
	CONSTRAINT "payload_rule_kind_subject_pk" PRIMARY KEY("kind","subject")
);
--> statement-breakpoint
CREATE TABLE "prediction_feedback" (
	"identity" uuid NOT NULL,
	"author" text NOT NULL,
	"source" text NOT NULL,
	"prediction" text NOT NULL,
	"customer" text NOT NULL,
	"model" text NOT NULL,
	"version" text NOT NULL,
	"hardware" text DEFAULT '' NOT NULL,
	"thumb" smallint,
	"score" smallint,
	"labels" text[] NOT NULL,
	"key_no" integer,
	"comment" "bytea",
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "prediction_feedback_identity_author_pk" PRIMARY KEY("identity","author")
);
--> statement-breakpoint
CREATE TABLE "prediction_share" (
	"id" text PRIMARY KEY NOT NULL,
	"token_hash" text NOT NULL,
	"source" text NOT NULL,
	"prediction" text NOT NULL,
	"customer" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	CONSTRAINT "prediction_share_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "version_schema" (
	"model" text NOT NULL,
	"version" text NOT NULL,
	"input_schema" jsonb NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "version_schema_model_version_pk" PRIMARY KEY("model","version")
);
--> statement-breakpoint
CREATE TABLE "bank_payout" (
	"id" text PRIMARY KEY NOT NULL,
	"account" text NOT NULL,
	"currency" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"status" text NOT NULL,
	"failure" text,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_event" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"account" text,
	"about" text NOT NULL,
	"livemode" boolean NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"body" text NOT NULL,
	"state" text NOT NULL,
	"outcome" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_try_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "conversion" (
	"id" text PRIMARY KEY NOT NULL,
	"period" date NOT NULL,
	"payee" text NOT NULL,
	"from_currency" text NOT NULL,
	"from_nanos" numeric(38, 0) NOT NULL,
	"to_currency" text NOT NULL,
	"to_nanos" numeric(38, 0) NOT NULL,
	"rate_no" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fx_rate" (
	"rate_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "fx_rate_rate_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"from_currency" text NOT NULL,
	"to_currency" text NOT NULL,
	"rate" numeric NOT NULL,
	"effective_from" timestamp with time zone NOT NULL,
	"source" text NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "fx_rate_from_currency_to_currency_effective_from_unique" UNIQUE("from_currency","to_currency","effective_from")
);
--> statement-breakpoint
CREATE TABLE "netting" (
	"period" date NOT NULL,
	"customer" text NOT NULL,
	"currency" text NOT NULL,
	"payee" text NOT NULL,
	"owed_nanos" numeric(38, 0) NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "netting_period_customer_currency_payee_pk" PRIMARY KEY("period","customer","currency","payee")
);
--> statement-breakpoint
CREATE TABLE "netting_rule" (
	"customer" text NOT NULL,
	"from_period" date NOT NULL,
	"nets" boolean NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "netting_rule_customer_from_period_pk" PRIMARY KEY("customer","from_period")
);
--> statement-breakpoint
CREATE TABLE "payee_freeze" (
	"freeze_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payee_freeze_freeze_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"payee" text NOT NULL,
	"reason" text NOT NULL,
	"frozen_by" text NOT NULL,
	"frozen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"lifted_by" text,
	"lifted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "payout_minimum" (
	"payee" text NOT NULL,
	"currency" text NOT NULL,
	"minimum_nanos" numeric(38, 0) NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "payout_minimum_payee_currency_pk" PRIMARY KEY("payee","currency")
);
--> statement-breakpoint
CREATE TABLE "payout_stop" (
	"stop_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "payout_stop_stop_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"reason" text NOT NULL,
	"stopped_by" text NOT NULL,
	"stopped_at" timestamp with time zone DEFAULT now() NOT NULL,
	"resumed_by" text,
	"resumed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "payout_terms" (
	"payee" text PRIMARY KEY NOT NULL,
	"schedule" text,
	"hold_days" integer,
	"payout_currency" text,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "plan_withdrawal" (
	"withdrawal_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "plan_withdrawal_withdrawal_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"period" date NOT NULL,
	"plan_hash" text NOT NULL,
	"planned_by" text NOT NULL,
	"withdrawn_by" text NOT NULL,
	"withdrawn_at" timestamp with time zone DEFAULT now() NOT NULL,
	"reason" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reserve" (
	"period" date NOT NULL,
	"invoice_id" text DEFAULT '' NOT NULL,
	"payee" text NOT NULL,
	"currency" text NOT NULL,
	"base_nanos" numeric(38, 0) NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"released_at" timestamp with time zone,
	CONSTRAINT "reserve_period_invoice_id_payee_currency_pk" PRIMARY KEY("period","invoice_id","payee","currency")
);
--> statement-breakpoint
CREATE TABLE "reserve_rule" (
	"payee" text NOT NULL,
	"from_period" date NOT NULL,
	"basis_points" integer,
	"days" integer,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "reserve_rule_payee_from_period_pk" PRIMARY KEY("payee","from_period")
);
--> statement-breakpoint
CREATE TABLE "settlement" (
	"period" date PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"cut_at" timestamp with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp with time zone,
	"plan" jsonb,
	"plan_hash" text,
	"planned_by" text,
	"planned_at" timestamp with time zone,
	"approved_by" text,
	"approved_at" timestamp with time zone,
	"approved_hash" text,
	"confirmed" text[],
	"two_person" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "statement" (
	"period" date NOT NULL,
	"payee" text NOT NULL,
	"currency" text NOT NULL,
	"opening_nanos" numeric(38, 0) NOT NULL,
	"earned_nanos" numeric(38, 0) NOT NULL,
	"adjustments_nanos" numeric(38, 0) NOT NULL,
	"held_nanos" numeric(38, 0) NOT NULL,
	"released_nanos" numeric(38, 0) NOT NULL,
	"converted_nanos" numeric(38, 0) NOT NULL,
	"netted_nanos" numeric(38, 0) NOT NULL,
	"paid_nanos" numeric(38, 0) NOT NULL,
	"closing_nanos" numeric(38, 0) NOT NULL,
	"content" jsonb NOT NULL,
	"hash" text NOT NULL,
	CONSTRAINT "statement_payee_period_currency_pk" PRIMARY KEY("payee","period","currency")
);
--> statement-breakpoint
CREATE TABLE "tax_form" (
	"tax_form_no" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "tax_form_tax_form_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"payee" text NOT NULL,
	"form" text NOT NULL,
	"status" text NOT NULL,
	"valid_until" date,
	"recorded_by" text NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tax_form_rule" (
	"from_period" date PRIMARY KEY NOT NULL,
	"required" boolean NOT NULL,
	"set_by" text NOT NULL,
	"set_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_log" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_log_partition" (
	"partition" integer PRIMARY KEY NOT NULL,
	"next_offset" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "usage_log_record" (
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"value" "bytea" NOT NULL,
	"appended_at" timestamp with time zone NOT NULL,
	CONSTRAINT "usage_log_record_partition_offset_pk" PRIMARY KEY("partition","offset")
);
--> statement-breakpoint
CREATE TABLE "credit_expiry" (
	"grant_id" text PRIMARY KEY NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"expired_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "credit_grant" (
	"id" text PRIMARY KEY NOT NULL,
	"grant_no" bigint GENERATED ALWAYS AS IDENTITY (sequence name "credit_grant_grant_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"customer" text NOT NULL,
	"currency" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"kind" text NOT NULL,
	"priority" integer NOT NULL,
	"expires_at" timestamp with time zone,
	"reason" text NOT NULL,
	"reference" text,
	"granted_by" text NOT NULL,
	"granted_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "credit_revocation" (
	"adjustment_no" bigint PRIMARY KEY NOT NULL,
	"grant_id" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL
);
--> statement-breakpoint
CREATE TABLE "credit_use" (
	"grant_id" text NOT NULL,
	"invoice_id" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	CONSTRAINT "credit_use_grant_id_invoice_id_pk" PRIMARY KEY("grant_id","invoice_id")
);
--> statement-breakpoint
CREATE TABLE "spend_account" (
	"customer_no" integer NOT NULL,
	"currency" text NOT NULL,
	"since_block" bigint NOT NULL,
	"spent" numeric NOT NULL,
	"invoiced_nanos" numeric(38, 0) DEFAULT 0 NOT NULL,
	"credit_nanos" numeric(38, 0) DEFAULT 0 NOT NULL,
	"reserved_nanos" numeric(38, 0) DEFAULT 0 NOT NULL,
	"period" text DEFAULT 'month' NOT NULL,
	"soft_nanos" numeric(38, 0),
	"hard_nanos" numeric(38, 0),
	"prepaid" boolean DEFAULT false NOT NULL,
	"limit_no" integer DEFAULT 0 NOT NULL,
	"limits_from" date DEFAULT '0001-01-01' NOT NULL,
	CONSTRAINT "spend_account_customer_no_currency_pk" PRIMARY KEY("customer_no","currency")
);
--> statement-breakpoint
CREATE TABLE "spend_crossing" (
	"customer_no" integer NOT NULL,
	"currency" text NOT NULL,
	"limit_no" integer NOT NULL,
	"kind" text NOT NULL,
	"month" date NOT NULL,
	"limit_nanos" numeric(38, 0) NOT NULL,
	"spent" numeric NOT NULL,
	"crossed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "spend_crossing_customer_no_currency_limit_no_kind_month_pk" PRIMARY KEY("customer_no","currency","limit_no","kind","month")
);
--> statement-breakpoint
CREATE TABLE "spend_month" (
	"customer_no" integer NOT NULL,
	"currency" text NOT NULL,
	"service_month" date NOT NULL,
	"spent" numeric NOT NULL,
	CONSTRAINT "spend_month_customer_no_currency_service_month_pk" PRIMARY KEY("customer_no","currency","service_month")
);
--> statement-breakpoint
CREATE TABLE "spend_reservation" (
	"identity" uuid NOT NULL,
	"customer_no" integer NOT NULL,
	"currency" text NOT NULL,
	"amount_nanos" numeric(38, 0) NOT NULL,
	"source" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"outcome" text,
	"ended_at" timestamp with time zone,
	CONSTRAINT "spend_reservation_identity_customer_no_pk" PRIMARY KEY("identity","customer_no")
);
--> statement-breakpoint
CREATE TABLE "log_gap" (
	"log_id" text NOT NULL,
	"partition" integer NOT NULL,
	"from_offset" bigint NOT NULL,
	"until_offset" bigint NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "log_gap_log_id_partition_from_offset_pk" PRIMARY KEY("log_id","partition","from_offset")
);
--> statement-breakpoint
CREATE TABLE "log_loss" (
	"log_loss_no" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "log_loss_log_loss_no_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"partition" integer NOT NULL,
	"from_log_id" text NOT NULL,
	"from_offset" bigint NOT NULL,
	"to_log_id" text NOT NULL,
	"to_offset" bigint NOT NULL,
	"reason" text NOT NULL,
	"accepted_by" text NOT NULL,
	"accepted_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "metering_cursor" (
	"partition" integer PRIMARY KEY NOT NULL,
	"log_id" text NOT NULL,
	"epoch" bigint NOT NULL,
	"next_offset" bigint NOT NULL,
	"consumed" bigint DEFAULT 0 NOT NULL,
	"applied" bigint DEFAULT 0 NOT NULL,
	"duplicate" bigint DEFAULT 0 NOT NULL,
	"conflict" bigint DEFAULT 0 NOT NULL,
	"parked" bigint DEFAULT 0 NOT NULL,
	"dead" bigint DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "login_link" ADD CONSTRAINT "login_link_app_user_app_user_id_fk" FOREIGN KEY ("app_user") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session" ADD CONSTRAINT "session_app_user_app_user_id_fk" FOREIGN KEY ("app_user") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adjustment_cell" ADD CONSTRAINT "adjustment_cell_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adjustment_held" ADD CONSTRAINT "adjustment_held_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adjustment_movement" ADD CONSTRAINT "adjustment_movement_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adjustment_part" ADD CONSTRAINT "adjustment_part_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "correction" ADD CONSTRAINT "correction_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dispute_hold" ADD CONSTRAINT "dispute_hold_dispute_id_dispute_id_fk" FOREIGN KEY ("dispute_id") REFERENCES "public"."dispute"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reattribution" ADD CONSTRAINT "reattribution_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refund_push" ADD CONSTRAINT "refund_push_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refund_push_attempt" ADD CONSTRAINT "refund_push_attempt_adjustment_no_adjustment_adjustment_no_fk" FOREIGN KEY ("adjustment_no") REFERENCES "public"."adjustment"("adjustment_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refund_push_attempt" ADD CONSTRAINT "refund_push_attempt_adjustment_no_means_refund_push_adjustment_no_means_fk" FOREIGN KEY ("adjustment_no","means") REFERENCES "public"."refund_push"("adjustment_no","means") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "royalty_acceptance" ADD CONSTRAINT "royalty_acceptance_terms_royalty_terms_id_fk" FOREIGN KEY ("terms") REFERENCES "public"."royalty_terms"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "royalty_registration" ADD CONSTRAINT "royalty_registration_acceptance_royalty_acceptance_id_fk" FOREIGN KEY ("acceptance") REFERENCES "public"."royalty_acceptance"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "royalty_terms_end" ADD CONSTRAINT "royalty_terms_end_terms_royalty_terms_id_fk" FOREIGN KEY ("terms") REFERENCES "public"."royalty_terms"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "share_proposal_party" ADD CONSTRAINT "share_proposal_party_proposal_share_proposal_id_fk" FOREIGN KEY ("proposal") REFERENCES "public"."share_proposal"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_line" ADD CONSTRAINT "invoice_line_invoice_id_invoice_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_payment" ADD CONSTRAINT "invoice_payment_invoice_id_invoice_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payment_push" ADD CONSTRAINT "payment_push_invoice_id_reference_invoice_payment_invoice_id_reference_fk" FOREIGN KEY ("invoice_id","reference") REFERENCES "public"."invoice_payment"("invoice_id","reference") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_push" ADD CONSTRAINT "invoice_push_invoice_id_invoice_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_push_attempt" ADD CONSTRAINT "invoice_push_attempt_invoice_id_invoice_push_invoice_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoice_push"("invoice_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invoice_release" ADD CONSTRAINT "invoice_release_invoice_id_invoice_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customer_version" ADD CONSTRAINT "customer_version_customer_no_customer_customer_no_fk" FOREIGN KEY ("customer_no") REFERENCES "public"."customer"("customer_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "customer_version" ADD CONSTRAINT "customer_version_payee_no_payee_payee_no_fk" FOREIGN KEY ("payee_no") REFERENCES "public"."payee"("payee_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_lineage" ADD CONSTRAINT "model_lineage_model_no_model_model_no_fk" FOREIGN KEY ("model_no") REFERENCES "public"."model"("model_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_lineage" ADD CONSTRAINT "model_lineage_payee_no_payee_payee_no_fk" FOREIGN KEY ("payee_no") REFERENCES "public"."payee"("payee_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_lineage" ADD CONSTRAINT "model_lineage_base_model_no_model_model_no_fk" FOREIGN KEY ("base_model_no") REFERENCES "public"."model"("model_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_model_no_model_model_no_fk" FOREIGN KEY ("model_no") REFERENCES "public"."model"("model_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_component" ADD CONSTRAINT "price_component_price_no_price_version_price_no_fk" FOREIGN KEY ("price_no") REFERENCES "public"."price_version"("price_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_component" ADD CONSTRAINT "price_component_meter_no_meter_meter_no_fk" FOREIGN KEY ("meter_no") REFERENCES "public"."meter"("meter_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_version" ADD CONSTRAINT "price_version_model_no_model_model_no_fk" FOREIGN KEY ("model_no") REFERENCES "public"."model"("model_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "revenue_policy" ADD CONSTRAINT "revenue_policy_model_no_model_model_no_fk" FOREIGN KEY ("model_no") REFERENCES "public"."model"("model_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_dealing_plan" ADD CONSTRAINT "self_dealing_plan_split_plan_no_split_plan_split_plan_no_fk" FOREIGN KEY ("split_plan_no") REFERENCES "public"."split_plan"("split_plan_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_dealing_plan" ADD CONSTRAINT "self_dealing_plan_payee_no_payee_payee_no_fk" FOREIGN KEY ("payee_no") REFERENCES "public"."payee"("payee_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "self_dealing_plan" ADD CONSTRAINT "self_dealing_plan_redirected_plan_no_split_plan_split_plan_no_fk" FOREIGN KEY ("redirected_plan_no") REFERENCES "public"."split_plan"("split_plan_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "split_plan" ADD CONSTRAINT "split_plan_cost_meter_no_meter_meter_no_fk" FOREIGN KEY ("cost_meter_no") REFERENCES "public"."meter"("meter_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "split_segment" ADD CONSTRAINT "split_segment_model_no_model_model_no_fk" FOREIGN KEY ("model_no") REFERENCES "public"."model"("model_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "split_segment" ADD CONSTRAINT "split_segment_split_plan_no_split_plan_split_plan_no_fk" FOREIGN KEY ("split_plan_no") REFERENCES "public"."split_plan"("split_plan_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_balance" ADD CONSTRAINT "account_balance_account_no_ledger_account_account_no_fk" FOREIGN KEY ("account_no") REFERENCES "public"."ledger_account"("account_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "balance_snapshot" ADD CONSTRAINT "balance_snapshot_account_no_ledger_account_account_no_fk" FOREIGN KEY ("account_no") REFERENCES "public"."ledger_account"("account_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chain_link" ADD CONSTRAINT "chain_link_entry_no_journal_entry_entry_no_fk" FOREIGN KEY ("entry_no") REFERENCES "public"."journal_entry"("entry_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "posting" ADD CONSTRAINT "posting_entry_no_journal_entry_entry_no_fk" FOREIGN KEY ("entry_no") REFERENCES "public"."journal_entry"("entry_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "posting" ADD CONSTRAINT "posting_account_no_ledger_account_account_no_fk" FOREIGN KEY ("account_no") REFERENCES "public"."ledger_account"("account_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_attempt" ADD CONSTRAINT "webhook_attempt_delivery_no_webhook_delivery_delivery_no_fk" FOREIGN KEY ("delivery_no") REFERENCES "public"."webhook_delivery"("delivery_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_message_no_webhook_message_message_no_fk" FOREIGN KEY ("message_no") REFERENCES "public"."webhook_message"("message_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_endpoint_id_webhook_endpoint_id_fk" FOREIGN KEY ("endpoint_id") REFERENCES "public"."webhook_endpoint"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payout_attempt" ADD CONSTRAINT "payout_attempt_payout_id_payout_id_fk" FOREIGN KEY ("payout_id") REFERENCES "public"."payout"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payout_reversal" ADD CONSTRAINT "payout_reversal_payout_id_payout_id_fk" FOREIGN KEY ("payout_id") REFERENCES "public"."payout"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversion" ADD CONSTRAINT "conversion_rate_no_fx_rate_rate_no_fk" FOREIGN KEY ("rate_no") REFERENCES "public"."fx_rate"("rate_no") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_expiry" ADD CONSTRAINT "credit_expiry_grant_id_credit_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."credit_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_revocation" ADD CONSTRAINT "credit_revocation_grant_id_credit_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."credit_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_use" ADD CONSTRAINT "credit_use_grant_id_credit_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."credit_grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credit_use" ADD CONSTRAINT "credit_use_invoice_id_invoice_id_fk" FOREIGN KEY ("invoice_id") REFERENCES "public"."invoice"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "app_user_binding" ON "app_user" USING btree ("email","role",coalesce(payee, customer, ''));--> statement-breakpoint
CREATE INDEX "app_user_payee_index" ON "app_user" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "audit_entry_principal_entry_no_index" ON "audit_entry" USING btree ("principal","entry_no");--> statement-breakpoint
CREATE INDEX "login_link_app_user_created_at_index" ON "login_link" USING btree ("app_user","created_at");--> statement-breakpoint
CREATE INDEX "session_api_key_index" ON "session" USING btree ("api_key");--> statement-breakpoint
CREATE INDEX "session_app_user_index" ON "session" USING btree ("app_user");--> statement-breakpoint
CREATE UNIQUE INDEX "adjustment_reverses_index" ON "adjustment" USING btree ("reverses") WHERE reverses IS NOT NULL;--> statement-breakpoint
CREATE INDEX "adjustment_invoice_id_index" ON "adjustment" USING btree ("invoice_id");--> statement-breakpoint
CREATE INDEX "adjustment_kind_adjustment_no_index" ON "adjustment" USING btree ("kind","adjustment_no");--> statement-breakpoint
CREATE INDEX "adjustment_cell_booked_period_model_no_index" ON "adjustment_cell" USING btree ("booked_period","model_no");--> statement-breakpoint
CREATE INDEX "adjustment_cell_customer_no_booked_period_index" ON "adjustment_cell" USING btree ("customer_no","booked_period");--> statement-breakpoint
CREATE INDEX "adjustment_held_again" ON "adjustment_held" USING btree ("payee") WHERE round > 1;--> statement-breakpoint
CREATE INDEX "adjustment_movement_account_index" ON "adjustment_movement" USING btree ("account");--> statement-breakpoint
CREATE INDEX "adjustment_part_adjustment_no_index" ON "adjustment_part" USING btree ("adjustment_no");--> statement-breakpoint
CREATE INDEX "adjustment_part_payee_adjustment_no_index" ON "adjustment_part" USING btree ("payee","adjustment_no");--> statement-breakpoint
CREATE INDEX "dispute_invoice_id_index" ON "dispute" USING btree ("invoice_id");--> statement-breakpoint
CREATE INDEX "refund_push_state_index" ON "refund_push" USING btree ("state") WHERE state IN ('waiting', 'sending', 'unknown');--> statement-breakpoint
CREATE INDEX "payment_push_state_index" ON "payment_push" USING btree ("state") WHERE state IN ('waiting', 'sending', 'unknown');--> statement-breakpoint
CREATE INDEX "held_share_payee_index" ON "held_share" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "invoice_period_id_index" ON "invoice" USING btree ("period","id");--> statement-breakpoint
CREATE INDEX "invoice_release_due_at_index" ON "invoice_release" USING btree ("due_at") WHERE released_at IS NULL;--> statement-breakpoint
CREATE INDEX "payee_account_payee_index" ON "payee_account" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "payee_legal_payee_index" ON "payee_legal" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "payee_name_payee_index" ON "payee_name" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "split_plan_payees_index" ON "split_plan" USING gin ("payees");--> statement-breakpoint
CREATE INDEX "split_segment_split_plan_no_index" ON "split_segment" USING btree ("split_plan_no");--> statement-breakpoint
CREATE INDEX "accrual_part_account_booked_period_index" ON "accrual_part" USING btree ("account","booked_period");--> statement-breakpoint
CREATE INDEX "journal_entry_period_kind_index" ON "journal_entry" USING btree ("period","kind");--> statement-breakpoint
CREATE INDEX "posting_account_no_index" ON "posting" USING btree ("account_no");--> statement-breakpoint
CREATE INDEX "customer_term_window_term_no_index" ON "customer_term_window" USING btree ("term_no");--> statement-breakpoint
CREATE INDEX "customer_term_window_meter_term_no_index" ON "customer_term_window_meter" USING btree ("term_no");--> statement-breakpoint
CREATE INDEX "term_window_service_day_index" ON "term_window" USING btree ("service_day") WHERE shard >= 0;--> statement-breakpoint
CREATE INDEX "usage_block_block_no_index" ON "usage_block" USING btree ("block_no") WHERE folded = 0;--> statement-breakpoint
CREATE INDEX "usage_block_booked_at_index" ON "usage_block" USING btree ("booked_at");--> statement-breakpoint
CREATE INDEX "usage_block_to_accrue" ON "usage_block" USING btree ("block_no") WHERE accrued = 0;--> statement-breakpoint
CREATE INDEX "usage_block_to_count" ON "usage_block" USING btree ("block_no") WHERE counted = 0;--> statement-breakpoint
CREATE INDEX "usage_block_to_sketch" ON "usage_block" USING btree ("block_no") WHERE sketched = 0;--> statement-breakpoint
CREATE INDEX "usage_block_booked_in" ON "usage_block" USING btree ("booked_in");--> statement-breakpoint
CREATE INDEX "usage_block_to_chain" ON "usage_block" USING btree ("block_no") WHERE chained > 0;--> statement-breakpoint
CREATE INDEX "usage_term_split_plan_no_booked_period_index" ON "usage_term" USING btree ("split_plan_no","booked_period");--> statement-breakpoint
CREATE INDEX "usage_term_booked_period_index" ON "usage_term" USING btree ("booked_period");--> statement-breakpoint
CREATE INDEX "mail_next_attempt_at_index" ON "mail" USING btree ("next_attempt_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_delivery_next_attempt_at_index" ON "webhook_delivery" USING btree ("next_attempt_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_delivery_endpoint_id_delivery_no_index" ON "webhook_delivery" USING btree ("endpoint_id","delivery_no");--> statement-breakpoint
CREATE INDEX "webhook_endpoint_payee_index" ON "webhook_endpoint" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "webhook_endpoint_customer_index" ON "webhook_endpoint" USING btree ("customer");--> statement-breakpoint
CREATE INDEX "webhook_endpoint_everybody" ON "webhook_endpoint" USING btree ("id") WHERE payee IS NULL AND customer IS NULL;--> statement-breakpoint
CREATE INDEX "webhook_message_payee_message_no_index" ON "webhook_message" USING btree ("payee","message_no");--> statement-breakpoint
CREATE INDEX "webhook_message_customer_message_no_index" ON "webhook_message" USING btree ("customer","message_no");--> statement-breakpoint
CREATE INDEX "payout_period_state_index" ON "payout" USING btree ("period","state");--> statement-breakpoint
CREATE INDEX "payout_payee_index" ON "payout" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "payout_reversal_payout_id_index" ON "payout_reversal" USING btree ("payout_id");--> statement-breakpoint
CREATE INDEX "reconciliation_period_index" ON "reconciliation" USING btree ("period");--> statement-breakpoint
CREATE INDEX "payload_key_master_key_index" ON "payload_key" USING btree ("master_key");--> statement-breakpoint
CREATE INDEX "payload_ref_expires_on_index" ON "payload_ref" USING btree ("expires_on");--> statement-breakpoint
CREATE INDEX "payload_ref_customer_index" ON "payload_ref" USING btree ("customer");--> statement-breakpoint
CREATE INDEX "payload_ref_model_index" ON "payload_ref" USING btree ("model");--> statement-breakpoint
CREATE INDEX "prediction_feedback_model_version_index" ON "prediction_feedback" USING btree ("model","version");--> statement-breakpoint
CREATE INDEX "prediction_feedback_customer_index" ON "prediction_feedback" USING btree ("customer");--> statement-breakpoint
CREATE INDEX "prediction_share_source_prediction_index" ON "prediction_share" USING btree ("source","prediction");--> statement-breakpoint
CREATE INDEX "prediction_share_customer_index" ON "prediction_share" USING btree ("customer");--> statement-breakpoint
CREATE INDEX "bank_payout_account_index" ON "bank_payout" USING btree ("account");--> statement-breakpoint
CREATE INDEX "provider_event_state_next_try_at_index" ON "provider_event" USING btree ("state","next_try_at");--> statement-breakpoint
CREATE INDEX "provider_event_received_at_id_index" ON "provider_event" USING btree ("received_at","id");--> statement-breakpoint
CREATE INDEX "conversion_period_index" ON "conversion" USING btree ("period");--> statement-breakpoint
CREATE INDEX "conversion_payee_index" ON "conversion" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "netting_payee_index" ON "netting" USING btree ("payee");--> statement-breakpoint
CREATE UNIQUE INDEX "payee_freeze_payee_index" ON "payee_freeze" USING btree ("payee") WHERE lifted_at IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "payout_stop_open" ON "payout_stop" USING btree ((resumed_at IS NULL)) WHERE resumed_at IS NULL;--> statement-breakpoint
CREATE INDEX "plan_withdrawal_period_index" ON "plan_withdrawal" USING btree ("period");--> statement-breakpoint
CREATE INDEX "reserve_waiting" ON "reserve" USING btree ("due_at") WHERE released_at IS NULL;--> statement-breakpoint
CREATE INDEX "reserve_payee_index" ON "reserve" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "tax_form_payee_index" ON "tax_form" USING btree ("payee");--> statement-breakpoint
CREATE INDEX "credit_grant_customer_currency_index" ON "credit_grant" USING btree ("customer","currency");--> statement-breakpoint
CREATE INDEX "credit_grant_expires_at_index" ON "credit_grant" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "credit_grant_reference" ON "credit_grant" USING btree ("reference") WHERE reference IS NOT NULL;--> statement-breakpoint
CREATE INDEX "credit_revocation_grant_id_index" ON "credit_revocation" USING btree ("grant_id");--> statement-breakpoint
CREATE INDEX "credit_use_invoice_id_index" ON "credit_use" USING btree ("invoice_id");--> statement-breakpoint
CREATE INDEX "spend_reservation_order" ON "spend_reservation" USING btree ("ended_at","expires_at");