import { monthName, timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { MoneyView } from "../parts/money-view.tsx";
import { Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { usePayee } from "./payee-context.ts";

/** What changed of earnings after their month was closed, with what it corrects and why. */
export function Adjustments() {
  const id = usePayee();
  const adjustments = useApi("get /v1/payees/{id}/adjustments", { path: { id }, query: { limit: 50 } });
  return (
    <Panel
      title="Adjustments"
      note="What changed of your earnings after their month was closed: the latest 50."
    >
      <Shown query={adjustments} lines={3}>
        {({ data }) =>
          data.length === 0 ? (
            <p className="empty">Nothing that was closed has been changed.</p>
          ) : (
            <ul className="steps">
              {data.map(({ id: adjustment, kind, reason, corrects, made_at, parts }) => (
                <li key={adjustment}>
                  <span>
                    <span className="tag">{kind.replaceAll("_", " ")}</span> {reason}{" "}
                    {corrects !== null && (
                      <span className="dim">
                        corrects <code>{corrects}</code>
                      </span>
                    )}
                  </span>
                  <span className="dim">{timeName(made_at)}</span>
                  <ul className="steps inner">
                    {parts.map(({ model, service_month, part, paid_by, amount }) => (
                      <li key={[model, service_month, part, paid_by].join(" ")}>
                        <span>
                          {model ?? "not of one model"}
                          {service_month !== null && `, ${monthName(service_month)}`}
                        </span>
                        <MoneyView value={amount} signed />
                      </li>
                    ))}
                  </ul>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </Panel>
  );
}
