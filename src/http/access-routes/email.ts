import { z } from "zod";

/** An address, in small letters: that is how people are told apart. */
export const Email = z
  .email("an e-mail address")
  .max(254)
  .transform((text) => text.toLowerCase())
  .meta({ example: "ada@example.com" });
