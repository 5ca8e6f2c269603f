// What a part of the page says in place of numbers.

import type { ComponentChildren, JSX } from "preact";
import type { Answer } from "../api/use_answer";

/** Says that something failed, and offers to try again. */
export function Failed({ answer }: { answer: Answer<unknown> }): JSX.Element {
  return (
    <div class="failed" role="alert">
      <p>{answer.error}</p>
      <button type="button" onClick={answer.again}>Try again</button>
    </div>
  );
}

/** Says why there is nothing. */
export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** Where rows will be. */
export function Loading({ rows }: { rows: number }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="unseen">Loading …</span>
      {Array.from({ length: rows }, (_, row) => <div key={row} class="bone" />)}
    </div>
  );
}
