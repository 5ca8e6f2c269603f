//! The same totals by hand: one line of `awk` for each, for whoever trusts no program.

use std::path::Path;

/// Each dimension with the line that counts it.
pub(super) const LINES: [(&str, &str); 4] = [
    (
        "slug",
        r#"awk '{split($7, p, "?"); n[p[1]]++} END {for (k in n) print n[k], k}'"#,
    ),
    (
        "agent_class",
        r#"awk -F'"' '{a = tolower($6); k = $6 == "-" || $6 == "" ? "none" : a ~ /bot|crawl|spider|http/ ? "declared_bot" : $6 ~ /^(Mozilla|Opera)\// ? "browser" : "other"; n[k]++} END {for (k in n) print n[k], k}'"#,
    ),
    (
        "referrer_host",
        r#"awk -F'"' '{h = ""; if ($4 ~ /^[A-Za-z0-9+.-]*:\/\//) {h = tolower($4); sub(/^[^:]*:\/\//, "", h); sub(/[\/?#].*/, "", h); sub(/.*@/, "", h); sub(/:[0-9]*$/, "", h)} n[h]++} END {for (k in n) print n[k], k}'"#,
    ),
    (
        "method",
        r#"awk '{sub(/"/, "", $6); n[$6]++} END {for (k in n) print n[k], k}'"#,
    ),
];

/// What to type, for a person to read.
pub(super) fn page(log: &Path) -> String {
    let mut page = String::from(
        "By hand (paths are shown undecoded, and escaped bytes as the log has them):\n",
    );
    for (by, line) in LINES {
        page += &format!("  # by {by}\n  {line} {} | sort -rn | head\n", quoted(log));
    }
    page
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::replay::plan::Plan;
    use crate::replay::totals::{self, Counts};

    /// Clean lines only: `awk` knows neither escapes nor lines that cannot be read.
    const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/access.log");

    fn by_awk(line: &str) -> Counts {
        let command = format!("LC_ALL=C {line} {}", quoted(Path::new(LOG)));
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let counts = text.lines().map(|line| line.split_once(' ').unwrap());
        counts
            .map(|(count, key)| (key.to_owned(), count.parse().unwrap()))
            .collect()
    }

    #[test]
    fn awk_says_the_same() {
        let log = std::fs::read(LOG).unwrap();
        let plan = Plan::read(log.as_slice(), u64::MAX).unwrap();
        assert!(
            plan.visits.len() > 50 && plan.skipped.is_empty(),
            "{:?}",
            plan.skipped
        );
        for (totals, (by, line)) in totals::of(&plan.visits).into_iter().zip(LINES) {
            assert_eq!(totals.by, by);
            let mut counted = by_awk(line);
            if by == "slug" {
                let decode = |path: &str| {
                    let text = percent_encoding::percent_decode_str(&path[1..]).decode_utf8();
                    text.map_or_else(|_| path[1..].to_owned(), |text| text.into_owned())
                };
                let mut decoded = Counts::new();
                for (path, count) in counted {
                    *decoded.entry(decode(&path)).or_default() += count;
                }
                counted = decoded;
            }
            assert_eq!(totals.counts, counted, "by {by}");
        }
    }
}
