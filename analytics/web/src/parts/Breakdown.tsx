// Clicks and what became of them by one dimension. A row is a filter of the whole page.

import { useId, useState } from "preact/hooks";
import type { JSX } from "preact";
import type { Breakdown as Told, Overview, Row as Counted } from "../api/answers";
import * as reports from "../api/reports";
import { type Answer, useAnswer } from "../api/use_answer";
import { dimension, shown } from "../view/dimensions";
import { changeOf, meaning, noteOf, valueOf, written } from "../view/figures";
import { learn, nameOf, shortly } from "../view/link_names";
import type { Choose } from "../view/use_view";
import { type View, isFiltered, toggled } from "../view/view";
import { Delta } from "./Delta";
import { Empty, Failed, Loading } from "./Notice";
import { Tabs } from "./Tabs";

interface Props {
  view: View;
  choose: Choose;
  currency: string | null;
  title: string;
  dimensions: string[];
  /** What came with the first figures. */
  overview: Answer<Overview>;
}

/** Rows at first. */
export const ROWS = 8;
const MORE_ROWS = 200;

export function Breakdown({ view, choose, currency, title, dimensions, overview }: Props): JSX.Element {
  const [chosen, setChosen] = useState(dimensions[0] ?? "channel");
  const [isLong, setLong] = useState(false);
  const panel = useId();
  // A link's id says nothing to people.
  const asked = chosen === "link" ? ["link", "domain", "slug"] : [chosen];
  const limit = isLong ? MORE_ROWS : ROWS;
  const isTold = chosen === dimensions[0] && chosen !== "link" && !isLong;
  const question = isTold ? null : JSON.stringify([reports.common(view), chosen, limit]);
  const own = useAnswer(question, async (signal) => {
    const told = await reports.breakdown(view, asked, limit, signal);
    if (chosen === "link") learn(told.rows);
    return { of: chosen, told };
  });
  const answer = isTold ? overview : own;
  // While another list is on its way, the old one would stand under the wrong name.
  const ofOwn = own.data?.of === chosen ? own.data.told : null;
  const data = isTold ? overview.data?.breakdowns.find(({ dimension }) => dimension === chosen) ?? null : ofOwn;
  const definition = overview.data?.definition ?? {};
  const tabs = dimensions.map((name) => [name, dimension(name).plural] as const);
  return (
    <section class="card" aria-label={title} aria-busy={answer.isLoading}>
      <header class="card-head">
        <h2>{title}</h2>
        <Tabs label={title} tabs={tabs} chosen={chosen} panel={panel} onChoose={setChosen} />
      </header>
      <div id={panel} role="tabpanel" aria-label={dimension(chosen).plural} class={answer.isLoading ? "stale" : ""}>
        {answer.error && <Failed answer={answer} />}
        {!answer.error && !data && <Loading rows={ROWS} />}
        {!answer.error && data && <Rows data={data} name={chosen} {...{ view, choose, currency, isLong, definition }} />}
        {!answer.error && data && data.groups > ROWS && (
          <button type="button" class="quiet more" aria-expanded={isLong} onClick={() => setLong(!isLong)}>
            {isLong ? "Fewer" : `All ${Math.min(data.groups, MORE_ROWS)}`}
          </button>
        )}
      </div>
    </section>
  );
}

interface RowsProps {
  data: Told;
  name: string;
  view: View;
  choose: Choose;
  currency: string | null;
  isLong: boolean;
  definition: Record<string, string>;
}

function Rows({ data, name, view, choose, currency, isLong, definition }: RowsProps): JSX.Element {
  if (data.rows.length === 0) return <Empty>Nothing in this period.</Empty>;
  if (data.rows.every((row) => row[name] === "")) {
    const { plural, nothing } = dimension(name);
    return <Empty>No {plural.toLowerCase()} are known for these clicks: all are “{nothing}”.</Empty>;
  }
  const most = Math.max(...data.rows.map((row) => row.clicks));
  return (
    <div class={isLong ? "scroll" : ""} tabIndex={isLong ? 0 : -1}>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col"><span class="unseen">{dimension(name).singular}</span></th>
            <th scope="col" class="figure" title={meaning(definition, "clicks")}>Clicks</th>
            <th scope="col" class="figure" title={meaning(definition, "conversions")}>Conv.</th>
            <th scope="col" class="figure wide" title={meaning(definition, "conversion_rate")}>Rate</th>
            <th scope="col" class="figure" title={meaning(definition, "revenue")}>Revenue</th>
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row) => {
            const value = String(row[name]);
            const text = name === "link" ? shortly(data.rows, value) : shown(name, value);
            return <Row key={value} {...{ row, name, value, text, view, choose, currency, most }} />;
          })}
        </tbody>
      </table>
      {name === "tag" && <p class="hint">A click counts under each of its tags.</p>}
    </div>
  );
}

interface RowProps extends Omit<RowsProps, "data" | "isLong" | "definition"> {
  row: Counted;
  value: string;
  text: string;
  most: number;
}

function Row({ row, name, value, text, view, choose, currency, most }: RowProps): JSX.Element {
  const full = name === "link" ? nameOf(value) : text;
  const isOn = isFiltered(view, name, value);
  const change = changeOf(row, "clicks", currency);
  const write = (metric: Parameters<typeof written>[1]): string => written(valueOf(row, metric, currency), metric, currency);
  return (
    <tr>
      <th scope="row" style={{ "--share": most > 0 ? row.clicks / most : 0 }}>
        <button
          type="button"
          class={value === "" ? "nothing" : ""}
          aria-pressed={isOn}
          title={isOn ? `Remove the filter: ${full}` : `Only ${full}`}
          onClick={() => choose({ filters: toggled(view, name, value).filters })}
        >
          {text}
        </button>
      </th>
      <td class="figure" data-metric="clicks">
        {write("clicks")}
        {change !== undefined && <Delta change={change} before={written(row.previous?.clicks ?? 0, "clicks", currency)} />}
      </td>
      <td class="figure">{write("conversions")}</td>
      <td class="figure wide" title={noteOf(row, "conversion_rate", currency) ?? undefined}>{write("conversion_rate")}</td>
      <td class="figure" title={noteOf(row, "revenue", currency) ?? undefined}>{row.revenue.length > 0 ? write("revenue") : "–"}</td>
    </tr>
  );
}
