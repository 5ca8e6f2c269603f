//! Random but repeatable events, full of what goes wrong in real ones: ties, repeats, gaps, what comes
//! too early or too late, and ids that are another's.

use std::borrow::Borrow;

use fastrand::Rng;
use jiff::Timestamp;

use crate::events::{
    BOT, CANCELLATION, Click, Conversion, DUPLICATE, HUMAN, LEAD, PageEvent, REFUND, SALE,
};

/// Zones whose clocks are moved, by an hour or by half an hour, and zones between two hours.
const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Havana",
    "Africa/Cairo",
    "Pacific/Chatham",
];

/// Days on which clocks are moved in some of those zones, and one on which they are not.
const DAYS: [&str; 7] = [
    "2026-03-08T00:00:00Z",
    "2026-03-29T00:00:00Z",
    "2026-04-05T00:00:00Z",
    "2026-04-24T00:00:00Z",
    "2026-10-25T00:00:00Z",
    "2026-11-01T00:00:00Z",
    "2026-07-01T00:00:00Z",
];

/// A source as a stranger may put it into `utm_source`.
pub(super) const ODD_SOURCE: &str = "news'letter\t\"\n{x:String}\\";

/// From here on there are ids of clicks that are not stored, which are no visitor's either.
const UNKNOWN: u128 = 1 << 120;

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// A range around where most of a world happens, at most so long before and behind; of whole hours as often as not.
pub(super) fn range(world: &World, rng: &mut Rng, spread: i64) -> (i64, i64) {
    let from = world.around - rng.i64(0..spread);
    let to = world.around + rng.i64(1..spread);
    match rng.bool() {
        true => (
            from.div_euclid(HOUR) * HOUR,
            (to.div_euclid(HOUR) + 1) * HOUR,
        ),
        false => (from, to),
    }
}

/// A workspace and all that happened in it.
pub(super) struct World {
    pub(super) workspace: String,
    pub(super) zone: &'static str,
    /// The instant around which it all happens, in milliseconds since 1970.
    pub(super) around: i64,
    pub(super) clicks: Vec<Click>,
    pub(super) conversions: Vec<Conversion>,
    pub(super) pages: Vec<PageEvent>,
}

/// So many workspaces; always the same.
pub(super) fn worlds(count: u64) -> Vec<World> {
    let mut worlds: Vec<World> = (0..count).map(world).collect();
    // Conversions that carry a click id of another workspace.
    let foreign: Vec<u128> = worlds
        .iter()
        .map(|world| world.clicks.first().map_or(UNKNOWN, |click| click.click_id))
        .collect();
    for (number, world) in worlds.iter_mut().enumerate() {
        let anothers = foreign[(number + 1) % foreign.len()];
        if let Some(conversion) = world.conversions.iter_mut().find(|c| c.event_id == "e3") {
            conversion.click_id = anothers;
        }
    }
    worlds
}

fn world(number: u64) -> World {
    let mut rng = Rng::with_seed(number);
    let workspace = format!("w{number}");
    let day: Timestamp = DAYS[rng.usize(..DAYS.len())].parse().unwrap();
    let around = day.as_millisecond();
    // A coarse grid makes events meet in the same millisecond; a fine one does not.
    let grid = [1, 1000, 15 * MINUTE, HOUR][rng.usize(..4)];
    let spread = [3 * HOUR, 2 * DAY, 20 * DAY][rng.usize(..3)];
    let time = |rng: &mut Rng| around + rng.i64(-spread / grid..=spread / grid) * grid;
    let mut clicks = Vec::new();
    for unique in 0..rng.u32(0..80) {
        let at = time(&mut rng);
        // A small number of visitors, so that one clicks often; 0 is not known.
        let visitor = u128::from(rng.u8(0..8));
        clicks.push(click(&mut rng, &workspace, at, unique + 1, visitor));
    }
    let mut conversions = conversions(&mut rng, &workspace, &clicks, time);
    conversions.extend(taken_back(&mut rng, &workspace, &conversions, time));
    let pages = pages(number, &workspace, &clicks, time);
    // Those who never convert, and go alike ways.
    let mut of_others = Rng::with_seed(number + 6_000_000);
    for unique in 0..of_others.u32(0..60) {
        let at = time(&mut of_others);
        let visitor = u128::from(of_others.u8(100..130));
        clicks.push(click(&mut of_others, &workspace, at, unique + 101, visitor));
    }
    World {
        workspace,
        zone: ZONES[rng.usize(..ZONES.len())],
        around,
        clicks,
        conversions,
        pages,
    }
}

/// A click of any kind.
fn click(rng: &mut Rng, workspace: &str, at: i64, unique: u32, visitor: u128) -> Click {
    Click {
        outcome: if rng.u8(0..10) == 0 { 2 } else { 1 },
        verdict: [BOT, BOT, DUPLICATE, HUMAN, HUMAN, HUMAN, HUMAN, HUMAN][rng.usize(..8)],
        link_id: rng.u64(1..4),
        new_visitor: visitor != 0 && rng.u8(0..3) == 0,
        slug: ["", "a", "ß/b"][rng.usize(..3)].into(),
        country: ["", "DE", "IN"][rng.usize(..3)].into(),
        channel: ["Direct", "Email", "WhatsApp"][rng.usize(..3)].into(),
        source: ["", "google", ODD_SOURCE][rng.usize(..3)].into(),
        variant: ["", "a", "B, ß"][rng.usize(..3)].into(),
        tags: tags(rng),
        ..Click::new(workspace, at, unique, visitor)
    }
}

/// Pages seen, things shared and tried: by a click, by a visitor, by a customer; some twice, as another collector may have
/// taken them.
fn pages(
    number: u64,
    workspace: &str,
    clicks: &[Click],
    time: impl Fn(&mut Rng) -> i64,
) -> Vec<PageEvent> {
    let mut rng = Rng::with_seed(number + 5_000_000);
    let mut pages = Vec::new();
    for unique in 0..rng.u32(0..40) {
        let of = (!clicks.is_empty()).then(|| &clicks[rng.usize(..clicks.len())]);
        let (click_id, at) = match (of, rng.u8(0..4)) {
            (Some(click), 0) => (click.click_id, click.time),
            (Some(click), 1) => (click.click_id, click.time + rng.i64(0..3) * HOUR),
            // Of a click that is not stored.
            (_, 2) => (UNKNOWN + u128::from(unique), time(&mut rng)),
            _ => (0, time(&mut rng)),
        };
        let page = PageEvent {
            name: ["page", "page", "share", "trial"][rng.usize(..4)].into(),
            click_id,
            visitor_id: [0, 0, rng.u8(1..8).into()][rng.usize(..3)],
            customer: ["", "", "", "k1", "k5"][rng.usize(..5)].into(),
            page_path: ["/", "/pricing", "/ß"][rng.usize(..3)].into(),
            ..PageEvent::new(workspace, u128::MAX - u128::from(rng.u32(..)), at)
        };
        if rng.u8(0..4) == 0 {
            pages.push(PageEvent {
                page_path: "/later".into(),
                received_at: page.received_at + 5,
                ..page.clone()
            });
        }
        pages.push(page);
    }
    pages
}

/// None to all of some tags, each once.
fn tags(rng: &mut Rng) -> Vec<String> {
    let mut tags = vec!["a", "50% off", "'ß\""];
    rng.shuffle(&mut tags);
    tags.truncate(rng.usize(0..=tags.len()));
    tags.into_iter().map(str::to_owned).collect()
}

fn conversions(
    rng: &mut Rng,
    workspace: &str,
    clicks: &[Click],
    time: impl Fn(&mut Rng) -> i64,
) -> Vec<Conversion> {
    let mut conversions: Vec<Conversion> = Vec::new();
    for number in 0..rng.u32(0..50) {
        let of = (!clicks.is_empty()).then(|| &clicks[rng.usize(..clicks.len())]);
        let (click_id, at) = match (of, rng.u8(0..8)) {
            // At the same millisecond, before, soon after, long after.
            (Some(click), 0) => (click.click_id, click.time),
            (Some(click), 1) => (click.click_id, click.time - rng.i64(1..HOUR)),
            (Some(click), 2 | 3) => (click.click_id, click.time + rng.i64(0..3) * HOUR),
            (Some(click), 4) => (click.click_id, click.time + rng.i64(0..40) * DAY),
            (_, 5) => (UNKNOWN + u128::from(number), time(rng)),
            _ => (0, time(rng)),
        };
        let kind = if rng.bool() { LEAD } else { SALE };
        let customer = ["", "", "k1", "k2", "k3"][rng.usize(..5)];
        let currency = ["", "EUR", "USD", "JPY"][rng.usize(..4)];
        let conversion = Conversion {
            customer: customer.into(),
            visitor_id: if rng.bool() { 0 } else { rng.u8(0..8).into() },
            amount_minor: if currency.is_empty() {
                0
            } else {
                rng.i64(0..1_000_000_000_000_000)
            },
            currency: currency.into(),
            // Each at its own time, so that it is known which was the first of two with one event id.
            received_at: at + i64::from(number),
            ..Conversion::new(workspace, &format!("e{number}"), kind, at, click_id)
        };
        conversions.push(conversion.clone());
        if rng.u8(0..4) == 0 {
            // The same event, told again and otherwise; or another one under its name, sooner or later.
            conversions.push(Conversion {
                kind: if rng.bool() { LEAD } else { SALE },
                occurred_at: conversion.occurred_at + rng.i64(-2..3) * HOUR,
                amount_minor: conversion.amount_minor / 2,
                received_at: conversion.received_at + [-7 * MINUTE, 7 * MINUTE][rng.usize(..2)],
                ..conversion
            });
        }
    }
    if let [.., one, other] = clicks {
        // A customer who comes by two clicks in one millisecond, and then by none.
        let at = one.time.max(other.time);
        let of = |event_id: &str, click_id, at| Conversion {
            customer: "k4".into(),
            ..Conversion::new(workspace, event_id, LEAD, at, click_id)
        };
        let later = at + rng.i64(-1..2) * HOUR;
        conversions.extend([
            of("t1", one.click_id, at),
            of("t2", other.click_id, at),
            of("t3", 0, later),
        ]);
    }
    conversions
}

/// Refunds and cancellations: of sales, of what is no sale, of what does not exist; less than was paid, all of
/// it, more; in another currency; before and after; told twice.
fn taken_back(
    rng: &mut Rng,
    workspace: &str,
    conversions: &[Conversion],
    time: impl Fn(&mut Rng) -> i64,
) -> Vec<Conversion> {
    let mut back: Vec<Conversion> = Vec::new();
    for number in 0..rng.u32(0..20) {
        let at = time(rng);
        let of = match rng.u8(0..10) {
            0 => rng.choice(&back).cloned(),
            1 => None,
            _ => rng.choice(conversions).cloned(),
        };
        let paid = of.as_ref().map_or(0, |of| of.amount_minor.abs());
        let currency = match (&of, rng.u8(0..6)) {
            (Some(of), 1..) if !of.currency.is_empty() => of.currency.clone(),
            _ => "EUR".into(),
        };
        let kind = if rng.u8(0..4) == 0 {
            CANCELLATION
        } else {
            REFUND
        };
        let event = Conversion {
            reference: of.map_or_else(|| "nothing".into(), |of| of.event_id),
            received_at: at + i64::from(number),
            ..Conversion::new(workspace, &format!("b{number}"), kind, at, 0)
        };
        let event = if kind == REFUND {
            let minor = [1, paid / 3, paid, paid.saturating_mul(2)][rng.usize(..4)].max(1);
            Conversion {
                amount_minor: -minor,
                currency,
                ..event
            }
        } else {
            event
        };
        if rng.u8(0..5) == 0 {
            // The same again, as another collector may have taken it.
            back.push(Conversion {
                received_at: event.received_at + 5,
                ..event.clone()
            });
        }
        back.push(event);
    }
    back
}

/// Everything of every world, in no order.
pub(super) fn shuffled<W: Borrow<World>, T: Clone>(
    worlds: &[W],
    of: impl Fn(&World) -> &Vec<T>,
) -> Vec<T> {
    let each = worlds.iter().map(Borrow::borrow);
    let mut all: Vec<T> = each.flat_map(|world| of(world).clone()).collect();
    Rng::with_seed(7).shuffle(&mut all);
    all
}
