//! `whence attribute` as somebody runs it who has paths from another tool.

// What these helpers unwrap fails the test that asked, as an unwrap inside it would.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const PATHS: &str = "path,total_conversions,total_conversion_value,total_null\n\
    Email > Social > Direct,1,100.00,0\n\
    Social,2,10.01,4\n\
    ,1,5.00,0\n";

fn attribute(paths: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whence"))
        .args(["attribute", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(paths.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn as_csv() {
    let output = attribute(
        PATHS,
        &["--models", "last_non_direct,linear", "--format", "csv"],
    );
    assert!(output.status.success(), "{output:?}");
    let expected = "channel,model,conversions,value\n\
        Email,last_non_direct,0.000000,0.00\n\
        Social,last_non_direct,3.000000,110.01\n\
        Direct,last_non_direct,0.000000,0.00\n\
        (unattributed),last_non_direct,1.000000,5.00\n\
        Email,linear,0.333334,33.34\n\
        Social,linear,2.333333,43.34\n\
        Direct,linear,0.333333,33.33\n\
        (unattributed),linear,1.000000,5.00\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn every_model_as_a_table_and_as_json() {
    let output = attribute(PATHS, &[]);
    let table = String::from_utf8(output.stdout).unwrap();
    for model in [
        "first",
        "position:40:40",
        "time_decay:1",
        "markov:1",
        "shapley",
    ] {
        assert!(table.contains(&format!("{model}\n")), "{table}");
    }
    let output = attribute(PATHS, &["--format", "json", "--models", "shapley"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json[0]["channels"]["Direct"]["value"], "33.33");
    assert_eq!(json[0]["unattributed"]["conversions"], "1.000000");
}

#[test]
fn what_is_wrong_is_told() {
    let output = attribute("path,total_conversions\nA,many\n", &[]);
    assert_eq!(output.status.code(), Some(65));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("line 2: total_conversions: must be a whole number"),
        "{told}"
    );
    let output = attribute(PATHS, &["--models", "u_shaped"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("\"u_shaped\""), "{told}");
}
