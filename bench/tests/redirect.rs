//! `whence-bench redirect` drives the real redirector, and every answer is a redirect that was journalled. What
//! a debug build's times are, is not looked at.

mod support;

use support::bench;

#[test]
fn every_request_is_redirected_and_counted() {
    let run = bench(&[
        "redirect",
        "--links",
        "50",
        "--seconds",
        "1",
        "--rounds",
        "1",
        "--connections",
        "8",
    ]);
    assert!(run.success, "{}", run.said);
    let result = run.result;
    assert!(
        result["cpu_ratio_vs_hyper"].as_f64().unwrap() > 0.0,
        "{result}"
    );
    assert!(result["requests"].as_u64().unwrap() > 100, "{result}");
    assert_eq!(
        (&result["errors"], &result["events_dropped"]),
        (&0.into(), &0.into()),
        "{result}"
    );
}
