import { useState } from "react";
import { Notice } from "./states.tsx";

/** A secret that was just made: shown this once, to be kept somewhere safe. */
export function SecretOnce({ secret, what }: { secret: string | null; what: string }) {
  const [copied, setCopied] = useState(false);
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
          <button
            type="button"
            onClick={() =>
              void navigator.clipboard.writeText(secret).then(
                () => setCopied(true),
                () => {},
              )
            }
          >
            {copied ? "Copied" : "Copy"}
          </button>
        </Notice>
      )}
    </div>
  );
}
