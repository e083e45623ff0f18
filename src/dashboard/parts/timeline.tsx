export interface TimelineStep {
  at: string;
  what: string;
  more: string;
}

/** What happened, in its order. */
export function Timeline({ steps }: { steps: TimelineStep[] }) {
  return (
    <ol className="timeline">
      {steps.map(({ at, what, more }) => (
        <li key={`${at} ${what}`}>
          <span className="timeline-what">{what}</span>
          <span className="dim">
            {at}
            {more !== "" && `: ${more}`}
          </span>
        </li>
      ))}
    </ol>
  );
}
