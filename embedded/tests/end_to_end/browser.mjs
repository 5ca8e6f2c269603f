// Drives a real Chromium over short links to the pages of a shop, which this process serves, and says on each line of
// its output what became of one visit. What is right is the caller's to judge.
//
// Its argument is one JSON object: short (origin of the short links), collector (its port), site (the shop's port),
// workspace, program (Chromium's).

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, get, request as sendOnwards } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { short, collector, site, workspace, program } = JSON.parse(process.argv[2]);
const SCRIPT = `http://collect.shop.test:${collector}`;
const USUAL_AGENT =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
// Longer than a confirmation would take that must not come.
const QUIET_MS = 700;
// What a shop's server takes for a page. On one machine a browser is otherwise as quick as a robot.
const PAGE_MS = 100;

// The shop: every path is a page with the tag, whose attributes the query may add to.
const shop = createServer(async (request, response) => {
  const url = new URL(request.url, "http://shop");
  if (url.pathname.startsWith(PROXY)) return forward(request, response);
  if (url.pathname === "/ready") return response.end(String(prerendered.length > 0));
  if (url.pathname === "/lobby") return lobby(url.searchParams.get("to"), response);
  await new Promise((done) => setTimeout(done, PAGE_MS));
  const option = url.searchParams.get("tag") ?? "";
  const script = url.searchParams.has("proxied") ? PROXY : SCRIPT + "/";
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    // What the documentation says that a page has to allow.
    "content-security-policy": `default-src 'none'; script-src ${SCRIPT} 'self'; connect-src ${SCRIPT} 'self'`,
  });
  response.end(`<!doctype html><title>Shop</title>
    <script async src="${script}w.js" data-workspace="${workspace}" ${option}></script><p>${url.pathname}</p>`);
});

// The collector below a path of the shop, as a reverse proxy has it; what passes is written down.
const PROXY = "/whence/";
const proxied = [];
const prerendered = [];
function forward(request, response) {
  const path = request.url.slice(PROXY.length - 1);
  if (request.headers["sec-purpose"]?.includes("prerender")) prerendered.push(path);
  const options = { host: "127.0.0.1", port: collector, path, method: request.method, headers: request.headers };
  const onwards = sendOnwards(options, (answer) => {
    proxied.push(`${path} ${answer.statusCode}`);
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onwards);
}

// A page that has another made ready before it is chosen, and chooses it once that has loaded its script.
function lobby(to, response) {
  response.writeHead(200, { "content-type": "text/html" });
  response.end(`<!doctype html><script type="speculationrules">${JSON.stringify({
    prerender: [{ urls: [to], eagerness: "immediate" }],
  })}</script><script>
    const look = async () => {
      if ((await (await fetch("/ready")).text()) === "false") return setTimeout(look, 50);
      setTimeout(() => (location.href = ${JSON.stringify(to)}), ${QUIET_MS});
    };
    look();
  </script>`);
}

await new Promise((done) => shop.listen(site, "127.0.0.1", done));

// A container has no namespaces for the sandbox; the pages are our own.
const FLAGS = ["--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1"];
const UNDRIVEN = "--disable-blink-features=AutomationControlled";
const launch = (...args) => chromium.launch({ executablePath: program, args: [...FLAGS, ...args] });

// One visitor with a browser of their own.
async function visit(name, browser, options, story) {
  const context = await browser.newContext({ userAgent: USUAL_AGENT, ...options });
  const page = await context.newPage();
  const answers = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith("/v1/")) answers.push(`${pathname} ${response.status()}`);
  });
  const visitor = {
    page,
    answers,
    follow: async (slug) => {
      await page.goto(`${short}/${slug}`);
      return new URL(page.url()).searchParams.get("wcid");
    },
    confirmed: async () => {
      for (let waited = 0; !answers.length; waited += 20) {
        if (waited > 20_000) throw new Error(`${name}: no confirmation`);
        await page.waitForTimeout(20);
      }
    },
    heard: async (count) => {
      for (let waited = 0; answers.length < count; waited += 20) {
        if (waited > 20_000) throw new Error(`${name}: ${answers.length} of ${count} answers`);
        await page.waitForTimeout(20);
      }
    },
    quiet: () => page.waitForTimeout(QUIET_MS),
    cookies: async () =>
      (await context.cookies()).filter((it) => it.name === "_wcid").map(({ value, domain, expires }) => ({
        value, domain, days: Math.round((expires - Date.now() / 1000) / 86400),
      })),
    tell: (...args) => page.evaluate(async (args) => {
      const answer = await window.whence(...args);
      return answer?.status ?? answer;
    }, args),
  };
  const told = await story(visitor);
  console.log(JSON.stringify({ name, answers, cookies: await visitor.cookies(), ...told }));
  await context.close();
}

const THANKS = `http://checkout.shop.test:${site}/thanks`;

const person = await launch(UNDRIVEN);
await visit("one site", person, {}, async ({ page, follow, confirmed, quiet, tell }) => {
  const click = await follow("one");
  await confirmed();
  await page.reload();
  await page.goto(THANKS);
  await page.goBack();
  await quiet();
  await page.goto(THANKS);
  const known = await tell("click");
  const sale = await tell("sale", { event_id: "order-1", amount: 1999, currency: "EUR" });
  return { click, known, sale };
});
await visit("two sites", person, {}, async ({ page, follow, confirmed, quiet, tell }) => {
  const click = await follow("two");
  await confirmed();
  await quiet();
  await page.goto(`http://www.elsewhere.test:${site}/later`);
  const known = await tell("click");
  const lead = await tell("lead");
  return { click, known, lead };
});
await visit("without script", person, { javaScriptEnabled: false }, async ({ follow, quiet }) => {
  const click = await follow("one");
  await quiet();
  return { click };
});
await visit("not to be followed", person, { extraHTTPHeaders: { "Sec-GPC": "1" } }, async ({ follow, confirmed }) => {
  const click = await follow("one");
  await confirmed();
  return { click };
});
await visit("asked first", person, {}, async ({ follow, confirmed, cookies, quiet, tell }) => {
  const click = await follow("asked");
  await confirmed();
  await quiet();
  const before = await cookies();
  await tell("keep");
  const after = await cookies();
  await tell("forget");
  return { click, before, after };
});
await visit("says nothing", person, {}, async ({ follow, quiet }) => {
  const click = await follow("silent");
  await quiet();
  return { click };
});
await visit("pages", person, {}, async ({ page, follow, heard, quiet, tell }) => {
  const click = await follow("pages");
  await heard(2);
  // A page of its own, the same with another query, and back over both.
  await page.evaluate(() => history.pushState({}, "", "/basket?tag=&email=a@b"));
  await heard(3);
  await page.evaluate(() => history.pushState({}, "", "/basket?step=2"));
  await quiet();
  await page.evaluate(() => history.go(-2));
  await heard(4);
  const step = await tell("event", { name: "configured", event_id: "configured-1" });
  const again = await tell("event", { name: "configured", event_id: "configured-1" });
  const share = await tell("share", { advocate: "ada", by: "email" });
  const nameless = await tell("event", {});
  await page.goto(`${THANKS}?tag=data-pages%3Don`);
  await heard(9);
  await quiet();
  return { click, told: [step, again, share, nameless] };
});
await visit("pages when asked", person, {}, async ({ follow, quiet, heard, answers, tell }) => {
  const click = await follow("pages-asked");
  await quiet();
  const before = [...answers, await tell("event", { name: "configured" })];
  await tell("keep");
  await heard(2);
  await tell("forget");
  const after = await tell("event", { name: "configured" });
  await quiet();
  return { click, before, after };
});
await visit("pages of nobody", person, {}, async ({ page, quiet, heard, answers, tell }) => {
  await page.goto(`http://www.shop.test:${site}/?tag=data-pages%3Don`);
  await quiet();
  const before = [...answers, await tell("share", { by: "email" })];
  await page.goto(`http://www.shop.test:${site}/account?tag=${encodeURIComponent('data-pages="on" data-customer="c-7"')}`);
  await heard(1);
  await quiet();
  return { before };
});
await visit("forged", person, {}, async ({ page, confirmed, tell }) => {
  await page.goto(`http://www.shop.test:${site}/?wcid=${"A".repeat(22)}`);
  await confirmed();
  return { click: await tell("click") };
});
await person.close();

// What browsers say of a request only where it is safe from others, they say here too. This one says that it is driven.
const driven = await launch("--enable-automation", `--unsafely-treat-insecure-origin-as-secure=${SCRIPT}`);
await visit("driven", driven, { userAgent: undefined }, async ({ follow, confirmed }) => {
  const click = await follow("one");
  await confirmed();
  return { click };
});
await driven.close();

// A driven browser prerenders nothing. This one goes its way alone, and the proxy says how far it is.
const followed = await new Promise((done, failed) =>
  get(`${short}/one`, { headers: { "user-agent": USUAL_AGENT } }, (answer) => {
    answer.resume();
    done(new URL(answer.headers.location).searchParams.get("wcid"));
  }).on("error", failed),
);
const landing = `/landing?proxied&wcid=${followed}`;
const profile = mkdtempSync(join(tmpdir(), "whence-browser-"));
const alone = spawn(
  program,
  [
    "--headless", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`, `--user-agent=${USUAL_AGENT}`,
    // Nobody speaks through this pipe: it ends the browser should this process be killed.
    "--remote-debugging-pipe", UNDRIVEN, ...FLAGS, `http://www.shop.test:${site}/lobby?to=${encodeURIComponent(landing)}`,
  ],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);
const confirmed = () => proxied.some((it) => it.startsWith("/v1/confirm"));
for (let waited = 0; !confirmed() && waited < 30_000; waited += 20) await new Promise((done) => setTimeout(done, 20));
const ended = new Promise((done) => alone.on("exit", done));
alone.kill("SIGTERM");
await ended;
console.log(JSON.stringify({ name: "prerendered", click: followed, answers: proxied, prerendered }));
// The browser's children write on for a moment after it has ended.
for (let tries = 0; ; tries += 1) {
  try {
    rmSync(profile, { recursive: true, force: true });
    break;
  } catch (error) {
    if (tries === 50) throw error;
    await new Promise((done) => setTimeout(done, 100));
  }
}
shop.close();
