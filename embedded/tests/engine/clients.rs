//! The official clients of other languages, each run as a script that ends with `ok`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Engine, PASSWORD, USER};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

#[track_caller]
fn succeeded(what: &str, output: Output) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{what} failed ({})\n{out}\n{err}",
        output.status
    );
}

fn run(program: &Path, missing: &str, script: &str, engine: &Engine) {
    let output = Command::new(program)
        .arg(scripts().join(script))
        .current_dir(scripts())
        .env("CLICKHOUSE_HOST", engine.address().ip().to_string())
        .env("CLICKHOUSE_PORT", engine.address().port().to_string())
        .env("CLICKHOUSE_USER", USER)
        .env("CLICKHOUSE_PASSWORD", PASSWORD)
        .output()
        .unwrap_or_else(|error| panic!("{missing}: {error}"));
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .ends_with("ok")
            || !output.status.success()
    );
    succeeded(script, output);
}

/// A virtual environment with the pinned packages, made once for each list of them.
fn python() -> PathBuf {
    let requirements = std::fs::read_to_string(scripts().join("requirements.txt")).unwrap();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-venv");
    let made_from = home.join("made-from.txt");
    let python = home.join("bin/python");
    if std::fs::read_to_string(&made_from).is_ok_and(|made| made == requirements) {
        return python;
    }
    let missing = "python3 (3.10 or newer, with venv) is missing; the official Python client cannot be tested without it";
    let output = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&home)
        .output();
    succeeded(
        missing,
        output.unwrap_or_else(|error| panic!("{missing}: {error}")),
    );
    let output = Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(scripts().join("requirements.txt"))
        .output();
    succeeded(
        "pip install of tests/clients/requirements.txt",
        output.unwrap(),
    );
    std::fs::write(made_from, requirements).unwrap();
    python
}

#[test]
fn clickhouse_connect_for_python() {
    let python = python();
    run(
        &python,
        "the virtual environment has no python",
        "connect.py",
        &Engine::start(),
    );
}

#[test]
fn clickhouse_client_for_node() {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../node_modules/@clickhouse/client/package.json");
    assert!(
        installed.is_file(),
        "@clickhouse/client is missing: run `npm ci` where package.json lies"
    );
    let missing =
        "node (20 or newer) is missing; the official JavaScript client cannot be tested without it";
    run(Path::new("node"), missing, "client.mjs", &Engine::start());
}
