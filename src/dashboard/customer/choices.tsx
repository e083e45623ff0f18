import { type FormEvent, useState } from "react";
import type { Schema } from "../data/api.ts";
import { useSession } from "../data/session.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { useCustomer } from "./customer-context.ts";

type Rule = Schema<"CustomerRetention">;

/** How long what comes in and out of a customer's predictions is kept, and who may read it. */
export function Choices() {
  const id = useCustomer();
  const rule = useApi("get /v1/customers/{id}/retention", { path: { id } });
  // Not the form's: it begins anew with the rule that was saved.
  const [saved, setSaved] = useState(false);
  return (
    <Page title="Privacy">
      <Panel
        title="What is kept of your predictions"
        note="Inputs, outputs and logs. Usage and amounts are kept with the books."
      >
        <Shown query={rule} lines={4}>
          {(shown) => (
            <>
              {shown.hold && (
                <Notice tone="warn">A legal hold is set: nothing is deleted until it ends.</Notice>
              )}
              <Choice
                key={`${shown.days} ${shown.creators_read}`}
                customer={id}
                rule={shown}
                onSaved={setSaved}
              />
              <div role="status">{saved && <Notice tone="good">Saved.</Notice>}</div>
            </>
          )}
        </Shown>
      </Panel>
    </Page>
  );
}

function Choice({
  customer,
  rule,
  onSaved,
}: {
  customer: string;
  rule: Rule;
  onSaved: (saved: boolean) => void;
}) {
  const { data: session } = useSession();
  const choose = useAction("put /v1/customers/{id}/retention", { done: () => onSaved(true) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const days = String(form.get("days") ?? "").trim();
    onSaved(false);
    choose.mutate({
      path: { id: customer },
      body: { days: days === "" ? null : Number(days), creators_read: form.get("creators") === "on" },
    });
  };
  return (
    <form className="form" onSubmit={submit}>
      <label className="choice">
        <span>Kept for so many days (0: not at all; empty: as the marketplace does)</span>
        <input
          name="days"
          type="number"
          className="short"
          min={0}
          max={36_500}
          step={1}
          defaultValue={rule.days ?? ""}
        />
      </label>
      <label className="check">
        <input name="creators" type="checkbox" defaultChecked={rule.creators_read} />
        <span>The creators of the models may read them, and what is said of them.</span>
      </label>
      <div className="actions">
        <button type="submit" className="primary" disabled={choose.isPending || session?.scope !== "write"}>
          Save
        </button>
      </div>
      <ActionProblem error={choose.error} />
    </form>
  );
}
