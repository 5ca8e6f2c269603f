// Who is looking: somebody who has to sign in, or somebody who has.

import { useCallback, useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import type { Session } from "../api/answers";
import { current, signOut } from "../api/session";
import { SignedOut } from "../api/use_answer";
import { Page } from "./Page";
import { SignIn } from "./SignIn";

type Who = { state: "asking" } | { state: "nobody"; why: string | null } | { state: "somebody"; session: Session };

export function App(): JSX.Element {
  const [who, setWho] = useState<Who>({ state: "asking" });
  useEffect(() => {
    current().then(
      (session) => setWho(session ? { state: "somebody", session } : { state: "nobody", why: null }),
      (error: Error) => setWho({ state: "nobody", why: error.message }),
    );
  }, []);
  const ended = useCallback(() => setWho({ state: "nobody", why: "Your session is over. Sign in again; your view is kept." }), []);
  const leave = useCallback(() => {
    signOut().then(
      () => setWho({ state: "nobody", why: null }),
      (error: Error) => setWho({ state: "nobody", why: `You may still be signed in: ${error.message}` }),
    );
  }, []);
  switch (who.state) {
    case "asking":
      return <p class="waiting" role="status">Loading …</p>;
    case "nobody":
      return <SignIn why={who.why} onSignedIn={(session) => setWho({ state: "somebody", session })} />;
    case "somebody":
      return (
        <SignedOut.Provider value={ended}>
          <Page session={who.session} onLeave={leave} />
        </SignedOut.Provider>
      );
  }
}
