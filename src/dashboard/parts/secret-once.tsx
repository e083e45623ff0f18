import { CopyButton } from "./copy-button.tsx";
import { Notice } from "./states.tsx";

/** A secret that was just made: shown this once, to be kept somewhere safe. */
export function SecretOnce({ secret, what }: { secret: string | null; what: string }) {
  return (
    <div role="status">
      {secret !== null && (
        <Notice tone="good">
          <p>
            <strong>The {what}, shown this once:</strong> keep it where secrets are kept.
          </p>
          <p>
            <code>{secret}</code>
          </p>
          <CopyButton text={secret} />
        </Notice>
      )}
    </div>
  );
}
