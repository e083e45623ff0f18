import { createContext, useContext } from "react";
import type { LiveFigures } from "../data/live.ts";

export const LiveContext = createContext<LiveFigures | null>(null);

/** What the service told last; null before it told anything. */
export function useLive(): LiveFigures | null {
  return useContext(LiveContext);
}
