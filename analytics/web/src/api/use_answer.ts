// One question of a part of the page: asked when it changes, and the newest alone is shown.

import { useContext, useEffect, useState } from "preact/hooks";
import { createContext } from "preact";
import { Refused } from "./client";

/** What to do when the session is over. */
export const SignedOut = createContext<() => void>(() => {});
/** Counts how often all was asked for again by hand. */
export const Round = createContext(0);

export interface Answer<T> {
  /** What was answered last, maybe to the question before. */
  data: T | null;
  /** Why there is nothing newer. */
  error: string | null;
  /** Whether an answer is on its way. */
  isLoading: boolean;
  /** Asks once more. */
  again: () => void;
}

/** Asks whenever `question` changes; null asks nothing yet. */
export function useAnswer<T>(question: string | null, ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const signedOut = useContext(SignedOut);
  const round = useContext(Round);
  const [tries, setTries] = useState(0);
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isLoading, setLoading] = useState(true);
  useEffect(() => {
    if (question === null) return;
    const stop = new AbortController();
    setLoading(true);
    ask(stop.signal).then(
      (found) => {
        setData(found);
        setError(null);
        setLoading(false);
      },
      (failure: unknown) => {
        if (stop.signal.aborted) return;
        if (failure instanceof Refused && failure.isSignedOut) signedOut();
        setError(failure instanceof Error ? failure.message : String(failure));
        setLoading(false);
      },
    );
    return () => stop.abort();
    // `ask` is made anew each time, of what `question` names.
  }, [question, round, tries]);
  return { data, error, isLoading, again: () => setTries((before) => before + 1) };
}
