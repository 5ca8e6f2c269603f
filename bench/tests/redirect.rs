//! `whence-bench redirect` drives the real redirector next to the other servers, in every way and with everything
//! else that it measures; every answer is a redirect that was journalled. What a debug build's times are, is not
//! looked at.

mod support;

use serde_json::Value;
use support::{Run, bench};

#[test]
fn everything_is_measured_and_every_request_redirected() {
    let Run {
        result,
        success,
        said,
    } = bench(&["redirect", "--quick", "--connections", "8"]);
    assert!(success, "{said}");
    for key in [
        "cpu_ratio_vs_hyper",
        "p99_ratio_vs_hyper",
        "link_overhead_bytes",
        "edit_visible_p99_ms",
    ] {
        assert!(
            result[key].as_f64().is_some_and(|value| value > 0.0),
            "{key}: {result}"
        );
    }
    // One needs an nginx, the other a million links.
    for key in ["cpu_ratio_vs_nginx", "warm_million_s"] {
        assert!(result.get(key).is_some(), "{key}: {result}");
    }
    let ways: Vec<_> = result["table"]
        .as_array()
        .unwrap()
        .iter()
        .map(way)
        .collect();
    assert_eq!(ways, ["keep_alive", "new_connection", "tls"]);
    assert!(result["requests"].as_u64().unwrap() > 100, "{result}");
    for part in [&result, &result["edits"]] {
        assert_eq!(
            (&part["errors"], &part["events_dropped"]),
            (&0.into(), &0.into()),
            "{result}"
        );
    }
}

/// The way of one cell, all of whose servers have figures.
fn way(cell: &Value) -> &str {
    for server in ["whence", "hyper"] {
        for figure in ["cpu_us", "rps", "load_us", "p50_us", "p99_us", "p999_us"] {
            let value = cell[server][figure].as_f64();
            assert!(
                value.is_some_and(|value| value > 0.0),
                "{server} {figure}: {cell}"
            );
        }
    }
    cell["way"].as_str().expect("a cell has a way")
}
