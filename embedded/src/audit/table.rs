//! An audit as people read it.

use std::fmt::Write;

use whence_analytics::audit::{Audit, Event, Events, LaneAudit, Lanes, Rollup};

/// Ranges, numbers, events or cells that are shown of each; JSON has more.
const SHOWN: usize = 20;

/// The audit; lanes of which there is nothing to say only where `all` is asked for.
pub(super) fn of(audit: &Audit, all: bool) -> String {
    let mut text = String::new();
    // A String takes whatever is written.
    let _ = write(&mut text, audit, all);
    text
}

fn write(out: &mut String, audit: &Audit, all: bool) -> std::fmt::Result {
    lanes(out, "clicks", &audit.clicks, all)?;
    lanes(out, "conversions", &audit.conversions, all)?;
    if let Some(found) = &audit.events {
        events(out, found)?;
    }
    if let Some(found) = &audit.rollup {
        rollup(out, found)?;
    }
    let seconds = audit.took_ms as f64 / 1000.0;
    let verdict = match audit.clean {
        true => "clean: nothing missing, nothing twice",
        false => "NOT CLEAN: see above",
    };
    writeln!(out, "{verdict} ({}, {seconds:.1} s)", audit.asked_at)
}

fn lanes(out: &mut String, kind: &str, found: &Lanes, all: bool) -> std::fmt::Result {
    write!(
        out,
        "{kind}: {} stored, {} waiting, {} missing, {} duplicated",
        found.stored, found.waiting, found.missing, found.duplicated
    )?;
    if found.unnumbered > 0 {
        write!(out, ", {} without a number", found.unnumbered)?;
    }
    writeln!(out, "; lanes: {}", found.lanes.len())?;
    let shown: Vec<_> = found
        .lanes
        .iter()
        .filter(|lane| all || is_worth_showing(lane))
        .collect();
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "  {:<16}  {:>12} {:>12} {:>12} {:>9} {:>9} {:>10}  reported",
        "lane", "taken", "freed", "stored", "waiting", "missing", "duplicated"
    )?;
    shown.into_iter().try_for_each(|found| lane(out, found))
}

fn is_worth_showing(lane: &LaneAudit) -> bool {
    lane.reported_at.is_none()
        || lane.waiting.count + lane.missing.count + lane.duplicated.count + lane.unnumbered > 0
}

fn lane(out: &mut String, lane: &LaneAudit) -> std::fmt::Result {
    let reported = match (lane.age_s, &lane.service, &lane.node, &lane.name) {
        (Some(age), Some(service), Some(node), Some(name)) => {
            format!("{age} s ago by {service} on {node}, {name}")
        }
        _ => "never".into(),
    };
    writeln!(
        out,
        "  {:<16}  {:>12} {:>12} {:>12} {:>9} {:>9} {:>10}  {reported}",
        lane.lane,
        lane.taken,
        lane.freed,
        lane.stored,
        lane.waiting.count,
        lane.missing.count,
        lane.duplicated.count
    )?;
    for range in lane.missing.ranges.iter().take(SHOWN) {
        write!(out, "      missing {}", span(range.first, range.last))?;
        write!(out, ": {}", range.reason)?;
        match range.detail.as_str() {
            "" => writeln!(out)?,
            detail => writeln!(out, " ({})", printable(detail))?,
        }
    }
    more(out, lane.missing.ranges.len(), lane.missing.more)?;
    for number in lane.duplicated.numbers.iter().take(SHOWN) {
        writeln!(out, "      {} is there {} times", number.seq, number.rows)?;
    }
    more(out, lane.duplicated.numbers.len(), lane.duplicated.more)?;
    if lane.expired > 0 {
        writeln!(
            out,
            "      retention may have removed 1 to {}",
            lane.expired
        )?;
    }
    if lane.unnumbered > 0 {
        writeln!(out, "      {} rows have no number", lane.unnumbered)?;
    }
    Ok(())
}

fn events(out: &mut String, found: &Events) -> std::fmt::Result {
    writeln!(
        out,
        "events: {} came and have no row, {} have a row and never came",
        found.lost, found.strange
    )?;
    for (word, total, listed) in [
        ("no row", found.lost, &found.lost_events),
        ("never came", found.strange, &found.strange_events),
    ] {
        for event in listed.iter().take(SHOWN) {
            let Event {
                workspace,
                event_id,
                lane,
                seq,
            } = event;
            let id = printable(event_id);
            writeln!(out, "      {word}: {workspace} {id}, {seq} of {lane}")?;
        }
        more(out, listed.len(), total > listed.len() as u64)?;
    }
    Ok(())
}

fn rollup(out: &mut String, found: &Rollup) -> std::fmt::Result {
    writeln!(
        out,
        "rollup: {} clicks, {} by the hour, {} hours differ",
        found.clicks, found.rolled_up, found.differing_hours
    )?;
    for cell in found.cells.iter().take(SHOWN) {
        writeln!(
            out,
            "      {} {} link {} {} {} {} {}: {} clicks, {} by the hour",
            cell.workspace,
            cell.hour,
            cell.link_id,
            cell.outcome,
            cell.verdict,
            printable(&cell.channel),
            printable(&cell.country),
            cell.clicks,
            cell.rolled_up
        )?;
    }
    more(out, found.cells.len(), found.more)
}

fn span(first: u64, last: u64) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first} to {last} ({})", last - first + 1),
    }
}

fn more(out: &mut String, listed: usize, beyond: bool) -> std::fmt::Result {
    if beyond || listed > SHOWN {
        writeln!(out, "      and more")?;
    }
    Ok(())
}

/// What others have said, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.escape_debug().collect()
}

#[cfg(test)]
mod tests {
    use whence_analytics::audit::{Cell, Duplicated, Missing, MissingRange, Repeated, Waiting};

    use super::*;

    fn quiet(lane: &str) -> LaneAudit {
        LaneAudit {
            lane: lane.into(),
            service: Some("redirector".into()),
            node: Some("edge-1".into()),
            name: Some("0".into()),
            reported_at: Some("2026-11-01T00:00:00Z".into()),
            age_s: Some(3),
            taken: 10,
            freed: 10,
            expired: 0,
            rows: 10,
            stored: 10,
            waiting: Waiting::default(),
            missing: Missing::default(),
            duplicated: Duplicated::default(),
            unnumbered: 0,
        }
    }

    fn audit(lanes: Vec<LaneAudit>) -> Audit {
        let lost = Event {
            workspace: "acme".into(),
            event_id: "order\u{1b}[2J".into(),
            lane: "00000000000000ff".into(),
            seq: 7,
        };
        let cell = Cell {
            workspace: "acme".into(),
            hour: "2026-11-01T00:00:00Z".into(),
            link_id: "L".into(),
            outcome: "redirected".into(),
            verdict: "human".into(),
            channel: "Email".into(),
            country: "DE".into(),
            clicks: 3,
            rolled_up: 4,
        };
        Audit {
            clean: false,
            asked_at: "2026-11-01T00:00:00Z".into(),
            took_ms: 1234,
            clicks: Lanes {
                lanes,
                ..Lanes::default()
            },
            conversions: Lanes::default(),
            events: Some(Events {
                lost: 1,
                lost_events: vec![lost],
                ..Events::default()
            }),
            rollup: Some(Rollup {
                differing_hours: 1,
                cells: vec![cell],
                ..Rollup::default()
            }),
        }
    }

    #[test]
    fn what_is_wrong_is_shown_and_what_is_not_only_where_it_is_asked_for() {
        let wrong = LaneAudit {
            missing: Missing {
                count: 3,
                ranges: vec![MissingRange {
                    first: 4,
                    last: 6,
                    reason: "refused".into(),
                    detail: "no room\n".into(),
                }],
                more: true,
            },
            duplicated: Duplicated {
                count: 1,
                numbers: vec![Repeated { seq: 9, rows: 2 }],
                more: false,
            },
            ..quiet("00000000000000aa")
        };
        let audit = audit(vec![wrong, quiet("00000000000000bb")]);
        let text = of(&audit, false);
        for told in [
            "missing 4 to 6 (3): refused (no room\\n)",
            "and more",
            "9 is there 2 times",
            "3 s ago by redirector on edge-1, 0",
            "no row: acme order\\u{1b}[2J, 7 of 00000000000000ff",
            "3 clicks, 4 by the hour",
            "NOT CLEAN",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
        assert!(!text.contains("00000000000000bb"), "{text}");
        assert!(of(&audit, true).contains("00000000000000bb"));
    }

    #[test]
    fn a_lane_that_never_reported_is_shown_as_such() {
        let silent = LaneAudit {
            service: None,
            node: None,
            name: None,
            reported_at: None,
            age_s: None,
            ..quiet("00000000000000cc")
        };
        let text = of(&audit(vec![silent]), false);
        let line = text.lines().find(|line| line.contains("00000000000000cc"));
        assert!(line.is_some_and(|line| line.ends_with("never")), "{text}");
    }
}
