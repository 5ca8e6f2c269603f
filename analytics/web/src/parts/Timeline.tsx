// A figure over time, beside the time before: as a chart, and as a table for who would rather read.

import { useMemo, useState } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";
import type { Overview } from "../api/answers";
import { intervalName, rangeName } from "../format/time";
import { NAMES, rough, valueOf, written } from "../view/figures";
import type { Interval } from "../view/period";
import type { Charted } from "../view/view";
import { Chart } from "./Chart";

interface Props {
  data: Overview;
  metric: Charted;
  currency: string | null;
  interval: Interval;
  /** More to choose, beside the switch to a table. */
  children?: ComponentChildren;
}

export function Timeline({ data, metric, currency, interval, children }: Props): JSX.Element {
  const [isTable, setTable] = useState(false);
  const points = useMemo(() => {
    const now = Date.now();
    // A rate of no clicks is no rate; an interval to come has no figure.
    return data.rows.map((row, place) => {
      const begins = new Date(row.time).getTime();
      const ends = new Date(data.rows[place + 1]?.time ?? data.range.to).getTime();
      return {
        time: row.time,
        now: begins > now ? null : valueOf(row, metric, currency),
        before: row.previous ? valueOf(row.previous, metric, currency) : null,
        isOpen: begins <= now && now < ends,
      };
    });
  }, [data, metric, currency]);
  const write = (value: number | null): string => written(value, metric, currency);
  const hasBefore = data.previous_range !== null;
  const name = NAMES[metric];
  return (
    <figure class="timeline">
      <figcaption>
        <strong>{name} by {interval}</strong>
        <span class="key"><i class="line now" /> {rangeName(data.range)}</span>
        {data.previous_range && <span class="key"><i class="line before" /> {rangeName(data.previous_range)}</span>}
        <span class="gap" />
        {children}
        <button type="button" class="quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {isTable ? "As a chart" : "As a table"}
        </button>
      </figcaption>
      {isTable ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${name} by ${interval}`}>
          <table class="plain">
            <thead>
              <tr><th scope="col">When</th><th scope="col" class="figure">{name}</th>{hasBefore && <th scope="col" class="figure">Before</th>}</tr>
            </thead>
            <tbody>
              {points.map((point) => (
                <tr key={point.time}>
                  <th scope="row">{intervalName(point.time, interval)}</th>
                  <td class="figure">{write(point.now)}</td>
                  {hasBefore && <td class="figure">{write(point.before)}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Chart
          points={points}
          hasBefore={hasBefore}
          interval={interval}
          label={`${name} by ${interval}; the arrow keys go from one to the next`}
          write={write}
          rough={(value) => rough(value, metric, currency)}
          isCount={metric !== "conversion_rate" && metric !== "revenue"}
        />
      )}
    </figure>
  );
}
