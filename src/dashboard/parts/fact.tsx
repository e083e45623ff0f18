import type { ReactNode } from "react";

/** One figure or word with its name, within a list of facts. */
export function Fact({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}
