// What links are called: reports know them by their ids, people by their short URLs. Learnt from the rows that were shown.

import type { Row } from "../api/answers";

const names = new Map<string, string>();

/** Remembers the links of these rows. */
export function learn(rows: readonly Row[]): void {
  for (const { link, domain, slug } of rows) {
    if (link && domain) names.set(String(link), `${domain}/${slug}`);
  }
}

/** What tells these links apart: their slugs, where all are of one domain. */
export function shortly(rows: readonly Row[], id: string): string {
  const isOne = new Set(rows.map((row) => row.domain)).size === 1;
  const name = nameOf(id);
  return isOne ? name.slice(Math.max(0, name.indexOf("/"))) : name;
}

export function isKnown(id: string): boolean {
  return names.has(id);
}

/** The short URL without its scheme; the id where none was seen yet. */
export function nameOf(id: string): string {
  return names.get(id) ?? id;
}
