import { usePayee } from "../creator/payee-context.ts";
import { useSession } from "../data/session.ts";
import { useApi } from "../data/use-api.ts";
import { Page } from "../parts/page.tsx";
import { Shown } from "../parts/states.tsx";
import { AcceptTerms } from "./accept-terms.tsx";
import { Acceptances } from "./acceptances.tsx";
import { OfferTerms } from "./offer-terms.tsx";
import { OwnTerms } from "./own-terms.tsx";

/** What is asked of those who make models from others, and who accepted it: both sides. */
export function Royalties() {
  const payee = usePayee();
  const { data: session } = useSession();
  const acceptances = useApi("get /v1/royalty-acceptances", { query: { limit: 1000 } });
  const acts = session?.role === "payee" && session.scope === "write";
  return (
    <Page title="Royalties">
      <Shown query={acceptances} lines={8}>
        {({ data }) => {
          const own = data.filter((each) => each.payee === payee || each.offered_by === payee);
          return (
            <>
              <OwnTerms payee={payee} acts={acts} acceptances={own} />
              <Acceptances acceptances={own} payee={payee} />
            </>
          );
        }}
      </Shown>
      {acts && <OfferTerms payee={payee} />}
      {acts && <AcceptTerms payee={payee} />}
    </Page>
  );
}
