// The figures of the whole period, and one of them over time.

import type { JSX } from "preact";
import type { Overview as Told } from "../api/answers";
import type { Answer } from "../api/use_answer";
import { NAMES, changeOf, meaning, noteOf, valueOf, written } from "../view/figures";
import { intervalOf, isOpen } from "../view/period";
import type { Choose } from "../view/use_view";
import { CHARTED, type Charted, type View } from "../view/view";
import { Delta } from "./Delta";
import { Failed, Loading } from "./Notice";
import { Timeline } from "./Timeline";

interface Props {
  view: View;
  choose: Choose;
  currency: string | null;
  answer: Answer<Told>;
}

export function Overview({ view, choose, currency, answer }: Props): JSX.Element {
  const { data, error, isLoading } = answer;
  return (
    <section class="card overview" aria-label="Overview" aria-busy={isLoading}>
      {error && <Failed answer={answer} />}
      {!data && !error && <Loading rows={6} />}
      {data && !error && (
        <>
          <div class="tiles" role="radiogroup" aria-label="Figure in the chart">
            {CHARTED.map((metric) => (
              <Tile key={metric} data={data} metric={metric} currency={currency} view={view} choose={choose} />
            ))}
          </div>
          {data.totals.clicks === 0 && (data.totals.previous?.clicks ?? 0) === 0
            ? <Nothing data={data} isFiltered={view.filters.length > 0} />
            : (
              <Timeline data={data} metric={view.metric} currency={currency} interval={intervalOf(view)}>
                <Currencies data={data} currency={currency} choose={choose} />
              </Timeline>
            )}
          {data.previous_range && isOpen(view.period) && (
            <p class="hint">This period is not over yet; what it is compared with was whole.</p>
          )}
        </>
      )}
    </section>
  );
}

interface TileProps {
  data: Told;
  metric: Charted;
  currency: string | null;
  view: View;
  choose: Choose;
}

function Tile({ data, metric, currency, view, choose }: TileProps): JSX.Element {
  const { totals } = data;
  const change = changeOf(totals, metric, currency);
  const before = totals.previous && written(valueOf(totals.previous, metric, currency), metric, currency);
  const note = noteOf(totals, metric, currency);
  return (
    <label class="tile" title={meaning(data.definition, metric)}>
      <input
        type="radio"
        name="metric"
        class="unseen"
        checked={view.metric === metric}
        onChange={() => choose({ metric })}
      />
      <span class="tile-name">{NAMES[metric]}</span>
      <span class="tile-value" data-metric={metric}>{written(valueOf(totals, metric, currency), metric, currency)}</span>
      <span class="tile-note">
        {change !== undefined && <Delta change={change} before={before ?? "–"} />}
        {note && <span>{note}</span>}
      </span>
    </label>
  );
}

/** In which of several currencies revenue is shown. */
function Currencies({ data, currency, choose }: Pick<TileProps, "data" | "currency" | "choose">): JSX.Element | null {
  const { revenue, previous } = data.totals;
  const all = [...new Set([...revenue, ...(previous?.revenue ?? [])].map((sum) => sum.currency))].sort();
  if (all.length < 2) return null;
  return (
    <label class="choice currencies">
      <span>Revenue in</span>
      <select value={currency ?? ""} onChange={(event) => choose({ currency: event.currentTarget.value })}>
        {all.map((code) => <option key={code} value={code}>{code}</option>)}
      </select>
    </label>
  );
}

function Nothing({ data, isFiltered }: { data: Told; isFiltered: boolean }): JSX.Element {
  if (isFiltered) return <p class="empty">No click passes these filters in this period.</p>;
  if (data.freshness.last_click) return <p class="empty">Nobody clicked in this period. Choose a longer one.</p>;
  return (
    <div class="empty">
      <p>No click yet. Make a link and open it in a browser; it is here a second later:</p>
      <pre tabIndex={0}>{`curl -s ${location.origin}/api/v1/links -H "Authorization: Bearer $KEY" \\\n  -d '{"slug": "hello", "destination": "https://example.com/"}'`}</pre>
    </div>
  );
}
