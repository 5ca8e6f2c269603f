// Who earned what, under two models side by side.

import { useState } from "preact/hooks";
import type { JSX, TargetedEvent } from "preact";
import type { Attribution as Told, Earned } from "../api/answers";
import * as reports from "../api/reports";
import { useAnswer } from "../api/use_answer";
import { useLinkNames } from "../api/use_link_names";
import { amountIn, mainCurrency, money } from "../format/money";
import { parts, sales, whole } from "../format/number";
import { shown } from "../view/dimensions";
import { nameOf } from "../view/link_names";
import type { Choose } from "../view/use_view";
import { LABELS, MODELS, type Label, type Model, type View } from "../view/view";
import { Empty, Failed, Loading } from "./Notice";

interface Props {
  view: View;
  choose: Choose;
  currency: string | null;
}

const ROWS = 8;

export function Attribution({ view, choose, currency }: Props): JSX.Element {
  const { by, models } = view;
  const { period, from, to, traffic } = view;
  const question = JSON.stringify([period, from, to, traffic, by, models]);
  const answer = useAnswer(question, (signal) => reports.attribution(view, signal));
  const { data, error, isLoading } = answer;
  const model = (place: 0 | 1) => (event: TargetedEvent<HTMLSelectElement>): void => {
    const models: [Model, Model] = [...view.models];
    models[place] = event.currentTarget.value as Model;
    choose({ models });
  };
  return (
    <section class="card" aria-label="Attribution" aria-busy={isLoading}>
      <header class="card-head">
        <h2>Attribution</h2>
        <label class="choice">
          <span>by</span>
          <select value={by} onChange={(event) => choose({ by: event.currentTarget.value as Label })}>
            {LABELS.map(([name, text]) => <option key={name} value={name}>{text}</option>)}
          </select>
        </label>
      </header>
      <div class="models">
        {([0, 1] as const).map((place) => (
          <label key={place} class={`choice model-${place}`}>
            <span class="unseen">{place === 0 ? "First model" : "Second model"}</span>
            <i class={`dot model-${place}`} />
            <select value={models[place]} onChange={model(place)}>
              {MODELS.map(([name, text]) => <option key={name} value={name}>{text}</option>)}
            </select>
          </label>
        ))}
      </div>
      {error && <Failed answer={answer} />}
      {!error && !data && <Loading rows={5} />}
      {!error && data && (data.totals.conversions === 0
        ? <Empty>No sale in this period. Send conversions to see who earned them.</Empty>
        : <Credits data={data} view={view} currency={currency} isStale={isLoading} />)}
      {view.filters.length > 0 && <p class="hint">Of all sales: filters would cut the ways that led to them.</p>}
    </section>
  );
}

interface CreditsProps {
  data: Told;
  view: View;
  currency: string | null;
  isStale: boolean;
}

function Credits({ data, view, currency, isStale }: CreditsProps): JSX.Element {
  const [isLong, setLong] = useState(false);
  useLinkNames(data.by === "link" ? data.models.flatMap(({ rows }) => rows.map((row) => String(row.link))) : []);
  const own = data.totals.revenue;
  const code = own.some((sum) => sum.currency === currency) ? currency : mainCurrency(own);
  const worth = (earned: Earned | undefined): number => {
    if (!earned) return 0;
    return code ? amountIn(earned.revenue, code) : earned.conversions;
  };
  const write = (value: number): string => (code ? money(value, code) : parts(value));
  // Two times the same model is one in the answer.
  const sides = view.models.map((name) => data.models.find(({ model }) => model.split(":")[0] === name));
  const [left, right] = sides;
  if (!left || !right) return <Loading rows={5} />;
  const labels = [...new Set(sides.flatMap((side) => side?.rows.map((row) => String(row[data.by])) ?? []))];
  const of = (side: typeof left, label: string): Earned | undefined => side.rows.find((row) => row[data.by] === label);
  const rows = labels
    .map((label) => ({ label, a: of(left, label), b: of(right, label) }))
    .sort((x, y) => Math.max(worth(y.a), worth(y.b)) - Math.max(worth(x.a), worth(x.b)));
  const most = Math.max(1, ...rows.flatMap(({ a, b }) => [worth(a), worth(b)]));
  const name = (label: string): string => (data.by === "link" ? nameOf(label) : shown(data.by, label));
  const nobody = data.models[0]?.unattributed;
  return (
    <div class={isStale ? "stale" : ""}>
      <table class="credits">
        <thead>
          <tr>
            <th scope="col"><span class="unseen">{data.by}</span></th>
            {view.models.map((model, place) => (
              <th key={place} scope="col" class="figure">{MODELS.find(([it]) => it === model)?.[1]}</th>
            ))}
            <th scope="col" class="figure wide">Difference</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, isLong ? rows.length : ROWS).map(({ label, a, b }) => (
            <tr key={label}>
              <th scope="row">
                <span class="credit-name">{name(label)}</span>
                <span class="pair" aria-hidden="true">
                  <i class="model-0" style={{ "--share": Math.max(0, worth(a)) / most }} />
                  <i class="model-1" style={{ "--share": Math.max(0, worth(b)) / most }} />
                </span>
              </th>
              <td class="figure" title={sales(a?.conversions ?? 0)}>{write(worth(a))}</td>
              <td class="figure" title={sales(b?.conversions ?? 0)}>{write(worth(b))}</td>
              <td class="figure wide">{write(worth(b) - worth(a))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="hint">
        {sales(data.totals.conversions)} of the period, by touches up to {data.look_back} before each
        {nobody && nobody.conversions > 0 && `; ${parts(nobody.conversions)} of them (${write(worth(nobody))}) had none`}
.
      </p>
      {rows.length > ROWS && (
        <button type="button" class="quiet more" aria-expanded={isLong} onClick={() => setLong(!isLong)}>
          {isLong ? "Fewer" : `All ${whole(rows.length)}`}
        </button>
      )}
    </div>
  );
}
