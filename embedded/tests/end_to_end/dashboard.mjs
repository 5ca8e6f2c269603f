// Drives a real Chromium over the dashboard and says, as one JSON object, what was seen there. What is right is the caller's to
// judge.
//
// Its argument is one JSON object: origin (of analytics), key (with the right to ask reports), program (Chromium's).

import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { origin, key, program } = JSON.parse(process.argv[2]);
const AXE = readFileSync(new URL("../../../analytics/web/node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const METRICS = ["clicks", "visitors", "conversions", "conversion_rate", "revenue"];
const seen = { violations: [], errors: [], barriers: [], overflow: {} };

// A container has no namespaces for the sandbox; the page is our own.
const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
await context.exposeFunction("breaksPolicy", (text) => seen.violations.push(text));
await context.addInitScript(() =>
  addEventListener("securitypolicyviolation", (event) =>
    window.breaksPolicy(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)));
const page = await context.newPage();
page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
page.on("pageerror", (error) => seen.errors.push(error.message));

// Until everything that was asked has been answered, and shown.
async function settled() {
  await page.waitForSelector(".tile-value");
  await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
}
// The overview alone: what was asked for the first time is on its way a moment later.
async function figures(expectedQuery) {
  if (expectedQuery !== undefined) await page.waitForFunction((query) => location.search === query, expectedQuery);
  await page.waitForTimeout(100);
  await settled();
  const read = async (metric) => [metric, await page.locator(`.tile-value[data-metric=${metric}]`).textContent()];
  return Object.fromEntries(await Promise.all(METRICS.map(read)));
}
const card = (name) => page.getByRole("region", { name, exact: true });
const texts = (locator) => locator.allTextContents();
async function barriers(where) {
  // Evaluated from outside, where the page's policy does not hold; what it finds is about the page all the same.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, nodes } of violations) seen.barriers.push(`${where}: ${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}
const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

// In.
await page.goto(`${origin}/`);
const field = page.getByLabel("API key");
await field.fill("whk_0000");
await page.getByRole("button", { name: "Sign in" }).click();
seen.wrong_key = await page.getByRole("alert").textContent();
await barriers("sign-in");
// The refusal itself is one line in the console.
seen.errors = seen.errors.filter((text) => !text.includes("422"));
await field.fill(key);
await field.press("Enter");
seen.all = await figures("");
const cookies = await context.cookies();
seen.kept = {
  ...(await page.evaluate(() => ({ local: localStorage.length, session: sessionStorage.length }))),
  cookies: cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
};

// What stands there.
const channels = card("Where from").locator("tbody tr");
seen.channels = await Promise.all((await channels.all()).map(async (row) => [
  await row.getByRole("button").textContent(),
  (await row.locator("[data-metric=clicks]").textContent()).match(/^\d+/)[0],
]));
seen.links = await texts(card("Links").getByRole("rowheader").getByRole("button"));
seen.funnel = await texts(card("Funnel").locator("[data-step]"));
const credits = await card("Attribution").locator("tbody tr").all();
seen.attribution = await Promise.all(credits.map(async (row) => [
  await row.locator(".credit-name").textContent(),
  ...(await texts(row.locator("td"))).slice(0, 2),
]));
seen.attribution.sort();
await page.locator(".chart").focus();
await page.keyboard.press("End");
await page.keyboard.press("ArrowLeft");
seen.keyboard = await page.locator(".tip").isVisible();
await page.getByRole("button", { name: "As a table" }).click();
const days = await texts(page.locator(".timeline tbody tr td:nth-of-type(1)"));
seen.table = days.filter((text) => /^[1-9]/.test(text));
await page.getByRole("button", { name: "As a chart" }).click();
seen.overflow.wide = await overflow();
await barriers("light");
await page.emulateMedia({ colorScheme: "dark" });
await barriers("dark");
await page.setViewportSize({ width: 390, height: 844 });
await page.waitForTimeout(100);
seen.overflow.narrow = await overflow();
await barriers("narrow");
await page.setViewportSize({ width: 1280, height: 900 });

// A row narrows everything, and the way back leads out again.
await card("Where from").getByRole("button", { name: "Email" }).click();
seen.narrowed = await figures("?channel=Email");
await page.reload();
seen.loaded_again = await figures("?channel=Email");
seen.address = new URL(page.url()).search;
await card("Links").getByRole("tab", { name: "Links" }).press("ArrowRight");
await page.getByLabel("Compared with").selectOption("none");
await figures();
const without = (await page.locator(".delta").count()) > 0;
await page.goBack();
await figures("?channel=Email");
const compared = (await page.locator(".delta").count()) > 0;
seen.compared = { with: compared, without };
// Back behind the load again, to the start.
await page.goBack();
seen.back = await figures("");
await page.goForward();
seen.forward = await figures("?channel=Email");
await page.getByRole("button", { name: "Remove the filter Channel: Email" }).press("Enter");
seen.chip_removed = await figures("");
await page.getByRole("radio", { name: "All, bots too" }).check();
seen.bots = await figures("?traffic=all");

// Out.
await page.getByRole("button", { name: "Sign out" }).click();
await field.waitFor();
const status = await page.evaluate(async () => {
  const headers = { "X-Whence-Dashboard": "1" };
  return (await fetch("/api/v1/reports/clicks", { headers })).status;
});
await page.reload();
await field.waitFor();
seen.signed_out = { status, field: await field.isVisible() };
seen.errors = seen.errors.filter((text) => !text.includes("401"));
await browser.close();
console.log(JSON.stringify(seen));
