// The answers of the API, as far as the dashboard reads them. What the fields mean: docs/reports.md, docs/attribution.md.

export interface Money {
  currency: string;
  amount_minor: number;
}

export interface Rate {
  value: number;
  low: number;
  high: number;
}

/** The metrics that every part of the page asks for. */
export interface Metrics {
  clicks: number;
  visitors: number;
  leads: number;
  sales: number;
  conversion_rate: Rate | null;
  revenue: Money[];
}

export interface Compared extends Metrics {
  previous?: Metrics;
}

export interface Stretch {
  from: string;
  to: string;
}

export interface Freshness {
  last_click: string | null;
  last_conversion: string | null;
}

/** What reports say of themselves. */
export interface About {
  definition: Record<string, string>;
  exact: boolean;
  time_zone: string;
  freshness: Freshness;
  rows_read: number | null;
  bytes_read: number | null;
}

export type Row = Compared & Record<string, unknown>;

/** What an overview and a query both say of one dimension. */
export interface Breakdown {
  rows: Row[];
  groups: number;
}

export interface Overview extends About {
  range: Stretch;
  previous_range: Stretch | null;
  rows: (Compared & { time: string })[];
  totals: Compared;
  breakdowns: (Breakdown & { dimension: string })[];
}

/** A share of people, with its 95 % interval. */
export type Share = Rate;

export interface Step {
  event: string;
  within: string | null;
  people: number;
  rate_from_last: Share | null;
  rate_from_first: Share | null;
  open: number;
  time_from_last: { p50: number | null };
}

export interface Funnel extends About {
  rows: Step[];
  window: string;
}

export interface Earned {
  conversions: number;
  revenue: Money[];
}

export interface Attribution extends About {
  by: string;
  look_back: string;
  models: { model: string; rows: (Earned & Record<string, unknown>)[]; unattributed: Earned }[];
  totals: Earned;
}

export interface Session {
  key: string;
  expires_at: string;
  workspace: { id: string; name: string; time_zone: string };
}
