//! Puts side by side what the log says and what the reports say.

use std::collections::BTreeSet;
use std::fmt;

use super::api::Breakdown;
use super::totals::Counts;

/// A number that is not what the log says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// The report's dimension.
    by: &'static str,
    /// The key; none for all clicks together.
    key: Option<String>,
    /// Clicks by the log.
    log: u64,
    /// Clicks by the report.
    report: u64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "by {}, {key:?}: ", self.by)?,
            None => write!(f, "by {}, all together: ", self.by)?,
        }
        write!(f, "{} in the log, {} in the report", self.log, self.report)
    }
}

/// Every key of either side with different numbers, and the total where it differs.
pub(super) fn compare(by: &'static str, log: &Counts, report: &Breakdown) -> Vec<Mismatch> {
    let of = |counts: &Counts, key| counts.get(key).copied().unwrap_or(0);
    let keys: BTreeSet<&String> = log.keys().chain(report.counts.keys()).collect();
    let all = (None, log.values().sum(), report.total);
    let each = keys
        .into_iter()
        .map(|key| (Some(key.clone()), of(log, key), of(&report.counts, key)));
    std::iter::once(all)
        .chain(each)
        .filter(|(_, log, report)| log != report)
        .map(|(key, log, report)| Mismatch {
            by,
            key,
            log,
            report,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(&str, u64)]) -> Counts {
        pairs
            .iter()
            .map(|(key, count)| ((*key).to_owned(), *count))
            .collect()
    }

    #[test]
    fn equal_numbers_are_no_mismatch() {
        let same = counts(&[("a", 1), ("", 2)]);
        let report = Breakdown {
            total: 3,
            counts: same.clone(),
        };
        assert_eq!(compare("slug", &same, &report), []);
    }

    #[test]
    fn every_difference_is_one() {
        let log = counts(&[("a", 1), ("b", 2), ("c", 3)]);
        let report = Breakdown {
            total: 8,
            counts: counts(&[("a", 1), ("b", 3), ("d", 4)]),
        };
        let said: Vec<_> = compare("slug", &log, &report)
            .iter()
            .map(Mismatch::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "by slug, all together: 6 in the log, 8 in the report",
                "by slug, \"b\": 2 in the log, 3 in the report",
                "by slug, \"c\": 3 in the log, 0 in the report",
                "by slug, \"d\": 0 in the log, 4 in the report",
            ]
        );
    }
}
