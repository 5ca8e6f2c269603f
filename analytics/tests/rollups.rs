//! What an overview counts out of rollups is what it counts click by click, and what a count by hand says, whatever has become of the
//! clicks meanwhile: blocks that came twice, clicks that came late, refunds, merges, clicks that are judged anew, persons who were
//! erased, clicks that were deleted, and parts that have no rollup.

use std::collections::HashMap;
use std::sync::Arc;

use clickhouse::Client;
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use whence_core::clickhouse::{INSERT_SETTINGS, ONCE_SETTINGS};
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::test_support::Engine;

use crate::events::{
    BOT, Click, Conversion, DUPLICATE, HUMAN, LEAD, REFUND, SALE, insert as insert_rows,
};
use crate::support::{Service, add_key, add_workspace};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Clicks of each workspace before the late ones.
const CLICKS: u32 = 6_000;

/// The stage at which every question is asked that rollups fit.
const MERGED: &str = "merged";

/// What is asked, in words and as a body, and whether rollups can answer it.
type Question = (&'static str, Value, bool);

/// A workspace, and whether its days begin with hours of UTC.
struct Place {
    name: &'static str,
    zone: &'static str,
    /// The day on which its clock is moved, if it is.
    around: &'static str,
    on_hours: bool,
}

const PLACES: [Place; 4] = [
    Place {
        name: "utc",
        zone: "UTC",
        around: "2026-10-31T00:00:00Z",
        on_hours: true,
    },
    Place {
        name: "berlin",
        zone: "Europe/Berlin",
        around: "2026-10-25T00:00:00Z",
        on_hours: true,
    },
    Place {
        name: "kolkata",
        zone: "Asia/Kolkata",
        around: "2026-10-25T00:00:00Z",
        on_hours: false,
    },
    // Clocks move by half an hour.
    Place {
        name: "lord_howe",
        zone: "Australia/Lord_Howe",
        around: "2026-10-03T15:30:00Z",
        on_hours: false,
    },
];

impl Place {
    fn around(&self) -> i64 {
        self.around.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn instant(&self, shift: i64) -> String {
        let at = Timestamp::from_millisecond(self.around() + shift).unwrap();
        at.to_string()
    }
}

/// Clicks in few hours of some days, with few values, as many clicks of a busy link are.
fn clicks(place: &Place, numbers: std::ops::Range<u32>, rng: &mut Rng) -> Vec<Click> {
    let pick = |rng: &mut Rng, from: &[&str]| from[rng.usize(..from.len())].to_owned();
    numbers
        .map(|number| {
            let hour = [-74, -25, -1, 0, 1, 23][rng.usize(..6)];
            let time = place.around() + hour * HOUR + rng.i64(0..HOUR / 2);
            Click {
                link_id: rng.u64(1..40),
                outcome: if rng.u8(..20) == 0 { 2 } else { 1 },
                verdict: [HUMAN, HUMAN, HUMAN, DUPLICATE, BOT][rng.usize(..5)],
                channel: pick(rng, &["Direct", "Email", "Organic Social"]),
                source: pick(rng, &["", "google", "newsletter", "t.co"]),
                country: pick(rng, &["DE", "IN", "AU", ""]),
                device: pick(rng, &["mobile", "desktop"]),
                browser: pick(rng, &["Chrome", "Safari", "Firefox", "Edge"]),
                ..Click::new(place.name, time, number, rng.u128(0..900))
            }
        })
        .collect()
}

/// Puts a block in as ingest does: the same token is the same block.
async fn put_once(client: &Client, token: &str, rows: &[Click]) {
    let settings = INSERT_SETTINGS.iter().chain(ONCE_SETTINGS);
    let client = settings.fold(client.clone(), |client, (name, value)| {
        client.with_setting(*name, *value)
    });
    let client = client.with_setting("insert_deduplication_token", token);
    // A block has the clicks of one month.
    for month in [9, 10, 11] {
        let is_of_month = |click: &&Click| {
            let at = Timestamp::from_millisecond(click.time).unwrap();
            at.to_zoned(jiff::tz::TimeZone::UTC).month() == month
        };
        let rows: Vec<Click> = rows.iter().filter(is_of_month).cloned().collect();
        insert_rows(&client, "clicks", &rows).await;
    }
}

async fn run(client: &Client, statement: &str) {
    let done = client.query(statement).execute().await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

/// Asks for the same with rollups and without, in memory, and against a count by hand.
struct Asker {
    service: Service,
    /// Holds in memory what it can.
    holding: Service,
    keys: Vec<String>,
    stages: usize,
}

impl Asker {
    async fn overview(&self, number: usize, body: Value, rollups: bool) -> Value {
        self.overview_of(&self.service, number, body, rollups).await
    }

    async fn overview_of(
        &self,
        service: &Service,
        number: usize,
        mut body: Value,
        rollups: bool,
    ) -> Value {
        body["rollups"] = json!(rollups);
        let path = "/api/v1/overview";
        let key = &self.keys[number];
        let got = service.ask(key, "POST", path, body.to_string()).await;
        assert_eq!(got.status, 200, "{body}: {}", got.body);
        got.json()
    }

    /// Compares questions, each time another that rollups fit and another that they do not; answers how many rows they saved where
    /// they had all that was asked.
    async fn compare(&mut self, stage: &str, all: &[Click]) -> u64 {
        let mut saved = 0;
        self.stages += 1;
        for (number, place) in PLACES.iter().enumerate() {
            let (fitting, others): (Vec<_>, Vec<_>) =
                questions(place).into_iter().partition(|(.., fits)| *fits);
            let another =
                |of: &[Question]| of.get((self.stages + number) % of.len().max(1)).cloned();
            let asked = match stage {
                MERGED => fitting,
                _ => another(&fitting).into_iter().collect(),
            };
            for (question, body, fits) in asked.iter().chain(&another(&others)) {
                let told = format!("{stage}: {question} of {}", place.name);
                let by_rollup = self.overview(number, body.clone(), true).await;
                by_hand(place, all, body, &by_rollup, &told);
                assert_eq!(by_rollup["rollups"], told_rollups(body, *fits), "{told}");
                if !fits {
                    continue;
                }
                let by_click = self.overview(number, body.clone(), false).await;
                assert_eq!(by_click["rollups"], json!([]), "{told}");
                let in_memory = self
                    .overview_of(&self.holding, number, body.clone(), true)
                    .await;
                assert_eq!(in_memory["held"], json!(is_held(body)), "{told}");
                for part in ["rows", "totals", "breakdowns"] {
                    assert_eq!(by_rollup[part], by_click[part], "{part}, {told}");
                    assert_eq!(in_memory[part], by_click[part], "in memory {part}, {told}");
                }
                let read = |answer: &Value| answer["rows_read"].as_u64().unwrap();
                // By link all are read anyway.
                if !body["breakdowns"]
                    .as_array()
                    .unwrap()
                    .contains(&json!("link"))
                {
                    saved += read(&by_click).saturating_sub(read(&by_rollup));
                }
            }
        }
        saved
    }
}

/// Whether a question that rollups fit can be answered in memory: of people's clicks, and by what is held of them.
fn is_held(body: &Value) -> bool {
    let by = body["breakdowns"].as_array().unwrap();
    body.get("traffic").is_none() && !by.contains(&json!("slug"))
}

/// What of an answer is to come from rollups.
fn told_rollups(body: &Value, fits: bool) -> Value {
    let mut told = Vec::new();
    if fits {
        told.extend([json!("totals"), json!("rows")]);
        let asked = body["breakdowns"].as_array().unwrap().iter();
        let have = ["channel", "source", "link", "country", "device", "browser"];
        told.extend(
            asked
                .filter(|name| have.contains(&name.as_str().unwrap()))
                .cloned(),
        );
    }
    told.into()
}

/// Questions, and whether rollups can answer them.
fn questions(place: &Place) -> Vec<Question> {
    let breakdowns = json!(["channel", "source", "link", "country", "slug"]);
    let day = |shift| place.instant(shift)[..10].to_owned();
    vec![
        (
            "days of all verdicts, compared",
            json!({
                "from": day(-2 * DAY), "to": day(2 * DAY), "interval": "day", "compare": "previous_period",
                "traffic": "all", "breakdowns": breakdowns, "limit": 3,
            }),
            place.on_hours,
        ),
        (
            "days by two",
            json!({
                "from": day(-2 * DAY), "to": day(2 * DAY), "interval": "day", "breakdowns": ["channel", "source"],
            }),
            place.on_hours,
        ),
        (
            "days by all that is held, compared",
            json!({
                "from": day(-2 * DAY), "to": day(2 * DAY), "interval": "day", "compare": "previous_period", "limit": 3,
                "breakdowns": ["browser", "device", "country", "link", "source", "channel"],
            }),
            place.on_hours,
        ),
        (
            "weeks from instants between hours",
            json!({
                "from": place.instant(-40 * HOUR + 1), "to": place.instant(30 * HOUR), "interval": "week",
                "breakdowns": breakdowns,
            }),
            false,
        ),
        (
            "weeks from full hours of UTC",
            json!({
                "from": place.instant(-74 * HOUR)[..13].to_owned() + ":00:00Z",
                "to": place.instant(26 * HOUR)[..13].to_owned() + ":00:00Z",
                "interval": "week", "breakdowns": breakdowns,
            }),
            place.on_hours,
        ),
        (
            "hours with a filter",
            json!({
                "from": day(-DAY), "to": day(DAY), "interval": "hour", "breakdowns": breakdowns,
                "filter": { "dimension": "channel", "is_not": "Email" },
            }),
            false,
        ),
    ]
}

/// Counts the clicks of an answer's range one by one.
fn by_hand(place: &Place, all: &[Click], body: &Value, answer: &Value, told: &str) {
    if body.get("filter").is_some() {
        return;
    }
    let ms = |end: &str| -> i64 {
        let at = answer["range"][end].as_str().unwrap();
        at.parse::<Timestamp>().unwrap().as_millisecond()
    };
    let range = ms("from")..ms("to");
    let counts = |click: &&Click| {
        click.workspace == place.name
            && click.outcome == 1
            && range.contains(&click.time)
            && (body["traffic"] == "all" || click.is_a_persons())
    };
    let counted: Vec<&Click> = all.iter().filter(counts).collect();
    assert_eq!(answer["totals"]["clicks"], json!(counted.len()), "{told}");
    for breakdown in answer["breakdowns"].as_array().unwrap() {
        let dimension = breakdown["dimension"].as_str().unwrap();
        let mut by_value: HashMap<String, u64> = HashMap::new();
        for click in &counted {
            *by_value.entry(value(click, dimension)).or_default() += 1;
        }
        assert_eq!(breakdown["groups"], json!(by_value.len()), "{told}");
        for row in breakdown["rows"].as_array().unwrap() {
            let of_value = by_value.get(row[dimension].as_str().unwrap());
            assert_eq!(row["clicks"], json!(of_value), "{row}, {told}");
        }
    }
}

/// A click's value of a dimension.
fn value(click: &Click, dimension: &str) -> String {
    match dimension {
        "channel" => click.channel.clone(),
        "source" => click.source.clone(),
        "country" => click.country.clone(),
        "slug" => click.slug.clone(),
        "link" => LinkId(click.link_id).to_string(),
        "device" => click.device.clone(),
        "browser" => click.browser.clone(),
        _ => panic!("nobody asks by {dimension}"),
    }
}

#[tokio::test]
async fn rollups_say_what_the_clicks_say() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let service = Service::start_with(|config| {
        config.clickhouse = engine.config();
        config.analytics.key_rate = 0;
    })
    .await;
    let mut keys = Vec::new();
    for place in &PLACES {
        add_workspace(&*service.store, place.name, place.zone).await;
        keys.push(add_key(&*service.store, place.name, &[Right::Reports]).await);
    }
    let holding = Service::over(Arc::clone(&service.store), |config| {
        config.clickhouse = engine.config();
        config.analytics.key_rate = 0;
        config.analytics.held_least_clicks = 0;
    })
    .await;
    let mut asker = Asker {
        service,
        holding,
        keys,
        stages: 0,
    };
    let mut rng = Rng::with_seed(20);
    let mut all = Vec::new();

    for place in &PLACES {
        all.extend(clicks(place, 1..CLICKS, &mut rng));
    }
    rng.shuffle(&mut all);
    let blocks: Vec<Vec<Click>> = all.chunks(9_000).map(<[Click]>::to_vec).collect();
    for (number, block) in blocks.iter().enumerate() {
        put_once(&client, &number.to_string(), block).await;
    }
    asker.compare("loaded", &all).await;

    put_once(&client, "1", &blocks[1]).await;
    asker.compare("a block again", &all).await;

    for place in &PLACES {
        let late = clicks(place, CLICKS..CLICKS + 300, &mut rng);
        put_once(&client, place.name, &late).await;
        all.extend(late);
    }
    asker.compare("late", &all).await;

    let mut events = Vec::new();
    for click in all.iter().step_by(17) {
        let of = |kind, id: String, amount_minor, reference: String| Conversion {
            amount_minor,
            currency: if kind == LEAD { "" } else { "EUR" }.into(),
            reference,
            ..Conversion::new(
                &click.workspace,
                &id,
                kind,
                click.time + HOUR,
                click.click_id,
            )
        };
        let id = format!("{}{}", click.workspace, click.seq);
        match click.seq % 3 {
            0 => events.push(of(LEAD, id, 0, String::new())),
            1 => events.push(of(SALE, id, 1_999, String::new())),
            _ => {
                events.push(of(SALE, id.clone(), 500, String::new()));
                events.push(of(REFUND, format!("{id} back"), -200, id));
            }
        }
    }
    insert_rows(&client, "conversions", &events).await;
    asker.compare("refunded", &all).await;

    run(&client, "OPTIMIZE TABLE clicks FINAL").await;
    // In parts as small as those before, one granule holds all, and it is as well for ClickHouse to read anything else.
    let saved = asker.compare(MERGED, &all).await;
    assert!(saved > 0, "rollups were not read of merged parts");

    run(
        &client,
        "ALTER TABLE clicks UPDATE
            verdict = if(seq % 5 = 0, 'bot', if(seq % 7 = 0, 'human', verdict)),
            channel = if(seq % 3 = 0, 'Referral', channel),
            source = if(seq % 3 = 0, 'elsewhere.example', source)
         WHERE 1 SETTINGS mutations_sync = 1",
    )
    .await;
    for click in &mut all {
        if click.seq % 5 == 0 {
            click.verdict = BOT;
        } else if click.seq % 7 == 0 {
            click.verdict = HUMAN;
        }
        if click.seq % 3 == 0 {
            click.channel = "Referral".into();
            click.source = "elsewhere.example".into();
        }
    }
    asker.compare("judged anew", &all).await;

    run(
        &client,
        "ALTER TABLE clicks UPDATE visitor_id = 1, privacy = 'count_only', city = '', slug = ''
         WHERE visitor_id % 50 = 3 SETTINGS mutations_sync = 1",
    )
    .await;
    asker.compare("erased", &all).await;

    run(
        &client,
        "DELETE FROM clicks WHERE seq % 11 = 4 SETTINGS lightweight_deletes_sync = 2",
    )
    .await;
    all.retain(|click| click.seq % 11 != 4);
    asker.compare("deleted", &all).await;

    // As in parts that were written without it, or attached from elsewhere.
    run(
        &client,
        "ALTER TABLE clicks CLEAR PROJECTION hours_by_channel IN PARTITION 202610 SETTINGS mutations_sync = 1",
    )
    .await;
    asker.compare("one rollup cleared", &all).await;
}
