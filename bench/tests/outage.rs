//! `whence-bench outage` hangs, kills and starts the real engine under load, and finds each answered click once. What a
//! debug build's times are, is not looked at.

mod support;

use support::bench;

#[test]
fn an_outage_costs_no_click() {
    let run = bench(&["outage", "--quick", "--rate", "200"]);
    assert!(run.success, "{}", run.said);
    let result = &run.result;
    let number = |key: &str| {
        result[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key}: {result}"))
    };
    assert!(number("answered") > 1_000, "{result}");
    for key in ["missing", "duplicated", "errors", "events_dropped"] {
        assert_eq!(number(key), 0, "{key}: {result}");
    }
    assert_eq!(result["stored"]["rows"], result["answered"]);
    // It was away, and its metrics say so.
    assert!(number("backlog_max_records") > 1_000, "{result}");
    for key in ["oldest_unshipped_max_s", "drained_s"] {
        assert!(result[key].as_f64().unwrap() > 0.0, "{key}: {result}");
    }
    for part in ["before", "hung", "gone", "during", "after"] {
        assert!(
            result[part]["p99_us"].as_f64().unwrap() > 0.0,
            "{part}: {result}"
        );
    }
}
