import { useState } from "react";

/** Copies a text, and says so until there is another one. */
export function CopyButton({ text }: { text: string }) {
  const [copied, setCopied] = useState("");
  return (
    <button
      type="button"
      onClick={() =>
        void navigator.clipboard.writeText(text).then(
          () => setCopied(text),
          () => {},
        )
      }
    >
      {copied === text ? "Copied" : "Copy"}
    </button>
  );
}
