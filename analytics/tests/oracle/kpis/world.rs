//! Random but repeatable markets: who clicks, buys, refers and shares.

use clickhouse::Row;
use fastrand::Rng;
use serde::Serialize;

use crate::events::{BOT, CANCELLATION, Click, Conversion, DUPLICATE, HUMAN, LEAD, REFUND, SALE};
use crate::oracle::stream::{DAY, HOUR, World};

/// The program that some links belong to.
pub(super) const PROGRAM: &str = "friends & family";

/// Customers, and `x`, who is only an advocate.
const NAMES: [&str; 7] = ["k1", "k2", "k3", "k4", "k'5", "k6", "x"];

/// The columns of `page_events` that a share has.
#[derive(Clone, Debug, Row, Serialize)]
pub(super) struct Share {
    pub(super) workspace: String,
    pub(super) event_id: u128,
    pub(super) name: String,
    pub(super) customer: String,
    pub(super) link_id: u64,
    pub(super) advocate: String,
    /// Milliseconds since 1970.
    pub(super) occurred_at: i64,
    /// Milliseconds since 1970.
    pub(super) received_at: i64,
}

/// A workspace, and what else happens in it.
pub(super) struct Market {
    pub(super) seed: u64,
    pub(super) world: World,
    /// Shares, some of them told twice, and other page events.
    pub(super) shares: Vec<Share>,
    /// Advocates and programs of links.
    pub(super) links: Vec<(&'static str, &'static str)>,
}

/// So many markets; always the same but for the time.
pub(super) fn markets(count: u64, now: i64) -> Vec<Market> {
    (0..count).map(|seed| market(seed, now)).collect()
}

fn market(seed: u64, now: i64) -> Market {
    let mut rng = Rng::with_seed(seed + 9_000);
    let workspace = format!("m{seed}");
    // Whole hours make events meet in one millisecond, and windows end on one.
    let grid = [1, HOUR, DAY][rng.usize(..3)];
    let around = (now - 15 * DAY) / HOUR * HOUR;
    let spread = 30 * DAY / grid;
    let time = |rng: &mut Rng| around + rng.i64(-spread..=spread / 3) * grid;
    let mut clicks = Vec::new();
    for unique in 0..rng.u32(5..70) {
        let at = time(&mut rng);
        clicks.push(Click {
            outcome: if rng.u8(..12) == 0 { 2 } else { 1 },
            verdict: [BOT, DUPLICATE, HUMAN, HUMAN, HUMAN, HUMAN][rng.usize(..6)],
            link_id: rng.u64(1..6),
            channel: ["Direct", "Email", "WhatsApp"][rng.usize(..3)].into(),
            program: ["", PROGRAM][rng.usize(..2)].into(),
            advocate: if rng.u8(..4) == 0 {
                ""
            } else {
                NAMES[rng.usize(..7)]
            }
            .into(),
            ..Click::new(&workspace, at, unique + 1, rng.u8(..9).into())
        });
    }
    let conversions = conversions(&mut rng, &workspace, &clicks, time);
    let shares = match seed % 4 {
        0 => Vec::new(),
        _ => shares(&mut rng, &workspace, time),
    };
    let links = (0..rng.usize(..5)).map(|_| {
        let program = ["", PROGRAM][rng.usize(..2)];
        (NAMES[rng.usize(..7)], program)
    });
    let links = links.collect();
    let world = World {
        workspace,
        zone: ["UTC", "Asia/Kathmandu"][rng.usize(..2)],
        around,
        clicks,
        conversions,
        pages: Vec::new(),
    };
    Market {
        seed,
        world,
        shares,
        links,
    }
}

fn conversions(
    rng: &mut Rng,
    workspace: &str,
    clicks: &[Click],
    time: impl Fn(&mut Rng) -> i64,
) -> Vec<Conversion> {
    let mut conversions: Vec<Conversion> = Vec::new();
    let kinds = [&[LEAD, SALE][..], &[SALE]][usize::from(rng.u8(..6) == 0)];
    for number in 0..rng.u32(3..60) {
        let of = &clicks[rng.usize(..clicks.len())];
        let (click_id, at) = match rng.u8(..8) {
            0 => (of.click_id, of.time),
            1 => (of.click_id, of.time - HOUR),
            2..=4 => (of.click_id, of.time + rng.i64(0..12) * DAY),
            // A click that is not stored.
            5 => ((1 << 120) + u128::from(number), time(rng)),
            _ => (0, time(rng)),
        };
        let currency = ["", "EUR", "EUR", "USD"][rng.usize(..4)];
        let conversion = Conversion {
            customer: if rng.u8(..3) == 0 {
                ""
            } else {
                NAMES[rng.usize(..6)]
            }
            .into(),
            visitor_id: if rng.bool() { 0 } else { rng.u8(..9).into() },
            amount_minor: if currency.is_empty() {
                0
            } else {
                rng.i64(0..30_000)
            },
            currency: currency.into(),
            received_at: at + i64::from(number),
            ..Conversion::new(
                workspace,
                &format!("e{number}"),
                kinds[rng.usize(..kinds.len())],
                at,
                click_id,
            )
        };
        if rng.u8(..6) == 0 {
            // The same again, and otherwise; the first stands.
            conversions.push(Conversion {
                customer: "k1".into(),
                received_at: conversion.received_at + 7,
                ..conversion.clone()
            });
        }
        if rng.u8(..6) == 0 && conversion.kind == SALE {
            let kind = [REFUND, CANCELLATION][rng.usize(..2)];
            conversions.push(Conversion {
                reference: conversion.event_id.clone(),
                currency: if kind == REFUND {
                    conversion.currency.clone()
                } else {
                    String::new()
                },
                amount_minor: if kind == REFUND {
                    -rng.i64(1..30_000)
                } else {
                    0
                },
                ..Conversion::new(workspace, &format!("b{number}"), kind, at + HOUR, 0)
            });
        }
        conversions.push(conversion);
    }
    conversions
}

fn shares(rng: &mut Rng, workspace: &str, time: impl Fn(&mut Rng) -> i64) -> Vec<Share> {
    let mut shares = Vec::new();
    for number in 0..rng.u32(1..40) {
        let at = time(rng);
        let name = |rng: &mut Rng| {
            if rng.bool() {
                ""
            } else {
                NAMES[rng.usize(..7)]
            }
        };
        let share = Share {
            workspace: workspace.into(),
            event_id: u128::from(number) + 1,
            name: if rng.u8(..6) == 0 { "page" } else { "share" }.into(),
            customer: name(rng).into(),
            link_id: rng.u64(..6),
            advocate: name(rng).into(),
            occurred_at: at,
            received_at: at,
        };
        if rng.u8(..5) == 0 {
            shares.push(share.clone());
        }
        shares.push(share);
    }
    shares
}
