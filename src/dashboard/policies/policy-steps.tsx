import type { Steps } from "./draft.ts";

/** A waterfall in words, in its order. */
export function PolicySteps({ steps }: { steps: Steps }) {
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={JSON.stringify(step)}>
          <span>{wordsOf(step)}</span>
        </li>
      ))}
    </ol>
  );
}

function wordsOf(step: Steps[number]): string {
  switch (step.take) {
    case "cost":
      return `Compute recovered: ${step.amount} per ${step.per} ${step.meter.replaceAll("_", " ")}`;
    case "platform":
      return `Marketplace fee: ${step.percent} % of ${step.of === "remaining" ? "what remains" : "gross"}`;
    case "royalty":
      return `Royalty to the base model: ${step.percent} % of ${step.of === "remaining" ? "what remains" : "gross"}`;
    case "shares":
      return `Shares of what remains: ${step.shares.map(({ payee, weight }) => `${payee} ${weight}`).join(", ")}`;
  }
}
