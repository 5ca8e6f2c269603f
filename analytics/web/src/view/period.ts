// Which stretch of time is looked at, and how finely it is cut.

export const PERIODS = [
  ["today", "Today"],
  ["yesterday", "Yesterday"],
  ["last_7_days", "Last 7 days"],
  ["last_30_days", "Last 30 days"],
  ["last_90_days", "Last 90 days"],
  ["this_week", "This week"],
  ["last_week", "Last week"],
  ["this_month", "This month"],
  ["last_month", "Last month"],
  ["this_year", "This year"],
  ["last_year", "Last year"],
  ["custom", "From – to …"],
] as const;

export type Period = (typeof PERIODS)[number][0];

export type Interval = "hour" | "day" | "week" | "month";

/** Periods that end with a day, week, month or year that is not over. */
const OPEN: ReadonlySet<Period> = new Set(["today", "this_week", "this_month", "this_year"]);

export function isPeriod(text: string | null): text is Period {
  return PERIODS.some(([name]) => name === text);
}

/** Whether a comparison sets a part of a period against a whole one. */
export function isOpen(period: Period): boolean {
  return OPEN.has(period);
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The day's number, for days that are on the calendar. */
export function dayNumber(date: string | null): number | null {
  const parts = DATE.exec(date ?? "");
  if (!parts) return null;
  const at = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== date) return null;
  return at.getTime() / 86_400_000;
}

/** So finely that a line has some fifty points, and few enough to be read. */
export function intervalOf(view: { period: Period; from: string | null; to: string | null }): Interval {
  switch (view.period) {
    case "today":
    case "yesterday":
      return "hour";
    case "this_year":
    case "last_year":
      return "month";
    case "custom": {
      const [from, to] = [dayNumber(view.from), dayNumber(view.to)];
      const days = from === null || to === null ? 30 : to - from + 1;
      if (days <= 2) return "hour";
      if (days <= 100) return "day";
      return days <= 370 ? "week" : "month";
    }
    default:
      return "day";
  }
}
