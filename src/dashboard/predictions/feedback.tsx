import type { Schema } from "../data/api.ts";
import { timeName } from "../data/time.ts";
import { Panel } from "../parts/page.tsx";

/** What its customer and the customer's users think of it. */
export function Feedback({ prediction }: { prediction: Schema<"Prediction"> }) {
  const { feedback, payload } = prediction;
  return (
    <Panel title="Feedback">
      {feedback.length === 0 ? (
        <p className="empty">
          {payload.state === "private"
            ? "What was said of it is its customer's: it may allow creators to read it."
            : "Nobody has said anything of it yet."}
        </p>
      ) : (
        <ul className="steps">
          {feedback.map(({ author, thumb, score, labels, text, updated_at }) => (
            <li key={author ?? ""}>
              <span>
                {thumb !== null && (
                  <span className={`tag ${thumb === "up" ? "good" : "bad"}`}>thumb {thumb}</span>
                )}{" "}
                {score !== null && `${score} of 100 `}
                {labels.map((label) => (
                  <span key={label} className="tag">
                    {label}
                  </span>
                ))}{" "}
                {text}
              </span>
              <span className="dim">
                {author ?? "the customer"}, {timeName(updated_at)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
