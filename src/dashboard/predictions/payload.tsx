import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { Fact } from "../parts/fact.tsx";
import { Panel } from "../parts/page.tsx";
import { Notice } from "../parts/states.tsx";

type Prediction = Schema<"Prediction">;

const PARTS = ["input", "output", "logs", "error"] as const;
const TITLES: Record<(typeof PARTS)[number], string> = {
  input: "Input",
  output: "Output",
  logs: "Logs",
  error: "Error",
};

/** What came in and went out, where it is kept and whoever looks may read it. */
export function Payload({ prediction }: { prediction: Prediction }) {
  const { payload, metrics, created_at, started_at } = prediction;
  return (
    <Panel title="What came in and went out" note={noteOf(payload)}>
      {payload.state === "private" && (
        <Notice>Its customer has not allowed the model's creators to read it.</Notice>
      )}
      {payload.state === "none" && (
        <p className="empty">Nothing is kept: none was sent, or its time to be kept is over.</p>
      )}
      {payload.state === "kept" && (
        <>
          {PARTS.filter((name) => prediction[name] !== null).map((name) => (
            <details key={name} open={name !== "logs"}>
              <summary>{TITLES[name]}</summary>
              <pre className="payload">{textOf(prediction[name])}</pre>
            </details>
          ))}
          <dl className="facts">
            {created_at !== null && <Fact title="Asked for">{timeName(created_at)}</Fact>}
            {started_at !== null && <Fact title="Begun">{timeName(started_at)}</Fact>}
            {Object.entries(metrics ?? {}).map(([name, value]) => (
              <Fact key={name} title={name.replaceAll("_", " ")}>
                {value}
              </Fact>
            ))}
          </dl>
        </>
      )}
    </Panel>
  );
}

function noteOf({ state, expires_at }: Prediction["payload"]): string | undefined {
  if (state !== "kept") return undefined;
  return expires_at === null ? "Kept until a legal hold ends." : `Kept until ${timeName(expires_at)}.`;
}

/** Text as it is; lists of texts, as streams give them, joined; everything else as JSON. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === "string"))
    return value.join("");
  return JSON.stringify(value, null, 2);
}
