// How fresh what is shown is, and the way to something fresher.

import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";
import type { About } from "../api/answers";
import { ago, moment } from "../format/time";

interface Props {
  about: About | null;
  isLoading: boolean;
  onAgain: () => void;
}

/** How often "5 minutes ago" is told anew. */
const TOLD_EVERY_MS = 30_000;

export function Freshness({ about, isLoading, onAgain }: Props): JSX.Element {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TOLD_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const last = about?.freshness.last_click ?? null;
  return (
    <p class="fresh">
      {about && (last ? <span title={moment(last)}>Last click {ago(last, Math.max(now, Date.now()))}</span> : <span>No click yet</span>)}
      <button type="button" class="quiet" onClick={onAgain} disabled={isLoading}>Refresh</button>
    </p>
  );
}
