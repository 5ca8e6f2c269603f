// Money: whole minor units of a currency, as ISO 4217 divides it.

import type { Money } from "../api/answers";

/** Currencies that are not divided by a hundred. Browsers have a table of their own, which follows habit and not ISO 4217. */
const DIGITS: Readonly<Record<string, number>> = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0,
  XAF: 0, XOF: 0, XPF: 0, BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3, CLF: 4, UYW: 4,
};

export function digitsOf(currency: string): number {
  return DIGITS[currency] ?? 2;
}

/** An amount as it is written out. */
export function money(amountMinor: number, currency: string): string {
  const digits = digitsOf(currency);
  return style(currency, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(amountMinor / 10 ** digits);
}

/** An amount with few digits, for axes. */
export function roughMoney(amountMinor: number, currency: string): string {
  const rough = { notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: 1 } as const;
  return style(currency, rough).format(amountMinor / 10 ** digitsOf(currency));
}

function style(currency: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  return new Intl.NumberFormat(undefined, { style: "currency", currency, ...options });
}

/** The sum in one currency; 0 where there is none. */
export function amountIn(sums: readonly Money[], currency: string | null): number {
  return sums.find((sum) => sum.currency === currency)?.amount_minor ?? 0;
}

/** The currency that is shown where none is chosen: the one with the largest figure. */
export function mainCurrency(sums: readonly Money[]): string | null {
  const figure = (sum: Money): number => Math.abs(sum.amount_minor) / 10 ** digitsOf(sum.currency);
  const largest = [...sums].sort((a, b) => figure(b) - figure(a) || a.currency.localeCompare(b.currency))[0];
  return largest?.currency ?? null;
}
