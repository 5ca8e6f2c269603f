// The questions that the page asks, made of what is chosen on it.

import type { Attribution, Breakdown, Funnel, Series, Stretch } from "./answers";
import { ask } from "./client";
import { intervalOf } from "../view/period";
import type { View } from "../view/view";

const METRICS = ["clicks", "visitors", "conversions", "conversion_rate", "revenue"];

/** What is asked of every query alike: when, whose clicks, compared with what. */
export function common(view: View): Record<string, unknown> {
  const asked: Record<string, unknown> = { ...when(view), traffic: view.traffic };
  if (view.compare !== "none") asked.compare = view.compare;
  const filter = filterOf(view);
  if (filter) asked.filter = filter;
  return asked;
}

function when(view: View): Record<string, unknown> {
  return view.period === "custom" ? { from: view.from, to: view.to } : { period: view.period };
}

/** All dimensions must pass, each by one of its values. */
function filterOf(view: View): unknown {
  const conditions = view.filters.map(({ dimension, values }) => ({ dimension, in: values }));
  return conditions.length > 0 ? { and: conditions } : undefined;
}

export function series(view: View, signal: AbortSignal): Promise<Series> {
  return ask("POST", "/api/v1/query", { ...common(view), metrics: METRICS, interval: intervalOf(view) }, signal);
}

export function breakdown(view: View, dimensions: string[], limit: number, signal: AbortSignal): Promise<Breakdown> {
  const order = ["-clicks", ...dimensions];
  return ask("POST", "/api/v1/query", { ...common(view), metrics: METRICS, dimensions, order, limit }, signal);
}

/** From click to lead to sale, of those who entered by a click that is chosen. */
export function funnel(view: View, range: Stretch, signal: AbortSignal): Promise<Funnel> {
  const filter = filterOf(view);
  const steps = [
    filter ? { event: "click", filter } : { event: "click" },
    { event: "lead", within: "30d" },
    { event: "sale", within: "90d" },
  ];
  const { traffic } = view;
  return ask("POST", "/api/v1/funnel", { from: range.from, to: range.to, traffic, steps, window: "120d" }, signal);
}

export function attribution(view: View, signal: AbortSignal): Promise<Attribution> {
  const { by, models } = view;
  return ask("POST", "/api/v1/attribution", { ...when(view), traffic: view.traffic, by, models: [...new Set(models)] }, signal);
}
