import type { FormEvent } from "react";
import { usePayee } from "../creator/payee-context.ts";
import { useSession } from "../data/session.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Panel } from "../parts/page.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { KeyTable } from "./key-table.tsx";

/** A payee's own API keys: made, rotated and revoked by its owners. */
export function OwnKeys() {
  const payee = usePayee();
  const { data: session } = useSession();
  const keys = useApi("get /v1/keys", { query: { limit: 1000 } });
  const mayMake = session?.role === "operator" || session?.duties?.includes("owner") === true;
  return (
    <Panel title="API keys" note="For programs that read your figures, or act for you.">
      {mayMake ? (
        <NewKey payee={payee} />
      ) : (
        <Notice>Keys are made and revoked by owners who signed in by mail. A key makes no other keys.</Notice>
      )}
      <Shown query={keys} lines={3}>
        {({ data }) => <KeyTable keys={data.filter((key) => key.payee === payee)} mayChange={mayMake} />}
      </Shown>
    </Panel>
  );
}

function NewKey({ payee }: { payee: string }) {
  const make = useAction("post /v1/keys");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get("name") ?? "").trim();
    const scope = form.get("scope") === "write" ? "write" : "read";
    make.mutate({ body: { role: "payee", payee, scope, ...(name === "" ? {} : { name }) } });
  };
  return (
    <>
      <form className="row-form" onSubmit={submit}>
        <label className="choice">
          <span>Name, to know it by</span>
          <input name="name" maxLength={200} />
        </label>
        <label className="choice">
          <span>Scope</span>
          <select name="scope" defaultValue="read">
            <option value="read">read</option>
            <option value="write">read and write</option>
          </select>
        </label>
        <button type="submit" className="primary" disabled={make.isPending}>
          Make the key
        </button>
      </form>
      <ActionProblem error={make.error} />
      <SecretOnce secret={make.data?.secret ?? null} what="key" />
    </>
  );
}
