// Numbers, money and times as they are written. The language is the runner's, so that figures are looked for, not whole texts.

import { expect, test } from "vitest";
import { amountIn, digitsOf, mainCurrency, money } from "../src/format/money";
import { change, moved, percent } from "../src/format/number";
import { ago, duration, intervalName, rangeName, tick } from "../src/format/time";

const digits = (text: string): string => text.replace(/\D/g, "");

test.each([
  ["EUR", 123456, "123456"],
  ["JPY", 1234, "1234"],
  ["KWD", 1234, "1234"],
  ["ISK", 5, "5"],
  // Divided by a hundred in ISO 4217, though nobody pays with the parts.
  ["AFN", 1205, "1205"],
  ["EUR", 0, "000"],
])("an amount in %s has the digits of its minor unit", (currency, amount, expected) => {
  expect(digits(money(amount, currency))).toBe(expected);
});

test("what is below zero says so", () => {
  expect(money(-250, "USD")).toMatch(/[-−].*2.50/);
});

test("the main currency is that of the largest figure, whatever its minor unit", () => {
  const sums = [{ currency: "JPY", amount_minor: 90_000 }, { currency: "EUR", amount_minor: 100_000 }, { currency: "KWD", amount_minor: 500_000 }];
  expect(sums.map((sum) => digitsOf(sum.currency))).toEqual([0, 2, 3]);
  expect(mainCurrency(sums)).toBe("JPY");
  expect(mainCurrency([])).toBeNull();
  expect(amountIn(sums, "EUR")).toBe(100_000);
  expect(amountIn(sums, "CHF")).toBe(0);
});

test("changes", () => {
  expect(change(150, 100)).toMatchObject({ direction: "up" });
  expect(digits(change(150, 100)?.text ?? "")).toBe("50");
  expect(change(50, -100)).toMatchObject({ direction: "up" });
  expect(change(0, 10)).toMatchObject({ direction: "down" });
  expect(change(1001, 1000)).toMatchObject({ direction: "same" });
  expect(change(0, 0)).toMatchObject({ direction: "same" });
  expect(change(3, 0)).toBeNull();
  expect(moved(0.051, 0.042)).toMatchObject({ direction: "up" });
  expect(moved(0.051, 0.042).text).toMatch(/0.9 pp/);
});

test("shares that are small are not nothing", () => {
  expect(digits(percent(0.00034))).toBe("0034");
  expect(digits(percent(0.123456))).toBe("123");
  expect(digits(percent(1))).toBe("100");
});

test("times are those of the server's clock, not of the browser's", () => {
  expect(tick("2026-10-25T02:00:00+01:00", "hour")).toMatch(/0?2.00/);
  expect(digits(tick("2026-01-31T00:00:00+14:00", "day"))).toBe("31");
  expect(intervalName("2026-12-01T00:00:00-08:00", "month")).toMatch(/2026/);
  const range = rangeName({ from: "2026-03-01T00:00:00+01:00", to: "2026-03-31T00:00:00+02:00" });
  expect(range).toMatch(/\b1\b.*30\b/);
});

test.each([
  [0.4, "under 1 s"],
  [59, "59 s"],
  [60, "1 min"],
  [3725, "1 h 2 min"],
  [86_400 * 3 + 7200, "3 d 2 h"],
])("%d seconds are %s", (seconds, expected) => {
  expect(duration(seconds)).toBe(expected);
});

test("a click of the next second was not in the future", () => {
  const now = Date.parse("2026-11-22T10:00:00Z");
  expect(ago("2026-11-22T10:00:02Z", now)).toBe(ago("2026-11-22T10:00:00Z", now));
  expect(ago("2026-11-22T09:15:00Z", now)).toMatch(/45/);
});
