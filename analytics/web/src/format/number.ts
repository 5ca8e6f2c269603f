// Numbers as the browser's language writes them.

import type { Rate } from "../api/answers";

const plain = new Intl.NumberFormat();
const rough = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholePercents = new Intl.NumberFormat(undefined, { style: "percent" });
const finePercents = new Intl.NumberFormat(undefined, { style: "percent", maximumSignificantDigits: 2 });
const changes = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });
const points = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, signDisplay: "exceptZero" });

export const whole = (value: number): string => plain.format(value);
export const roughly = (value: number): string => rough.format(value);
/** Credit for conversions comes in parts. */
export const parts = (value: number): string => tenths.format(value);

/** Sales, or parts of them. */
export const sales = (value: number): string => `${parts(value)} ${parts(value) === parts(1) ? "sale" : "sales"}`;

/** A share; small ones with the digits that tell them from nothing. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return wholePercents.format(share);
  return share > 0 && share < 0.01 ? finePercents.format(share) : percents.format(share);
}

/** The ends of the 95 % interval. */
export function interval(rate: Rate): string {
  return `${percent(rate.low)} – ${percent(rate.high)}`;
}

export interface Change {
  text: string;
  direction: "up" | "down" | "same";
}

/** How much more there is than before, in per cent; null where nothing was before. */
export function change(now: number, before: number): Change | null {
  if (before === 0) return now === 0 ? { text: wholePercents.format(0), direction: "same" } : null;
  return told((now - before) / Math.abs(before), changes);
}

/** How much a share has moved, in points. */
export function moved(now: number, before: number): Change {
  const change = told((now - before) * 100, points);
  return { ...change, text: `${change.text} pp` };
}

function told(by: number, format: Intl.NumberFormat): Change {
  const text = format.format(by);
  // What is written as nothing is nothing.
  const isNothing = text === format.format(0);
  return { text, direction: isNothing ? "same" : by > 0 ? "up" : "down" };
}
