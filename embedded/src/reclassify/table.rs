//! A summary for people.

use std::fmt::Write;

use whence_ingest::reclassify::{Moved, Summary};

/// How many moves are told of each kind. JSON has all.
const TOLD: usize = 40;

/// The summary as a text.
pub(super) fn of(summary: &Summary, dry_run: bool) -> String {
    let mut text = String::new();
    let would = if dry_run { "would change" } else { "changed" };
    let _ = writeln!(
        text,
        "{} clicks were judged by rules {}, {} of them by others before",
        summary.clicks, summary.rules, summary.of_other_rules
    );
    if summary.left > 0 {
        let _ = writeln!(
            text,
            "{} are left as they are: too little is stored of them",
            summary.left
        );
    }
    if summary.left_channels > 0 {
        let _ = writeln!(
            text,
            "{} keep their channel: what tells it is not known any more",
            summary.left_channels
        );
    }
    if summary.changed == 0 {
        text.push_str("nothing changes\n");
        return text;
    }
    let _ = writeln!(text, "{} {would}", summary.changed);
    moves(&mut text, "verdict", &summary.verdicts);
    moves(&mut text, "channel", &summary.channels);
    for (what, clicks) in [
        ("other reasons", summary.reasons),
        ("another source", summary.sources),
        ("other software", summary.software),
    ] {
        if clicks > 0 {
            let _ = writeln!(text, "\n{what}: {clicks}");
        }
    }
    text
}

fn moves(text: &mut String, what: &str, moves: &[Moved]) {
    if moves.is_empty() {
        return;
    }
    let shown = &moves[..moves.len().min(TOLD)];
    let width = |name: fn(&Moved) -> &str| {
        let names = shown.iter().map(|moved| name(moved).chars().count());
        names.max().unwrap_or_default()
    };
    let (from, to) = (width(|moved| &moved.from), width(|moved| &moved.to));
    let _ = writeln!(text, "\n{what}");
    for moved in shown {
        let _ = writeln!(
            text,
            "  {:from$}  →  {:to$}  {:>9}",
            moved.from, moved.to, moved.clicks
        );
    }
    if moves.len() > TOLD {
        let _ = writeln!(
            text,
            "  … and {} more; --json tells all",
            moves.len() - TOLD
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told() {
        let moved = |from: &str, to: &str, clicks| Moved {
            from: from.into(),
            to: to.into(),
            clicks,
        };
        let nothing = Summary {
            rules: 3,
            clicks: 10,
            of_other_rules: 4,
            left: 0,
            left_channels: 0,
            changed: 0,
            verdicts: Vec::new(),
            channels: Vec::new(),
            reasons: 0,
            sources: 0,
            software: 0,
        };
        assert_eq!(
            of(&nothing, false),
            "10 clicks were judged by rules 3, 4 of them by others before\nnothing changes\n"
        );
        let some = Summary {
            left: 2,
            changed: 3,
            verdicts: vec![moved("human", "duplicate", 2), moved("bot", "human", 1)],
            reasons: 3,
            ..nothing
        };
        let told = of(&some, true);
        assert!(told.contains("2 are left as they are"), "{told}");
        assert!(told.contains("3 would change\n"), "{told}");
        assert!(
            told.contains("\nverdict\n  human  →  duplicate          2\n"),
            "{told}"
        );
        assert!(told.ends_with("other reasons: 3\n"), "{told}");
    }
}
