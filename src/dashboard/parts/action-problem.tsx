import { Problem } from "../data/api.ts";
import { Notice } from "./states.tsx";

/** Why something that was asked for was refused, and what to do. Its place is announced when it fills. */
export function ActionProblem({ error }: { error: Error | null }) {
  return (
    <div role="status">
      {error !== null && (
        <Notice tone="bad">
          {error.message}
          {error instanceof Problem && error.errors.length > 1 && (
            <ul>
              {error.errors.map(({ path, message }) => (
                <li key={path}>
                  <code>{path}</code>: {message}
                </li>
              ))}
            </ul>
          )}
        </Notice>
      )}
    </div>
  );
}
