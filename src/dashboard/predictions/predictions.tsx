import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { useSession } from "../data/session.ts";
import { Page, Panel } from "../parts/page.tsx";
import { PredictionList } from "./prediction-list.tsx";

/** Finds one prediction by its id, or among those of a month. */
export function Predictions() {
  const [, go] = useLocation();
  const { data: session } = useSession();
  const [id, setId] = useState("");
  const find = (event: FormEvent) => {
    event.preventDefault();
    if (id.trim() !== "") go(`/predictions/${encodeURIComponent(id.trim())}`);
  };
  return (
    <Page title="Predictions">
      <Panel
        title="Find a prediction"
        note={
          session?.role === "customer"
            ? "Each has a permanent link: what came in and out, what it used, and what it cost."
            : "Each has a permanent link: what it used, what it cost, and who earned what of it."
        }
      >
        <form className="row-form" onSubmit={find}>
          <label className="choice grow">
            <span>Prediction id</span>
            <input
              value={id}
              onChange={(event) => setId(event.target.value)}
              required
              maxLength={256}
              spellCheck={false}
              autoComplete="off"
            />
          </label>
          <button type="submit" className="primary">
            Find
          </button>
        </form>
      </Panel>
      <PredictionList />
    </Page>
  );
}
