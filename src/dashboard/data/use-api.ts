import {
  type FetchQueryOptions,
  keepPreviousData,
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Answer, call, type Input, type Operation, Problem } from "./api.ts";

/** Answers are shown at once when a page is come back to, and asked for again when they are older than this. */
const FRESH_MS = 15_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      // What was refused is refused again; what could not be reached is tried twice more.
      retry: (count, error) =>
        count < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500),
      refetchOnWindowFocus: true,
    },
  },
});

export const keyOf = <O extends Operation>(operation: O, input: Input<O>) => [operation, input] as const;

/** What an operation answers, for a component. The answer before stays while the next one is fetched. */
export function useApi<O extends Operation>(
  operation: O,
  input: Input<O>,
  options: { enabled?: boolean; everyMs?: number } = {},
): UseQueryResult<Answer<O>, Error> {
  const asked = { queryKey: keyOf(operation, input), queryFn: () => call(operation, input) };
  const enabled = options.enabled ?? true;
  useAtOnce(asked, enabled);
  return useQuery<Answer<O>, Error>({
    ...asked,
    enabled,
    placeholderData: keepPreviousData as never,
    ...(options.everyMs === undefined ? {} : { refetchInterval: options.everyMs }),
  });
}

/** The same, where nothing being there yet is an answer too: null. */
export function useApiOrNull<O extends Operation>(
  operation: O,
  input: Input<O>,
): UseQueryResult<Answer<O> | null, Error> {
  const asked = {
    queryKey: keyOf(operation, input),
    queryFn: () =>
      call(operation, input).catch((error: unknown) => {
        if (error instanceof Problem && error.status === 404) return null;
        throw error;
      }),
  };
  useAtOnce(asked);
  return useQuery<Answer<O> | null, Error>(asked);
}

/** What was never asked for is asked for now, and not when the place that waits for it has been painted. */
export function useAtOnce(asked: FetchQueryOptions, enabled = true): void {
  const client = useQueryClient();
  if (enabled && client.getQueryState(asked.queryKey) === undefined) client.query(asked).catch(() => {});
}

/**
 * Something to be carried out. What it may have changed on the page is asked for again after, unless it only looks; but for
 * what it made go (`gone`), which is asked for when it is shown again.
 */
export function useAction<O extends Operation>(
  operation: O,
  {
    done,
    onlyLooks = false,
    gone,
  }: { done?: (answer: Answer<O>) => void; onlyLooks?: boolean; gone?: Operation } = {},
): UseMutationResult<Answer<O>, Error, Input<O>> {
  const client = useQueryClient();
  return useMutation<Answer<O>, Error, Input<O>>({
    mutationFn: (input) => call(operation, input),
    onSuccess: async (answer) => {
      done?.(answer);
      if (onlyLooks) return;
      const isGone = ({ queryKey }: { queryKey: readonly unknown[] }) => queryKey[0] === gone;
      await client.invalidateQueries({ predicate: isGone, refetchType: "none" });
      await client.invalidateQueries({
        predicate: (query) => query.queryKey[0] !== "session" && !isGone(query),
      });
    },
  });
}
