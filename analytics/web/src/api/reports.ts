// The questions that the page asks, made of what is chosen on it.

import type { Attribution, Breakdown, Funnel, Overview } from "./answers";
import { ask } from "./client";
import { intervalOf } from "../view/period";
import type { View } from "../view/view";

const METRICS = ["clicks", "visitors", "leads", "sales", "conversion_rate", "revenue"];

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

export function overview(view: View, breakdowns: string[], limit: number, signal: AbortSignal): Promise<Overview> {
  return ask("POST", "/api/v1/overview", { ...common(view), interval: intervalOf(view), breakdowns, limit }, signal);
}

export function breakdown(view: View, dimensions: string[], limit: number, signal: AbortSignal): Promise<Breakdown> {
  const order = ["-clicks", ...dimensions];
  return ask("POST", "/api/v1/query", { ...common(view), metrics: METRICS, dimensions, order, limit }, signal);
}

/** How long a click has to lead to a lead, and a lead to a sale. */
const LEAD_WITHIN = "30d";
const SALE_WITHIN = "90d";
const WINDOW = "120d";

export function funnel(view: View, signal: AbortSignal): Promise<Funnel> {
  const filter = filterOf(view);
  const steps = [
    { event: "click", ...(filter !== undefined && { filter }) },
    { event: "lead", within: LEAD_WITHIN },
    { event: "sale", within: SALE_WITHIN },
  ];
  return ask("POST", "/api/v1/funnel", { ...when(view), traffic: view.traffic, steps, window: WINDOW }, signal);
}

export function attribution(view: View, signal: AbortSignal): Promise<Attribution> {
  const { by, models } = view;
  return ask("POST", "/api/v1/attribution", { ...when(view), traffic: view.traffic, by, models: [...new Set(models)] }, signal);
}
