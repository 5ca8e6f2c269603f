//! `whence-bench replay`: a log through a whole installation, and the reports say what the log says.

mod support;

use support::bench;

#[test]
fn every_line_becomes_a_row_and_every_total_is_right() {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/access.log");
    let run = bench(&["replay", log, "--fresh"]);
    assert!(run.success, "{}", run.said);
    let result = run.result;
    for (field, value) in [
        ("lines", 120),
        ("requests", 120),
        ("rows", 120),
        ("mismatches", 0),
        ("skipped", 0),
        ("not_redirected", 0),
    ] {
        assert_eq!(result[field], value, "{field}: {result}\n{}", run.said);
    }
    assert!(run.said.contains("awk"), "{}", run.said);
}

#[test]
fn what_a_log_should_not_hold_is_named_and_the_rest_still_counts() {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/odd.log");
    let run = bench(&["replay", log, "--fresh"]);
    assert!(run.success, "{}", run.said);
    let result = run.result;
    for (field, value) in [
        ("lines", 7),
        ("requests", 2),
        ("rows", 2),
        ("mismatches", 0),
        ("skipped", 5),
        ("links", 1),
    ] {
        assert_eq!(result[field], value, "{field}: {result}\n{}", run.said);
    }
    for reason in [
        "line 2: OPTIONS makes no click",
        "line 3: the request is not",
        "line 4: no link can stand there",
        "line 5: no time in brackets",
        "line 7: the edge answers it itself",
    ] {
        assert!(run.said.contains(reason), "{reason}: {}", run.said);
    }
}

#[test]
fn what_cannot_be_replayed_is_refused_before_anything_is_made() {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/access.log");
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    for (args, named) in [
        (&["replay", "/no/such.log"][..], "/no/such.log"),
        (&["replay", "/dev/null", "--fresh"], "holds nothing"),
        (&["replay", log, "--data", empty], "no API key there"),
        (
            &[
                "replay",
                log,
                "--key",
                "whk_x",
                "--redirector",
                "https://127.0.0.1",
            ],
            "--redirector",
        ),
        (
            &[
                "replay",
                log,
                "--key",
                "whk_x",
                "--api",
                "http://127.0.0.1:1",
            ],
            "127.0.0.1:1/api/v1/domains",
        ),
        (&["replay", log, "--fresh", "--key", "whk_x"], "--fresh"),
    ] {
        let run = bench(args);
        assert!(
            !run.success && run.said.contains(named),
            "{args:?}: {}",
            run.said
        );
        assert!(run.result.is_null());
    }
}
