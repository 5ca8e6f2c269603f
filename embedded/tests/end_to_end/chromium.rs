//! A real Chromium, led by a script beside these tests. What the script does there is its test's.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// Names that Chromium goes by.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Runs a script that leads Chromium, with what it is told and, as `program`, where Chromium is: what it prints.
pub(crate) async fn lead(script: &str, mut told: Value, patience: Duration) -> String {
    told["program"] = program().to_str().unwrap().into();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end");
    let running = Command::new("node")
        .arg(folder.join(script))
        .arg(told.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(patience, running).await;
    let output = output.expect("the visit takes too long").unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    out.into_owned()
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut programs = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |dir| dir.join(name)));
    programs
        .find(|program| program.is_file())
        .expect("Chromium is missing: `make test` installs it")
}
