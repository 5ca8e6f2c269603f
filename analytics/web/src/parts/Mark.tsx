// The name and its sign.

import type { JSX } from "preact";

export function Mark(): JSX.Element {
  return (
    <span class="mark">
      <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
        <rect width="32" height="32" rx="8" class="mark-ground" />
        <path d="M7 10l4.5 13L16 12l4.5 11L25 10" class="mark-line" />
      </svg>
      Whence
    </span>
  );
}
