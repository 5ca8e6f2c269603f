//! `whence-bench journal` says what an append costs, and it costs no system call.

mod support;

use std::process::Command;

use support::bench;

#[test]
fn an_append_makes_no_system_call() {
    let run = bench(&["journal", "--records", "10000", "--rounds", "1"]);
    assert!(run.success, "{}", run.said);
    let result = run.result;
    assert!(result["append_ns"].as_f64().unwrap() > 0.0, "{result}");
    assert!(
        result["copy_and_crc_ns"].as_f64().unwrap() > 0.0,
        "{result}"
    );
    match result["syscalls_per_append"].as_f64() {
        Some(count) => assert!(count < 0.01, "{result}"),
        None => {
            // Honest where it cannot count, and only there.
            assert!(result["syscalls_unknown"].is_string(), "{result}");
            let strace = Command::new("strace")
                .args(["-c", "-o", "/dev/null", "--", "true"])
                .output();
            assert!(
                !strace.is_ok_and(|output| output.status.success()),
                "{result}"
            );
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    for (args, named) in [
        (["journal", "--records", "0"], "--records"),
        (["journal", "--bytes", "70000"], "--bytes"),
        (
            ["journal", "--dir", "/no/such/directory"],
            "--dir /no/such/directory",
        ),
    ] {
        let run = bench(&args);
        assert!(
            !run.success && run.said.contains(named),
            "{args:?}: {}",
            run.said
        );
        assert!(run.result.is_null());
    }
}
