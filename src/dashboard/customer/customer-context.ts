import { createContext, useContext } from "react";

export const CustomerContext = createContext("");

/** Whose usage the page is about. */
export function useCustomer(): string {
  return useContext(CustomerContext);
}
