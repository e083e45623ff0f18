import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/*/tables.ts", "./src/adapters/*/tables.ts"],
  out: "./drizzle",
  casing: "snake_case",
});
