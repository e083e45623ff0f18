/** "12.5 % of gross", as it stands in the lineage too. */
export function royaltyText({ percent, of }: { percent: string; of: "gross" | "remaining" }): string {
  return `${percent} % of ${of === "remaining" ? "what remains" : "gross"}`;
}
