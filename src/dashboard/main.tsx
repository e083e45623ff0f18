import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource/ibm-plex-sans/latin-400.css";
import "@fontsource/ibm-plex-sans/latin-600.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/tables.css";
import "./styles/forms.css";
import "./styles/charts.css";
import { askWhoIsIn } from "./data/session.ts";
import { App } from "./shell/app.tsx";
import { pageCodeAt } from "./shell/later.tsx";
import { applyTheme } from "./shell/theme.ts";

applyTheme();

/** So long the page may stay empty until it can be shown at once as it is, without a place for what is to come. */
const EMPTY_MS_MAX = 150;

const { pathname } = window.location;
const ready = [askWhoIsIn(), pageCodeAt(pathname.replace(/^\/dashboard/, "") || "/").catch(() => {})];
// Not awaited here: the code of pages imports from this very module, and would wait for its end.
void Promise.race([Promise.all(ready), new Promise((resolve) => setTimeout(resolve, EMPTY_MS_MAX))]).then(
  () => {
    const page = document.getElementById("page");
    if (page !== null)
      createRoot(page).render(
        <StrictMode>
          <App />
        </StrictMode>,
      );
  },
);
