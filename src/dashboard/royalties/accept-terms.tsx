import { type FormEvent, useState } from "react";
import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ModelField, modelPath } from "../models/model-field.tsx";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice, Shown } from "../parts/states.tsx";
import { royaltyText } from "./royalty-text.ts";

/** Finds what somebody's model asks of those who make one from it, and accepts it. */
export function AcceptTerms({ payee }: { payee: string }) {
  const [base, setBase] = useState("");
  const find = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBase(String(new FormData(event.currentTarget).get("base")).trim());
  };
  return (
    <Panel
      title="Make a model from somebody else's"
      note="Before it can be registered, you accept what its base asks for."
    >
      <form className="row-form" onSubmit={find}>
        <ModelField label="Base model" name="base" placeholder="owner/model" />
        <button type="submit">Show its terms</button>
      </form>
      <div className="later stack">{base !== "" && <Offered key={base} base={base} payee={payee} />}</div>
    </Panel>
  );
}

function Offered({ base, payee }: { base: string; payee: string }) {
  const terms = useApi("get /v1/models/{owner}/{name}/royalty-terms", { path: modelPath(base) });
  return (
    <Shown query={terms} lines={4}>
      {({ data }) => {
        const inForce = data.find(({ state }) => state === "in_force");
        if (inForce === undefined)
          return <p className="empty">{base} asks for no royalty now: nothing is to be accepted.</p>;
        return <Acceptable terms={inForce} payee={payee} />;
      }}
    </Shown>
  );
}

function Acceptable({ terms, payee }: { terms: Schema<"RoyaltyTerms">; payee: string }) {
  const accept = useAction("post /v1/royalty-terms/{id}/accept");
  const [model, setModel] = useState("");
  const { id, offered_by, wording, effective_from, ends_at } = terms;
  if (offered_by === payee)
    return <p className="empty">These are your own terms: you need not accept them.</p>;
  return (
    <>
      <Notice>
        <strong>
          {royaltyText(terms)}, asked by {offered_by} since {timeName(effective_from)}
          {ends_at !== null && ` until ${timeName(ends_at)}`}
        </strong>
        <p className="wording">{wording}</p>
      </Notice>
      <div className="row-form">
        <label className="choice grow">
          <span>Your model's name</span>
          <input
            value={model}
            placeholder={`${payee}/model`}
            onChange={(event) => setModel(event.target.value.trim())}
          />
        </label>
        <ConfirmButton
          label="Accept"
          title={`Accept these terms for ${model}?`}
          disabled={accept.isPending || !/^[^\s/]+\/[^\s/]+$/.test(model)}
          onConfirm={() => accept.mutate({ path: { id }, body: { model } })}
        >
          <p>
            {royaltyText(terms)} of each prediction of {model} goes to {offered_by}, from the day it is
            registered. It cannot be taken back.
          </p>
        </ConfirmButton>
      </div>
      <ActionProblem error={accept.error} />
      <div role="status">
        {accept.isSuccess && (
          <Notice tone="good">Accepted: the marketplace can register {accept.data.model} now.</Notice>
        )}
      </div>
    </>
  );
}
