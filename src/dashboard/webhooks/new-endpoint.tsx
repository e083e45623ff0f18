import type { FormEvent } from "react";
import { useAction } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Panel } from "../parts/page.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";

/** Has events sent to an address: a payee's, or everybody's. */
export function NewEndpoint({
  owner,
  note,
}: {
  owner: { payee: string } | { everybody: true };
  /** What is sent. */
  note: string;
}) {
  const make = useAction("post /v1/webhook-endpoints");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    make.mutate({ body: { ...owner, url: String(new FormData(event.currentTarget).get("url")) } });
  };
  return (
    <Panel title="A new endpoint" note={`${note}, signed after the Standard Webhooks specification.`}>
      <form className="row-form" onSubmit={submit}>
        <label className="choice grow">
          <span>HTTPS address</span>
          <input name="url" type="url" required maxLength={2000} placeholder="https://" />
        </label>
        <button type="submit" className="primary" disabled={make.isPending}>
          Add
        </button>
      </form>
      <ActionProblem error={make.error} />
      <SecretOnce secret={make.data?.secret ?? null} what="signing secret" />
    </Panel>
  );
}
