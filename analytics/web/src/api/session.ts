// Signing in and out. The key goes to the server once and is kept nowhere here: what stays is a cookie that scripts cannot read.

import type { Session } from "./answers";
import { ask } from "./client";

const PATH = "/dashboard/session";

interface Told {
  session: Session | null;
}

/** The session there is; null where nobody is signed in. */
export async function current(): Promise<Session | null> {
  return (await ask<Told>("GET", PATH)).session;
}

export async function signIn(key: string): Promise<Session> {
  const { session } = await ask<Told>("POST", PATH, { key });
  if (!session) throw new Error("a session was opened and not told");
  return session;
}

export async function signOut(): Promise<void> {
  await ask<void>("DELETE", PATH);
}
