import { createContext, useContext } from "react";

export const PayeeContext = createContext("");

/** Whose money the page is about. */
export function usePayee(): string {
  return useContext(PayeeContext);
}
