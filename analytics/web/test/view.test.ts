// Addresses and views: the one names the other.

import { expect, test } from "vitest";
import { intervalOf } from "../src/view/period";
import { START, type View, isFiltered, read, toggled, write } from "../src/view/view";

test("the start has no query, and no query is the start", () => {
  expect(write(START)).toBe("");
  expect(read("")).toEqual(START);
});

test("what is written is read again", () => {
  const view: View = {
    period: "custom",
    from: "2026-02-28",
    to: "2026-03-01",
    compare: "previous_year",
    traffic: "all",
    metric: "revenue",
    currency: "JPY",
    by: "link",
    models: ["markov", "shapley"],
    filters: [
      { dimension: "channel", values: ["Paid & Owned", "", "É=1"] },
      { dimension: "country", values: ["DE"] },
    ],
  };
  expect(read(write(view))).toEqual(view);
});

test.each([
  ["?period=tomorrow", { period: "last_30_days" }],
  ["?period=custom", { period: "last_30_days" }],
  ["?period=custom&from=2026-02-30&to=2026-03-02", { period: "last_30_days", from: null }],
  ["?period=custom&from=2026-03-02&to=2026-03-01", { period: "last_30_days", to: null }],
  ["?from=2026-03-01&to=2026-03-02", { from: null, to: null }],
  ["?compare=x&traffic=bots&metric=__proto__&by=city&models=last", { compare: "previous_period", traffic: "human", metric: "clicks", by: "channel", models: ["last", "last"] }],
  ["?currency=euro&slug=x&channel=A&channel=A", { currency: null, filters: [{ dimension: "channel", values: ["A"] }] }],
])("%s is read as far as it is right", (query, expected) => {
  expect(read(query)).toMatchObject(expected);
});

test("a value is chosen and taken back, and one view has one address", () => {
  const one = toggled(toggled(START, "country", "DE"), "channel", "Email");
  const other = toggled(toggled(START, "channel", "Email"), "country", "DE");
  expect(write(one)).toBe("?channel=Email&country=DE");
  expect(write(other)).toBe(write(one));
  expect(isFiltered(one, "channel", "Email")).toBe(true);
  expect(isFiltered(one, "source", "Email")).toBe(false);
  expect(toggled(toggled(one, "channel", "Email"), "country", "DE")).toEqual(START);
});

test.each([
  ["today", null, null, "hour"],
  ["last_90_days", null, null, "day"],
  ["this_year", null, null, "month"],
  ["custom", "2026-10-24", "2026-10-25", "hour"],
  ["custom", "2026-10-24", "2026-10-26", "day"],
  ["custom", "2026-01-01", "2026-04-10", "day"],
  ["custom", "2026-01-01", "2026-04-11", "week"],
  ["custom", "2024-01-01", "2025-01-05", "month"],
] as const)("%s from %s to %s is cut by %s… %s", (period, from, to, interval) => {
  expect(intervalOf({ period, from, to })).toBe(interval);
});
