import { Link } from "wouter";
import { timeName } from "../data/time.ts";
import { useApi } from "../data/use-api.ts";
import { LineageTree } from "../models/lineage-tree.tsx";
import { PriceList } from "../models/price-list.tsx";
import { Page, Panel } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { PolicyEditor } from "../policies/policy-editor.tsx";
import { PolicySteps } from "../policies/policy-steps.tsx";
import { PriceEditor } from "./price-editor.tsx";

/** One model's terms; a new policy is tried on a month's usage before it is posted. */
export function CatalogueModel({ params }: { params: { owner: string; name: string } }) {
  const id = `${params.owner}/${params.name}`;
  const model = useApi("get /v1/models/{owner}/{name}", { path: params });
  return (
    <Page title={id} above={<Link href="/catalogue">Catalogue</Link>}>
      <div className="two">
        <Panel title="Lineage">
          <Shown query={model}>{({ lineage }) => <LineageTree nodes={lineage} under="/catalogue" />}</Shown>
        </Panel>
        <Panel title="Prices">
          <Shown query={model}>{({ prices }) => <PriceList prices={prices} />}</Shown>
        </Panel>
      </div>
      <Panel title="Revenue policy" note="Each version holds from its time on, until the next.">
        <Shown query={model}>
          {({ policies }) =>
            policies.length === 0 ? (
              <p className="empty">It has none of its own: the marketplace's default holds.</p>
            ) : (
              [...policies].reverse().map(({ steps, effective_from }) => (
                <div key={effective_from}>
                  <p className="dim">
                    {effective_from === null ? "From the beginning" : `From ${timeName(effective_from)}`}
                  </p>
                  <PolicySteps steps={steps} />
                </div>
              ))
            )
          }
        </Shown>
      </Panel>
      <Shown query={model}>
        {({ policies, prices }) => (
          <>
            <PolicyEditor key={`policy ${id}`} model={id} steps={policies.at(-1)?.steps ?? null} />
            <PriceEditor key={`price ${id}`} model={id} price={prices.at(-1)} />
          </>
        )}
      </Shown>
    </Page>
  );
}
