import { count, monthName } from "../data/time.ts";
import { Notice } from "../parts/states.tsx";
import { useLive } from "../shell/live-context.ts";

/** The step that the service carries out just now, and how far it is. */
export function RunProgress() {
  const run = useLive()?.run ?? null;
  return (
    <div role="status">
      {run !== null && (
        <Notice>
          <div className="progress">
            <span>
              {monthName(run.period)}: {run.step}
              {run.detail !== null && `, ${run.detail}`}
              {run.done !== null && run.total !== null && ` (${count(run.done)} of ${count(run.total)})`}
            </span>
            <progress
              aria-label={`Progress of ${run.step}`}
              {...(run.done === null || run.total === null
                ? {}
                : { value: run.done, max: Math.max(run.total, 1) })}
            />
          </div>
        </Notice>
      )}
    </div>
  );
}
