// A change against the time before: up, down or neither, told by more than colour.

import type { JSX } from "preact";
import type { Change } from "../format/number";

const SIGNS = { up: "↑", down: "↓", same: "→" } as const;

export function Delta({ change, before }: { change: Change | null; before: string }): JSX.Element {
  if (!change) return <span class="delta" title={`Before: ${before}`}>new</span>;
  return (
    <span class={`delta ${change.direction}`} title={`Before: ${before}`}>
      <span aria-hidden="true">{SIGNS[change.direction]}</span> {change.text}
    </span>
  );
}
