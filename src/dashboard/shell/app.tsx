import { QueryClientProvider } from "@tanstack/react-query";
import { Router } from "wouter";
import { useSession } from "../data/session.ts";
import { queryClient } from "../data/use-api.ts";
import { ErrorState } from "../parts/states.tsx";
import { CreatorHouse } from "./creator-house.tsx";
import { CustomerHouse } from "./customer-house.tsx";
import { useLinkByMail } from "./link-by-mail.ts";
import { Login } from "./login.tsx";
import { OperatorHouse } from "./operator-house.tsx";

/** The whole page: who is signed in decides which house it opens. */
export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Router base="/dashboard">
        <Door />
      </Router>
    </QueryClientProvider>
  );
}

function Door() {
  const { data: session, error, refetch } = useSession();
  const linkProblem = useLinkByMail(session !== undefined);
  if (error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (session === undefined) return <p className="door" aria-busy="true" />;
  if (session === null) return <Login linkProblem={linkProblem} />;
  if (session.role === "operator") return <OperatorHouse session={session} />;
  if (session.role === "payee" && session.payee !== null)
    return <CreatorHouse session={session} payee={session.payee} />;
  if (session.role === "customer" && session.customer !== null)
    return <CustomerHouse session={session} customer={session.customer} />;
  return <Login wrongRole={session.role} linkProblem={linkProblem} />;
}
