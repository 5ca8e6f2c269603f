// What the page breaks clicks down by: how it is called, and how its values are shown.

export interface Dimension {
  /** As the API calls it. */
  name: string;
  /** Above the list. */
  plural: string;
  /** On a chip. */
  singular: string;
  /** What stands where a click has no value. */
  nothing: string;
}

const list: Dimension[] = [
  { name: "channel", plural: "Channels", singular: "Channel", nothing: "Unknown" },
  { name: "source", plural: "Sources", singular: "Source", nothing: "No source" },
  { name: "campaign", plural: "Campaigns", singular: "Campaign", nothing: "No campaign" },
  { name: "referrer_host", plural: "Referrers", singular: "Referrer", nothing: "No referrer" },
  { name: "link", plural: "Links", singular: "Link", nothing: "Unknown" },
  { name: "tag", plural: "Tags", singular: "Tag", nothing: "No tag" },
  { name: "advocate", plural: "Advocates", singular: "Advocate", nothing: "No advocate" },
  { name: "country", plural: "Countries", singular: "Country", nothing: "Unknown" },
  { name: "region", plural: "Regions", singular: "Region", nothing: "Unknown" },
  { name: "city", plural: "Cities", singular: "City", nothing: "Unknown" },
  { name: "device", plural: "Devices", singular: "Device", nothing: "Unknown" },
  { name: "browser", plural: "Browsers", singular: "Browser", nothing: "Unknown" },
  { name: "os", plural: "Systems", singular: "System", nothing: "Unknown" },
];

export const DIMENSIONS: ReadonlyMap<string, Dimension> = new Map(list.map((it) => [it.name, it]));

export function dimension(name: string): Dimension {
  const found = DIMENSIONS.get(name);
  if (!found) throw new Error(`no dimension ${name}`);
  return found;
}

let countries: Intl.DisplayNames | undefined;

/** A value as people read it. */
export function shown(name: string, value: string): string {
  if (value === "") return dimension(name).nothing;
  if (name === "country" && /^[A-Z]{2}$/.test(value)) {
    countries ??= new Intl.DisplayNames("en", { type: "region", fallback: "code" });
    return countries.of(value) ?? value;
  }
  if (name === "device") return value.charAt(0).toUpperCase() + value.slice(1);
  return value;
}
