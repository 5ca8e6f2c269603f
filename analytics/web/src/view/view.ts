// What is chosen on the page. All of it stands in the address, so that a view can be shared and the way back leads through views.

import { DIMENSIONS } from "./dimensions";
import { type Period, dayNumber, isPeriod } from "./period";

export const CHARTED = ["clicks", "visitors", "conversions", "conversion_rate", "revenue"] as const;
export type Charted = (typeof CHARTED)[number];

export const COMPARISONS = [
  ["previous_period", "Period before"],
  ["previous_year", "Year before"],
  ["none", "Nothing"],
] as const;
export type Comparison = (typeof COMPARISONS)[number][0];

export const LABELS = [
  ["channel", "Channel"],
  ["source", "Source"],
  ["campaign", "Campaign"],
  ["link", "Link"],
  ["advocate", "Advocate"],
] as const;
export type Label = (typeof LABELS)[number][0];

export const MODELS = [
  ["first", "First touch"],
  ["last", "Last touch"],
  ["last_non_direct", "Last non-direct"],
  ["linear", "Linear"],
  ["position", "Position 40-20-40"],
  ["time_decay", "Time decay"],
  ["markov", "Markov"],
  ["shapley", "Shapley"],
] as const;
export type Model = (typeof MODELS)[number][0];

/** Clicks whose dimension has one of these values. */
export interface Filter {
  dimension: string;
  values: string[];
}

export interface View {
  period: Period;
  /** The first day, where the period is custom. */
  from: string | null;
  /** The last day, where the period is custom. */
  to: string | null;
  compare: Comparison;
  traffic: "human" | "all";
  metric: Charted;
  /** In which revenue is shown; null for the one that most of it is in. */
  currency: string | null;
  by: Label;
  models: [Model, Model];
  filters: Filter[];
}

export const START: View = {
  period: "last_30_days",
  from: null,
  to: null,
  compare: "previous_period",
  traffic: "human",
  metric: "clicks",
  currency: null,
  by: "channel",
  models: ["first", "last"],
  filters: [],
};

/** Values of one dimension that an address may name. */
const MOST_VALUES = 50;

function oneOf<T extends string>(table: readonly (readonly [T, string])[], text: string | null, otherwise: T): T {
  return table.find(([name]) => name === text)?.[0] ?? otherwise;
}

/** The view that an address names; whatever it does not name, or names wrongly, is as at the start. */
export function read(query: string): View {
  const asked = new URLSearchParams(query);
  const [from, to] = [asked.get("from"), asked.get("to")];
  const [first, last] = [dayNumber(from), dayNumber(to)];
  const isRange = first !== null && last !== null && first <= last;
  const period = asked.get("period");
  const isKnown = isPeriod(period) && (period !== "custom" || isRange);
  const models = (asked.get("models") ?? "").split(",");
  const currency = asked.get("currency");
  const filters = [...DIMENSIONS.keys()].map((dimension) => ({
    dimension,
    values: [...new Set(asked.getAll(dimension))].slice(0, MOST_VALUES),
  }));
  return {
    period: isKnown ? period : START.period,
    from: isKnown && period === "custom" ? from : null,
    to: isKnown && period === "custom" ? to : null,
    compare: oneOf(COMPARISONS, asked.get("compare"), START.compare),
    traffic: asked.get("traffic") === "all" ? "all" : "human",
    metric: CHARTED.find((name) => name === asked.get("metric")) ?? START.metric,
    currency: currency && /^[A-Z]{3}$/.test(currency) ? currency : null,
    by: oneOf(LABELS, asked.get("by"), START.by),
    models: [oneOf(MODELS, models[0] ?? null, START.models[0]), oneOf(MODELS, models[1] ?? null, START.models[1])],
    filters: filters.filter(({ values }) => values.length > 0),
  };
}

/** The query that names a view: only what differs from the start. */
export function write(view: View): string {
  const told = new URLSearchParams();
  if (view.period !== START.period) told.set("period", view.period);
  if (view.period === "custom" && view.from && view.to) {
    told.set("from", view.from);
    told.set("to", view.to);
  }
  for (const name of ["compare", "traffic", "metric", "by"] as const) {
    if (view[name] !== START[name]) told.set(name, view[name]);
  }
  if (view.currency) told.set("currency", view.currency);
  if (view.models.join() !== START.models.join()) told.set("models", view.models.join(","));
  for (const { dimension, values } of view.filters) {
    for (const value of values) told.append(dimension, value);
  }
  const text = told.toString();
  return text && `?${text}`;
}

export function isFiltered(view: View, dimension: string, value: string): boolean {
  return view.filters.some((filter) => filter.dimension === dimension && filter.values.includes(value));
}

/** With this value chosen, or no longer. Dimensions stay in their own order, so that one view has one address. */
export function toggled(view: View, dimension: string, value: string): View {
  const known = view.filters.find((filter) => filter.dimension === dimension)?.values ?? [];
  const values = known.includes(value) ? known.filter((it) => it !== value) : [...known, value];
  const others = view.filters.filter((filter) => filter.dimension !== dimension);
  const order = [...DIMENSIONS.keys()];
  const place = (filter: Filter): number => order.indexOf(filter.dimension);
  const filters = [...others, { dimension, values }].filter((filter) => filter.values.length > 0);
  return { ...view, filters: filters.sort((a, b) => place(a) - place(b)) };
}
