// Switches a card between several lists: one stop of the tab key, the arrow keys within.

import type { JSX, TargetedKeyboardEvent } from "preact";

interface Props {
  /** What the tabs are of, for who cannot see it. */
  label: string;
  tabs: readonly (readonly [string, string])[];
  chosen: string;
  /** The id of what they switch. */
  panel: string;
  onChoose: (name: string) => void;
}

export function Tabs({ label, tabs, chosen, panel, onChoose }: Props): JSX.Element {
  const step = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(([name]) => name === chosen);
    const next = (at + by + tabs.length) % tabs.length;
    const tab = tabs[next];
    if (!tab) return;
    onChoose(tab[0]);
    event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={step}>
      {tabs.map(([name, text]) => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={name === chosen}
          aria-controls={panel}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
