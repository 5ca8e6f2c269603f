// Times as the workspace's clock shows them: the server sends them with that clock's offset, and so no time zone is asked of the browser.

import type { Stretch } from "../api/answers";
import type { Interval } from "../view/period";

const CLOCK = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})/;

/** What the workspace's clock shows, as if it were UTC. */
function wall(time: string): Date {
  const parts = CLOCK.exec(time)?.slice(1).map(Number);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = parts ?? [];
  return new Date(Date.UTC(year, month - 1, day, hour, minute));
}

const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC" });

const hours = format({ hour: "2-digit", minute: "2-digit" });
const days = format({ day: "numeric", month: "short" });
const months = format({ month: "short", year: "numeric" });
const fullDays = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const ranges = format({ day: "numeric", month: "short", year: "numeric" });
const moments = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** An interval's beginning, short, below an axis. */
export function tick(time: string, interval: Interval): string {
  const at = wall(time);
  return interval === "hour" ? hours.format(at) : interval === "month" ? months.format(at) : days.format(at);
}

/** An interval, in full. */
export function intervalName(time: string, interval: Interval): string {
  const at = wall(time);
  switch (interval) {
    case "hour":
      return `${days.format(at)}, ${hours.format(at)}`;
    case "day":
      return fullDays.format(at);
    case "week":
      return `Week of ${ranges.format(at)}`;
    case "month":
      return months.format(at);
  }
}

export function moment(time: string): string {
  return moments.format(wall(time));
}

/** From the first day to the last. */
export function rangeName(range: Stretch): string {
  const last = new Date(wall(range.to).getTime() - 1);
  return ranges.formatRange(wall(range.from), last);
}

// Within a sentence, so in its language.
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago, in the largest unit that fits. */
export function ago(time: string, now: number): string {
  const seconds = Math.min(0, (new Date(time).getTime() - now) / 1000);
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60]] as const;
  for (const [unit, size] of units) {
    if (-seconds >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.trunc(seconds), "second");
}

/** A length of time, in its two largest units. */
export function duration(seconds: number): string {
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "under 1 s";
  const [large, next] = [units[first], units[first + 1]];
  if (!large) return "";
  const count = Math.floor(seconds / large[1]);
  const rest = next ? Math.floor((seconds - count * large[1]) / next[1]) : 0;
  return next && rest > 0 ? `${count} ${large[0]} ${rest} ${next[0]}` : `${count} ${large[0]}`;
}
