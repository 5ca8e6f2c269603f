// The metrics as the page shows them: how each is called, read from an answer, and written.

import type { Compared, Metrics } from "../api/answers";
import { amountIn, money, roughMoney } from "../format/money";
import { type Change, change, interval, moved, percent, roughly, whole } from "../format/number";
import type { Charted } from "./view";

export const NAMES: Record<Charted, string> = {
  clicks: "Clicks",
  visitors: "Visitors",
  conversions: "Conversions",
  conversion_rate: "Conversion rate",
  revenue: "Revenue",
};

/** A metric as a number; null where there is none, such as a rate of no clicks. */
export function valueOf(metrics: Metrics, metric: Charted, currency: string | null): number | null {
  switch (metric) {
    case "conversion_rate":
      return metrics.conversion_rate?.value ?? null;
    case "conversions":
      return metrics.leads + metrics.sales;
    case "revenue":
      return amountIn(metrics.revenue, currency);
    default:
      return metrics[metric];
  }
}

/** What a metric means, as the report says. */
export function meaning(definition: Record<string, string>, metric: Charted): string | undefined {
  if (metric !== "conversions") return definition[metric];
  return ["Leads and sales.", definition.leads, definition.sales].filter(Boolean).join(" ");
}

/** A number of this metric, written out. */
export function written(value: number | null, metric: Charted, currency: string | null): string {
  if (value === null) return "–";
  if (metric === "conversion_rate") return percent(value);
  if (metric === "revenue") return currency ? money(value, currency) : "–";
  return whole(value);
}

/** A number of this metric, with few digits. */
export function rough(value: number, metric: Charted, currency: string | null): string {
  if (metric === "conversion_rate") return percent(value);
  if (metric === "revenue") return currency ? roughMoney(value, currency) : "";
  return roughly(value);
}

/** How a metric has changed; undefined where nothing is compared or there is nothing to compare. */
export function changeOf(now: Compared, metric: Charted, currency: string | null): Change | null | undefined {
  if (!now.previous || (metric === "revenue" && currency === null)) return undefined;
  const [after, before] = [valueOf(now, metric, currency), valueOf(now.previous, metric, currency)];
  if (after === null || before === null) return undefined;
  return metric === "conversion_rate" ? moved(after, before) : change(after, before);
}

/** What is said below a figure. */
export function noteOf(metrics: Metrics, metric: Charted, currency: string | null): string | null {
  if (metric === "conversion_rate" && metrics.conversion_rate) return `95 %: ${interval(metrics.conversion_rate)}`;
  if (metric === "revenue") {
    const others = metrics.revenue.filter((sum) => sum.currency !== currency && sum.amount_minor !== 0);
    return others.length > 0 ? others.map((sum) => `+ ${money(sum.amount_minor, sum.currency)}`).join(" ") : null;
  }
  return null;
}
