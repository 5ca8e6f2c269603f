//! A real Chromium follows short links to a shop's pages with `w.js` on them: what is confirmed, what the browser
//! keeps, and which conversions carry their click.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use whence_core::confirmation::Marks;
use whence_core::id::ClickId;

use crate::chromium::lead;
use crate::installation::Installation;

/// How long all visits together may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long what was answered may take into the tables.
const VISIBLE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_confirms_the_click_that_led_it_to_a_page() {
    let whence = Installation::one_machine().await;
    let visits = visits(&whence).await;
    let of = |name: &str| {
        visits
            .get(name)
            .unwrap_or_else(|| panic!("{name} in {visits:#?}"))
    };
    let click = |name: &str| {
        let click = of(name)["click"].as_str();
        click
            .unwrap_or_else(|| panic!("no click id: {:#?}", of(name)))
            .to_owned()
    };
    let cookie =
        |name: &str, domain: &str| json!([{"value": click(name), "domain": domain, "days": 365}]);
    let (one, two) = (of("one site"), of("two sites"));
    // Loaded again and gone back to: confirmed once. Another host of the site, without the parameter: still known.
    assert_eq!(one["answers"], json!(["/v1/confirm 204", "/v1/events 200"]));
    assert_eq!(one["cookies"], cookie("one site", ".shop.test"));
    assert_eq!((&one["known"], &one["sale"]), (&one["click"], &json!(200)));
    // On another site than the collector's the script sets the cookie.
    assert_eq!(two["answers"], json!(["/v1/confirm 200", "/v1/events 200"]));
    assert_eq!(two["cookies"], cookie("two sites", ".elsewhere.test"));
    assert_eq!((&two["known"], &two["lead"]), (&two["click"], &json!(200)));

    let nothing = json!([]);
    for (name, answers) in [
        ("without script", json!([])),
        ("says nothing", json!([])),
        ("not to be followed", json!(["/v1/confirm 204"])),
        ("asked first", json!(["/v1/confirm 204", "/v1/confirm 204"])),
        ("forged", json!(["/v1/confirm 422"])),
    ] {
        let visit = of(name);
        assert_eq!(
            (&visit["answers"], &visit["cookies"]),
            (&answers, &nothing),
            "{name}"
        );
    }
    let asked = of("asked first");
    assert_eq!(
        (&asked["before"], &asked["after"]),
        (&nothing, &cookie("asked first", ".shop.test"))
    );
    // Behind a path of the shop's own, and made ready before it was chosen: its script ran, and said nothing before.
    let prerendered = of("prerendered");
    assert_eq!(prerendered["prerendered"], json!(["/w.js"]));
    assert_eq!(
        prerendered["answers"],
        json!(["/w.js 200", "/v1/confirm 204"])
    );
    assert_eq!(of("forged")["click"], Value::Null, "forgotten");

    // Each page once, whatever is written into the history; and nothing before a site that asks was answered, or of nobody.
    let pages = of("pages");
    let answers: Vec<_> = pages["answers"].as_array().unwrap().iter().collect();
    assert_eq!(
        answers
            .iter()
            .filter(|it| **it == "/v1/confirm 204")
            .count(),
        1
    );
    assert_eq!(
        answers.iter().filter(|it| **it == "/v1/page 204").count(),
        7
    );
    assert_eq!(pages["told"], json!([204, 204, 204, 422]));
    let asked = of("pages when asked");
    assert_eq!(
        (&asked["before"], &asked["after"]),
        (&json!([null]), &Value::Null)
    );
    let nobody = of("pages of nobody");
    assert_eq!(
        (&nobody["before"], &nobody["answers"]),
        (&json!([null]), &json!(["/v1/page 204"]))
    );

    let person = Marks::default();
    let driven = Marks::FETCH | Marks::WEBDRIVER | Marks::MACHINE;
    let expected: BTreeMap<String, Marks> = [
        ("one site", person),
        ("two sites", person),
        ("not to be followed", person),
        ("asked first", person),
        ("prerendered", Marks::PRERENDERED),
        ("pages", person),
        ("pages when asked", person),
        ("driven", driven),
    ]
    .map(|(name, marks)| (click(name), marks))
    .into();
    wait_for(|| confirmations(&whence), &expected).await;
    let expected = BTreeMap::from([(click("one site"), 1), (click("two sites"), 1)]);
    wait_for(|| conversions(&whence), &expected).await;
    let (www, of_pages) = ("www.shop.test", click("pages"));
    let event = |name: &str, page: &str, click: &str, more: &str| {
        (format!("{name} {page} {click} {more}"), 1)
    };
    let expected = BTreeMap::from([
        (format!("page {www}/landing {of_pages} "), 2),
        event("page", &format!("{www}/basket"), &of_pages, ""),
        event("page", "checkout.shop.test/thanks", &of_pages, ""),
        event("configured", &format!("{www}/landing"), &of_pages, ""),
        event("share", &format!("{www}/landing"), &of_pages, "ada email"),
        event(
            "page",
            &format!("{www}/landing"),
            &click("pages when asked"),
            "",
        ),
        event(
            "page",
            &format!("{www}/account"),
            &ClickId(0).to_string(),
            "c-7",
        ),
    ]);
    wait_for(|| page_events(&whence), &expected).await;

    // Confirmations have no numbers to be audited by, and their lane is not taken for one of conversions.
    let audit = whence.api("GET", "/api/v1/audit", "").await.unwrap().json();
    assert_eq!(audit["clean"], true, "{audit:#}");
    let lanes = audit["conversions"]["lanes"].as_array().unwrap();
    let names: Vec<_> = lanes.iter().map(|lane| &lane["name"]).collect();
    assert_eq!(names, ["conversions"]);
}

/// What became of each visit, by its name.
async fn visits(whence: &Installation) -> HashMap<String, Value> {
    let (short, collector) = whence.for_browsers();
    let site = free_port();
    for (slug, host, query) in [
        ("one", "www.shop.test", ""),
        ("two", "www.elsewhere.test", ""),
        ("asked", "www.shop.test", "?tag=data-keep%3Doff"),
        ("silent", "www.shop.test", "?tag=data-confirm%3Doff"),
        ("pages", "www.shop.test", "?tag=data-pages%3Don"),
        (
            "pages-asked",
            "www.shop.test",
            "?tag=data-pages%3Don+data-confirm%3Doff",
        ),
    ] {
        whence
            .make_link(slug, &format!("http://{host}:{site}/landing{query}"))
            .await;
    }
    let told = json!({
        "short": format!("http://localhost:{}", short.port()),
        "collector": collector.port(),
        "site": site,
        "workspace": whence.workspace,
    });
    let out = lead("browser.mjs", told, PATIENCE).await;
    let visits = out.lines().map(|line| serde_json::from_str(line).unwrap());
    visits
        .map(|visit: Value| (visit["name"].as_str().unwrap().to_owned(), visit))
        .collect()
}

/// How many page events of each kind there are: what, where, of which click, and what else was said.
async fn page_events(whence: &Installation) -> BTreeMap<String, u64> {
    let query = "SELECT concat(toString(click_id), '|', toString(name), ' ', toString(page_host), toString(page_path), '|',
            trimBoth(concat(customer, ' ', toString(advocate), ' ', toString(shared_by)))) AS event, count()
        FROM whence.page_events FINAL GROUP BY event";
    let rows = whence.select(query).await.into_iter();
    rows.map(|(event, count)| {
        let mut parts = event.split('|');
        let (click, what, more) = (parts.next(), parts.next(), parts.next());
        let click = text(click.unwrap());
        (
            format!("{} {click} {}", what.unwrap(), more.unwrap()),
            count,
        )
    })
    .collect()
}

/// The marks of each confirmed click.
async fn confirmations(whence: &Installation) -> BTreeMap<String, Marks> {
    let query = "SELECT click_id, marks FROM whence.confirmations FINAL";
    let rows = whence.select(query).await.into_iter();
    rows.map(|(id, marks)| (text(&id), Marks::from_bits(marks.try_into().unwrap())))
        .collect()
}

/// How many conversions each click has.
async fn conversions(whence: &Installation) -> BTreeMap<String, u64> {
    let query = "SELECT click_id, count() FROM whence.conversions FINAL GROUP BY click_id";
    let rows = whence.select(query).await.into_iter();
    rows.map(|(id, count)| (text(&id), count)).collect()
}

fn text(id: &str) -> String {
    ClickId(id.parse().unwrap()).to_string()
}

async fn wait_for<T: PartialEq + std::fmt::Debug>(ask: impl AsyncFn() -> T, expected: &T) {
    let start = Instant::now();
    loop {
        let found = ask().await;
        if found == *expected {
            return;
        }
        assert!(
            start.elapsed() < VISIBLE,
            "{found:#?} instead of {expected:#?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
