import { useApi } from "../data/use-api.ts";
import { Page } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { Shown } from "../parts/states.tsx";
import { Endpoints } from "./endpoints.tsx";
import { NewEndpoint } from "./new-endpoint.tsx";

/** The marketplace's own endpoints, where the events of every payee and customer are sent. */
export function EverybodysWebhooks() {
  const paging = usePaging();
  const endpoints = useApi("get /v1/webhook-endpoints", {
    query: { everybody: "true", limit: 20, cursor: paging.cursor },
  });
  return (
    <Page title="Webhooks of the marketplace">
      <NewEndpoint owner={{ everybody: true }} note="The events of every payee and every customer" />
      <Shown query={endpoints} lines={6}>
        {({ data, next_cursor }) => (
          <>
            <Endpoints endpoints={data} />
            <Pager paging={paging} next={next_cursor} oldestFirst />
          </>
        )}
      </Shown>
    </Page>
  );
}
