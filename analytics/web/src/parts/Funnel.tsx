// From click to lead to sale: how many people get how far.

import type { JSX } from "preact";
import type { Step } from "../api/answers";
import * as reports from "../api/reports";
import { useAnswer } from "../api/use_answer";
import { duration } from "../format/time";
import { interval, percent, whole } from "../format/number";
import type { View } from "../view/view";
import { Empty, Failed, Loading } from "./Notice";

const NAMES: Record<string, string> = { click: "Clicked", lead: "Became a lead", sale: "Bought" };

export function Funnel({ view }: { view: View }): JSX.Element {
  const question = JSON.stringify(reports.common(view));
  const answer = useAnswer(question, (signal) => reports.funnel(view, signal));
  const { data, error, isLoading } = answer;
  const first = data?.rows[0]?.people ?? 0;
  const within = data?.rows.flatMap(({ event, within }) => (within ? [`${event} within ${within}`] : [])).join(", ");
  return (
    <section class="card funnel-card" aria-label="Funnel" aria-busy={isLoading}>
      <header class="card-head">
        <h2>Funnel</h2>
        {within && <p class="hint">{within}</p>}
      </header>
      {error && <Failed answer={answer} />}
      {!error && !data && <Loading rows={3} />}
      {!error && data && first === 0 && <Empty>Nobody clicked in this period.</Empty>}
      {!error && data && first > 0 && (
        <ol class={`funnel ${isLoading ? "stale" : ""}`}>
          {data.rows.map((step, place) => (
            <StepBar key={step.event} step={step} isEntry={place === 0} first={first} next={data.rows[place + 1]?.people ?? null} />
          ))}
        </ol>
      )}
    </section>
  );
}

interface StepProps {
  step: Step;
  /** Whether it is the first. */
  isEntry: boolean;
  /** How many entered. */
  first: number;
  /** How many took the step behind it; null where there is none. */
  next: number | null;
}

function StepBar({ step, isEntry, first, next }: StepProps): JSX.Element {
  const details = [
    isEntry && "people, each once",
    step.rate_from_last !== null && `${percent(step.rate_from_last.value)} of the step before`,
    step.time_from_last.p50 !== null && `half within ${duration(step.time_from_last.p50)}`,
    step.open > 0 && `${whole(step.open)} still may`,
  ];
  return (
    <li>
      <span class="step-name">{NAMES[step.event] ?? step.event}</span>
      <span class="step-people" data-step={step.event}>{whole(step.people)}</span>
      <span class="step-rate" title={step.rate_from_first ? `95 %: ${interval(step.rate_from_first)}` : undefined}>{percent(step.people / first)}</span>
      <div class="step-area" style={{ "--share": step.people / first, "--next": (next ?? 0) / first }}>
        <div class="step-bar" />
        {next !== null && <div class="step-slope" />}
      </div>
      <ul class="hint step-details">
        {details.filter((detail) => detail !== false).map((detail) => <li key={detail}>{detail}</li>)}
      </ul>
    </li>
  );
}
