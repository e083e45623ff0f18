import { Page } from "../parts/page.tsx";
import { EmptyState } from "../parts/states.tsx";

export function NoSuchPage() {
  return (
    <Page title="Not found">
      <EmptyState title="There is no such page">The list of pages has all that there are.</EmptyState>
    </Page>
  );
}
