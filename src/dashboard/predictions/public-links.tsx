import { timeName } from "../data/time.ts";
import { useAction, useApi } from "../data/use-api.ts";
import { ActionProblem } from "../parts/action-problem.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Panel } from "../parts/page.tsx";
import { Pager, usePaging } from "../parts/pager.tsx";
import { SecretOnce } from "../parts/secret-once.tsx";
import { Shown } from "../parts/states.tsx";

/** Public links of a prediction, made and taken back by its customer or for it by an operator. */
export function PublicLinks({ id, source }: { id: string; source: string }) {
  const query = { source };
  const paging = usePaging();
  const links = useApi("get /v1/predictions/{id}/shares", {
    path: { id },
    query: { ...query, limit: 20, cursor: paging.cursor },
  });
  const make = useAction("post /v1/predictions/{id}/shares");
  const takeBack = useAction("delete /v1/predictions/{id}/shares/{share}");
  return (
    <Panel
      title="Public links"
      note="Whoever has one sees what came in and out; not who paid or earned."
      actions={
        <ConfirmButton
          label="Make a public link"
          title="Make this prediction public?"
          disabled={make.isPending}
          onConfirm={() => make.mutate({ path: { id }, query })}
        >
          <p>Its input, output and logs can be read by everybody who has the link, until it is taken back.</p>
        </ConfirmButton>
      }
    >
      <ActionProblem error={make.error ?? takeBack.error} />
      <SecretOnce secret={make.data?.url ?? null} what="link" />
      <Shown query={links} lines={2}>
        {({ data, next_cursor }) =>
          data.length === 0 && paging.isFirst ? (
            <p className="empty">There are none.</p>
          ) : (
            <>
              <ul className="steps">
                {data.map((link) => (
                  <li key={link.id}>
                    <span>
                      Made {timeName(link.created_at)}
                      {link.expires_at !== null && `, ends ${timeName(link.expires_at)}`}
                    </span>
                    <button
                      type="button"
                      className="danger"
                      disabled={takeBack.isPending}
                      onClick={() => takeBack.mutate({ path: { id, share: link.id }, query })}
                    >
                      Take it back
                    </button>
                  </li>
                ))}
              </ul>
              <Pager paging={paging} next={next_cursor} oldestFirst />
            </>
          )
        }
      </Shown>
    </Panel>
  );
}
