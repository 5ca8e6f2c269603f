//! Who is in the tables: a person with two browsers, one of them shared, and a hundred others.

use whence_core::id::{ClickId, VisitorId};

use crate::support::Home;

/// The person, by the merchant's word.
pub(crate) const CUSTOMER: &str = "customer-marker-77";
/// How the agents of her browsers begin.
pub(crate) const AGENT: &str = "AgentMarker/";
const QUERY: &str = "email=query-marker";
const REFERRER: &str = "https://referrer-marker.example/her/profile";

pub(crate) const PHONE: u128 = 0xaaaa_0001 << 90;
/// Another customer buys with it as well.
const LAPTOP: u128 = 0xaaaa_0002 << 90;
const NOON: u64 = 1_762_000_123_456;

/// Her clicks: three by phone, one by laptop.
fn ids() -> [ClickId; 4] {
    [1, 2, 3, 4].map(|n: u128| {
        let ms = u128::from(NOON) + n * 60_000;
        ClickId(ms << 80 | 0xbbbb << 40 | n)
    })
}

pub(crate) fn clicks() -> Vec<String> {
    ids().iter().map(ToString::to_string).collect()
}

pub(crate) fn visitor_text() -> String {
    VisitorId(PHONE).to_string()
}

pub(crate) fn shared_visitor_text() -> String {
    VisitorId(LAPTOP).to_string()
}

/// A number as ClickHouse reads it: a bare one of so many digits would be a float.
fn wide(number: u128) -> String {
    format!("toUInt128('{number}')")
}

/// What must not stand in a receipt.
pub(crate) fn markers() -> Vec<String> {
    let mut markers = clicks();
    markers.extend([
        visitor_text(),
        shared_visitor_text(),
        CUSTOMER.into(),
        "sale-1".into(),
    ]);
    markers
}

/// Everything of the others. What names the shared laptop is asked without its ids.
pub(crate) const OTHERS: &[&str] = &[
    "SELECT * FROM clicks WHERE lane != 255 ORDER BY lane, seq",
    "SELECT * FROM carried_clicks WHERE lane != 255 ORDER BY lane, seq",
    "SELECT * EXCEPT (click_id, visitor_id), event_id = 'shared-1' OR click_id != 0 FROM conversions WHERE lane != 254 ORDER BY ALL",
    "SELECT * EXCEPT (click_id, visitor_id) FROM conversions WHERE event_id = 'shared-1'",
    "SELECT * FROM conversion_numbers WHERE lane != 254 ORDER BY ALL",
    "SELECT * FROM refunds WHERE reference LIKE 'other-%' ORDER BY ALL",
    "SELECT * FROM confirmations WHERE click_id < 1000000 ORDER BY ALL",
    "SELECT * FROM page_events WHERE lane = 8 AND seq > 1 ORDER BY ALL",
    "SELECT * EXCEPT (click_id, visitor_id) FROM page_events WHERE lane = 8 AND seq = 1",
    "SELECT * FROM lanes ORDER BY ALL",
];

/// How many traces of her there are, by questions that have nothing in common with those of the command.
pub(crate) async fn traces(home: &Home) -> [u64; 11] {
    let ids = ids().map(|id| wide(id.0)).join(",");
    let visitors = [PHONE, LAPTOP].map(wide).join(",");
    let questions = [
        format!("SELECT count() FROM clicks WHERE visitor_id IN ({visitors}) OR click_id IN ({ids})"),
        format!("SELECT count() FROM clicks WHERE user_agent LIKE '{AGENT}%' OR query LIKE '%marker%' OR referrer LIKE '%marker%'"),
        "SELECT count() FROM clicks WHERE address_prefix = toIPv6('203.0.113.0') OR city = 'Marburg' OR hints LIKE '%Marker%'".into(),
        format!("SELECT count() FROM carried_clicks WHERE visitor_id IN ({visitors}) OR click_id IN ({ids}) OR user_agent LIKE '{AGENT}%' OR city = 'Marburg'"),
        format!("SELECT count() FROM conversions WHERE customer = '{CUSTOMER}' OR event_id IN ('lead-1', 'sale-1', 'sale-2', 'refund-1')"),
        format!("SELECT count() FROM conversions WHERE visitor_id IN ({visitors}) OR click_id IN ({ids}) OR reference = 'sale-1'"),
        "SELECT count() FROM conversion_numbers WHERE event_id IN ('lead-1', 'sale-1', 'sale-2', 'refund-1')".into(),
        "SELECT count() FROM refunds WHERE reference = 'sale-1' OR event_id = 'refund-1'".into(),
        format!("SELECT count() FROM confirmations WHERE click_id IN ({ids})"),
        format!("SELECT count() FROM page_events WHERE visitor_id IN ({visitors}) OR click_id IN ({ids})"),
        format!("SELECT count() FROM page_events WHERE customer = '{CUSTOMER}' OR advocate = '{CUSTOMER}' OR page_path LIKE '%marker%' OR event_id IN (1, 2, 3)"),
    ];
    let mut counts = [0; 11];
    for (count, question) in counts.iter_mut().zip(&questions) {
        *count = home.count(question).await;
    }
    counts
}

/// What they are before.
pub(crate) const TRACES: [u64; 11] = [4, 4, 4, 3, 4, 5, 4, 1, 1, 4, 3];

/// Fills the tables.
pub(crate) async fn settle_in(home: &Home) {
    let others = "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, link_id, slug, query, visitor_id, address_prefix, country, browser, user_agent, referrer, channel, source, verdict)
        SELECT if(number % 3 = 0, 'other', 'acme'), fromUnixTimestamp64Milli(toInt64(1762000000000 + number * 1000), 'UTC'),
            bitOr(bitShiftLeft(toUInt128(1762000000000 + number * 1000), 80), toUInt128(number + 1)), 7, number + 1,
            'redirected', 'GET', 5, 'spring', 'utm_source=x', if(number % 10 = 0, 0, number % 40 + 1), toIPv6('198.51.100.0'), 'DE', 'Firefox',
            'Mozilla/5.0', 'https://example.org/', 'Email', 'news', if(number % 4 = 0, 'bot', 'human')
        FROM numbers(200)";
    home.execute(others).await;
    for (n, (id, visitor)) in ids()
        .into_iter()
        .zip([PHONE, PHONE, PHONE, LAPTOP].map(wide))
        .enumerate()
    {
        let click = format!(
            "INSERT INTO clicks (workspace, time, click_id, lane, seq, outcome, method, link_id, slug, query, visitor_id, new_visitor, address_prefix, country, city, region, browser, os, device, user_agent, hints, language, referrer, channel, source, advocate, verdict)
            VALUES ('acme', fromUnixTimestamp64Milli({}, 'UTC'), {}, 255, {}, 'redirected', 'GET', 5, 'spring', '{QUERY}', {visitor}, {}, toIPv6('203.0.113.0'), 'DE', 'Marburg', 'DE-HE', 'Firefox', 'Linux', 'desktop', '{AGENT}{n}', 'Marker', 'de-DE', '{REFERRER}', 'Email', 'news', 'ada', 'human')",
            id.unix_ms(), wide(id.0), n + 1, n == 0,
        );
        home.execute(&click).await;
    }
    let [first, second, _, by_laptop] = ids().map(|id| id.0);
    // Event, kind, click, visitor, customer, amount, reference.
    let hers = [
        ("lead-1", "lead", second, PHONE, "", 0, ""),
        ("sale-1", "sale", first, PHONE, CUSTOMER, 5000, ""),
        ("sale-2", "sale", by_laptop, 0, CUSTOMER, 700, ""),
        ("refund-1", "refund", 0, 0, "", -1200, "sale-1"),
    ];
    for (n, (event, kind, click, visitor, customer, amount, reference)) in
        hers.into_iter().enumerate()
    {
        home.execute(&conversion(
            254,
            n + 1,
            event,
            kind,
            click,
            visitor,
            customer,
            amount,
            reference,
        ))
        .await;
    }
    let shared = conversion(
        7,
        1,
        "shared-1",
        "sale",
        by_laptop,
        LAPTOP,
        "customer-88",
        900,
        "",
    );
    home.execute(&shared).await;
    for n in 0..20 {
        let customer = if n < 10 {
            "guest".to_owned()
        } else {
            format!("c-{n}")
        };
        let (click, event) = (
            (u128::from(1_762_000_000_000 + n * 1000_u64) << 80) + u128::from(n) + 1,
            format!("other-{n}"),
        );
        home.execute(&conversion(
            7,
            2 + n as usize,
            &event,
            "sale",
            click,
            u128::from(n % 40 + 1),
            &customer,
            100,
            "",
        ))
        .await;
    }
    home.execute(&conversion(
        7,
        22,
        "other-refund",
        "refund",
        0,
        0,
        "",
        -5,
        "other-12",
    ))
    .await;
    home.execute("INSERT INTO carried_clicks SELECT * FROM clicks WHERE click_id IN (SELECT click_id FROM conversions)").await;
    home.execute("INSERT INTO conversion_numbers SELECT workspace, event_id, lane, seq, received_at FROM conversions").await;
    home.execute("INSERT INTO refunds SELECT workspace, reference, event_id FROM conversions WHERE reference != ''").await;
    home.execute(&format!("INSERT INTO confirmations (workspace, click_id, marks, page_ms, confirmed_at) VALUES ('acme', {}, 1, 5, now64(3)), ('acme', 17, 1, 5, '2026-01-01 00:00:00')", wide(first))).await;
    // Hers by her name, by her phone, and by a click of nobody's by name; and another customer's with her laptop.
    let events = [
        (1, 254, 1, "page", 0, PHONE, CUSTOMER, "/marker/1", "ada"),
        (2, 254, 2, "share", 0, PHONE, "", "/marker/2", CUSTOMER),
        (3, 254, 3, "page", second, 0, "", "/marker/3", ""),
        (
            4,
            8,
            1,
            "page",
            by_laptop,
            LAPTOP,
            "customer-88",
            "/account/88",
            "",
        ),
        (5, 8, 2, "page", 0, 3, "", "/basket", "ada"),
        (6, 8, 3, "share", 0, 0, "c-12", "/", "c-12"),
    ];
    for (id, lane, seq, name, click, visitor, customer, path, advocate) in events {
        let (click, visitor) = (wide(click), wide(visitor));
        home.execute(&format!(
            "INSERT INTO page_events (workspace, event_id, name, click_id, visitor_id, customer, page_host, page_path, advocate, occurred_at, received_at, source, lane, seq)
            VALUES ('acme', {id}, '{name}', {click}, {visitor}, '{customer}', 'shop.example', '{path}', '{advocate}', fromUnixTimestamp64Milli({at}, 'UTC'), fromUnixTimestamp64Milli({at}, 'UTC'), 'beacon', {lane}, {seq})",
            at = NOON + 7_200_000 + seq,
        ))
        .await;
    }
}

#[allow(clippy::too_many_arguments, reason = "a row has as many columns")]
fn conversion(
    lane: u64,
    seq: usize,
    event: &str,
    kind: &str,
    click: u128,
    visitor: u128,
    customer: &str,
    amount: i64,
    reference: &str,
) -> String {
    let (click, visitor) = (wide(click), wide(visitor));
    let currency = if amount == 0 { "" } else { "EUR" };
    format!(
        "INSERT INTO conversions (workspace, event_id, kind, click_id, visitor_id, customer, amount_minor, currency, occurred_at, received_at, source, body_digest, reference, lane, seq)
        VALUES ('acme', '{event}', '{kind}', {click}, {visitor}, '{customer}', {amount}, '{currency}', fromUnixTimestamp64Milli({at}, 'UTC'), fromUnixTimestamp64Milli({at}, 'UTC'), 'server', 99, '{reference}', {lane}, {seq})",
        at = NOON + 3_600_000 + seq as u64,
    )
}
