// When, whose clicks, and compared with what.

import { useId, useState } from "preact/hooks";
import type { JSX, TargetedEvent } from "preact";
import type { Stretch } from "../api/answers";
import { rangeName } from "../format/time";
import { PERIODS, type Period, dayNumber } from "../view/period";
import type { Choose } from "../view/use_view";
import { COMPARISONS, type Comparison, type View } from "../view/view";

interface Props {
  view: View;
  choose: Choose;
  range: Stretch | null;
  zone: string;
}

export function Toolbar({ view, choose, range, zone }: Props): JSX.Element {
  const [isChoosing, setChoosing] = useState(view.period === "custom");
  const id = useId();
  const period = (event: TargetedEvent<HTMLSelectElement>): void => {
    const period = event.currentTarget.value as Period;
    setChoosing(period === "custom");
    if (period !== "custom") choose({ period, from: null, to: null });
  };
  const compare = (event: TargetedEvent<HTMLSelectElement>): void =>
    choose({ compare: event.currentTarget.value as Comparison });
  return (
    <section class="toolbar" aria-label="What is shown">
      <label class="choice" for={`${id}-period`}>
        <span>Period</span>
        <select id={`${id}-period`} value={isChoosing ? "custom" : view.period} onChange={period}>
          {PERIODS.map(([name, label]) => <option key={name} value={name}>{label}</option>)}
        </select>
      </label>
      {isChoosing && <Days view={view} range={range} choose={choose} />}
      <label class="choice" for={`${id}-compare`}>
        <span>Compared with</span>
        <select id={`${id}-compare`} value={view.compare} onChange={compare}>
          {COMPARISONS.map(([name, label]) => <option key={name} value={name}>{label}</option>)}
        </select>
      </label>
      <fieldset class="switch">
        <legend class="unseen">Traffic</legend>
        {([["human", "People"], ["all", "All, bots too"]] as const).map(([name, label]) => (
          <label key={name}>
            <input type="radio" name={`${id}-traffic`} checked={view.traffic === name} onChange={() => choose({ traffic: name })} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      {range && <p class="range">{rangeName(range)} <span>· {zone}</span></p>}
    </section>
  );
}

/** The first and the last day of a range of one's own. */
function Days({ view, range, choose }: Omit<Props, "zone">): JSX.Element {
  const day = (time: string | undefined): string => time?.slice(0, 10) ?? "";
  const [from, setFrom] = useState(view.from ?? day(range?.from));
  const [to, setTo] = useState(view.to ?? "");
  const [first, last] = [dayNumber(from), dayNumber(to)];
  const isBackwards = first !== null && last !== null && first > last;
  const isWhole = first !== null && last !== null && !isBackwards;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isWhole) choose({ period: "custom", from, to });
  };
  return (
    <form class="days" onSubmit={submit}>
      <label>
        <span>First day</span>
        <input type="date" value={from} required onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        <span>Last day</span>
        <input type="date" value={to} required onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit" class="primary" disabled={!isWhole}>Show</button>
      {isBackwards && <p class="wrong" role="alert">The last day is before the first.</p>}
    </form>
  );
}
