//! `whence-bench crash` in its short form: at least 60 kills among every other fault, and nothing lost or twice.

mod support;

use support::bench;

/// Any would do; one, so that a failure can be told again.
const SEED: &str = "20261122";

#[test]
fn sixty_kills_lose_nothing_and_store_nothing_twice() {
    let run = bench(&["crash", "--short", "--rate", "300", "--seed", SEED]);
    assert!(run.success, "{}", run.said);
    let result = run.result;
    let count = |key: &str| result[key].as_u64().unwrap();
    assert!(count("kills") >= 60, "{result}");
    // Load enough for every fault to meet some.
    assert!(count("answered") > 1_000, "{result}");
    assert!(count("conversions_acknowledged") > 100, "{result}");
    assert_eq!(
        count("stored") + count("destroyed"),
        count("answered"),
        "{result}"
    );
    for wrong in [
        "missing",
        "duplicated",
        "invented",
        "altered",
        "rollups_wrong",
        "conversions_missing",
        "conversions_duplicated",
        "conversions_invented",
    ] {
        assert_eq!(count(wrong), 0, "{wrong} in {result}");
    }
}
