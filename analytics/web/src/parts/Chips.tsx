// What the page is narrowed to, each with a way to take it back.

import type { JSX } from "preact";
import { useLinkNames } from "../api/use_link_names";
import { dimension, shown } from "../view/dimensions";
import { nameOf } from "../view/link_names";
import type { Choose } from "../view/use_view";
import { type View, toggled } from "../view/view";

interface Props {
  view: View;
  choose: Choose;
}

export function Chips({ view, choose }: Props): JSX.Element | null {
  useLinkNames(view.filters.find((filter) => filter.dimension === "link")?.values ?? []);
  if (view.filters.length === 0) return null;
  return (
    <section class="chips" aria-label="Filters">
      <ul>
        {view.filters.flatMap((filter) => filter.values.map((value) => {
          const { singular } = dimension(filter.dimension);
          const text = filter.dimension === "link" ? nameOf(value) : shown(filter.dimension, value);
          return (
            <li key={`${filter.dimension}=${value}`}>
              <button
                type="button"
                class="chip"
                aria-label={`Remove the filter ${singular}: ${text}`}
                onClick={() => choose({ filters: toggled(view, filter.dimension, value).filters })}
              >
                <span class="chip-name">{singular}</span> {text} <span aria-hidden="true" class="chip-cross">×</span>
              </button>
            </li>
          );
        }))}
        {view.filters.flatMap((filter) => filter.values).length > 1 && (
          <li><button type="button" class="quiet" onClick={() => choose({ filters: [] })}>Remove all</button></li>
        )}
      </ul>
    </section>
  );
}
