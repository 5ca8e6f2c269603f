// w.js, for the pages of a site that links lead to: keeps the click that led there, confirms once that a browser
// has shown the page, and sends conversions and page events. How to use it stands in docs/script.md.
//
// It is sent as it stands here, without comments and indents, so a line begins with a comment or has none.
(() => {
  const { dataset, src } = document.currentScript;
  // Tag managers drop data attributes; the URL of the script may say the same.
  const option = (name) => dataset[name] ?? new URL(src).searchParams.get(name);
  const ws = option("workspace");

  // Where the id comes from: the page's own URL, else what an earlier page has kept.
  const parameter = new URLSearchParams(location.search).get(option("parameter") || "wcid");
  let arrived = /^[0-9A-Za-z]{22}$/.test(parameter) ? parameter : null;
  const kept = () => document.cookie.match(/(?:^|; )_wcid=([0-9A-Za-z]{22})(?:;|$)/)?.[1];
  const click = () => arrived || kept();

  // For the widest domain that the browser takes: it refuses public suffixes. Forgetting goes through all of them.
  const write = (id, seconds) => {
    const hosts = location.hostname.split(".").map((_, at, labels) => labels.slice(at).join(".")).reverse();
    const secure = location.protocol === "https:" ? "; Secure" : "";
    for (const host of [...hosts, ""]) {
      const domain = host && "; Domain=" + host;
      document.cookie = `_wcid=${id}; Path=/; Max-Age=${seconds}; SameSite=Lax` + domain + secure;
      if (id && kept() === id) break;
    }
  };

  // Text, so that browsers do not ask first; goes on when the page is left.
  const post = (path, said) =>
    fetch(new URL(path, src), { method: "POST", body: JSON.stringify(said), keepalive: true, credentials: "include" });

  const navigation = () => performance.getEntriesByType("navigation")[0] || {};

  // The collector decides whether the id may be kept: by its answer's cookie, or by us where it is on another site.
  const confirm = async (keep) => {
    const { activationStart = 0 } = navigation();
    const answer = await post("v1/confirm", {
      ws,
      click_id: arrived,
      keep,
      page_ms: Math.round(performance.now() - activationStart),
      webdriver: !!navigator.webdriver,
      screenless: !(screen.width * screen.height),
      framed: self !== top,
      prerendered: activationStart > 0,
    });
    if (answer.status === 200) write(arrived, (await answer.json()).days * 86400);
    // Not one of the collector's.
    if (answer.status === 422) arrived = null;
  };

  const happens = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));
  const shown = async () => {
    if (document.prerendering) await happens(document, "prerenderingchange");
    while (document.visibilityState !== "visible") await happens(document, "visibilitychange");
    await new Promise(requestAnimationFrame);
  };

  const random = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("-");
  const whose = () => ({ ws, click_id: click(), customer: option("customer") });

  // What is done on pages is told only where it is known whose it is, and where a site that asks first was answered yes.
  let agreed = option("confirm") !== "off" || kept();
  const tell = (name, fields) => {
    const said = { ...whose(), request_id: random(), name, url: location.origin + location.pathname, ...fields };
    if (agreed && (said.click_id || said.customer)) return post("v1/page", said);
  };
  // Each page once: histories are written to without another page, too.
  let seen;
  const view = async () => {
    await shown();
    const { pathname } = location;
    if (!agreed || seen === pathname) return;
    seen = pathname;
    // Nobody waits for it.
    tell("page")?.catch(() => {});
  };
  const views = option("pages") === "on";

  const commands = {
    click,
    keep: () => {
      agreed = true;
      if (views) view();
      return arrived && shown().then(() => confirm(true));
    },
    forget: () => {
      agreed = false;
      write("", 0);
    },
    page: (fields) => shown().then(() => tell("page", fields)),
    event: (fields) => tell(undefined, fields),
    share: (fields) => tell("share", fields),
  };
  const queue = window.whence?.q || [];
  window.whence = (name, fields) =>
    commands[name] ? commands[name](fields) : post("v1/events", { ...whose(), event_id: random(), kind: name, ...fields });
  queue.forEach((call) => window.whence(...call));

  if (views) {
    const { pushState } = history;
    history.pushState = function (...to) {
      pushState.apply(this, to);
      view();
    };
    addEventListener("popstate", view);
    // A page that was kept as it was, and is gone back to.
    addEventListener("pageshow", ({ persisted }) => {
      if (!persisted) return;
      seen = null;
      view();
    });
    view();
  }

  // A page that is loaded again, or gone back to, was confirmed the first time.
  if (arrived && option("confirm") !== "off" && !/reload|back/.test(navigation().type))
    shown().then(() => confirm(option("keep") !== "off")).catch(() => {});
})();
