// What links are called: reports know them by their ids, people by their short URLs. Learnt from the rows that were shown.

const names = new Map<string, string>();

export function learn(id: string, domain: string, slug: string): string {
  const name = `${domain}/${slug}`;
  if (id !== "" && domain !== "") names.set(id, name);
  return domain === "" ? id : name;
}

/** The short URL without its scheme; the id where none was seen yet. */
export function nameOf(id: string): string {
  return names.get(id) ?? id;
}
