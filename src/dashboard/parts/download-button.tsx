import { type ReactNode, useState } from "react";
import { download, type Input, type Operation } from "../data/api.ts";

/** Saves an answer as a file. */
export function DownloadButton<O extends Operation>({
  operation,
  input,
  type,
  children,
}: {
  operation: O;
  input: Input<O>;
  type: string;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const save = async () => {
    setBusy(true);
    setProblem(null);
    await download(operation, input, type).catch((error: Error) => setProblem(error.message));
    setBusy(false);
  };
  return (
    <>
      <button type="button" onClick={() => void save()} disabled={busy}>
        {children}
      </button>
      <span role="status">{problem !== null && <span className="problem">{problem}</span>}</span>
    </>
  );
}
