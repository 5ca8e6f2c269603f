//! The commands as a person meets them: what they print and how they end.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

const SERVICES: [&str; 3] = ["whence-redirector", "whence-ingest", "whence-analytics"];

fn run(program: &str, args: &[&str]) -> Output {
    let whence = Path::new(env!("CARGO_BIN_EXE_whence"));
    let path = whence.with_file_name(program);
    let output = Command::new(&path).args(args).output();
    output.unwrap_or_else(|error| {
        panic!(
            "{}: {error}; cargo build --workspace --bins",
            path.display()
        )
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_bad_key_ends_every_program_with_64_before_a_port_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    for service in SERVICES {
        let section = service.trim_start_matches("whence-");
        // The port is taken: had it been tried, the error would be about that.
        let port = format!("{section}.listen={listen}");
        let output = run(service, &["--set", &port, "--set", "redirector.lissten=1"]);
        assert_eq!(
            output.status.code(),
            Some(64),
            "{service}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains("lissten"),
            "{service}: {}",
            said(&output)
        );
    }
    let output = run("whence", &["up", "--set", "redirector.lissten=1"]);
    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
}

#[test]
fn check_says_what_is_wrong_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("whence.toml");
    let file_name = file.display().to_string();
    for (text, expected) in [
        ("[redirector]\nthreads = 1\n", None),
        ("[redirector]\nlissten = 1\n", Some("lissten")),
        ("[redirector\n", Some("line 1")),
        (
            "[redirector.journal]\nmax_megabytes = 1\n",
            Some("redirector.journal"),
        ),
        (
            "[databases]\nplaces = \"/nowhere.mmdb\"\n",
            Some("/nowhere.mmdb"),
        ),
        ("click_id_key = \"tooshort\"\n", Some("click_id_key")),
        ("[store]\nurl = \"mysql://h\"\n", Some("store.url")),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = run("whence", &["check", "--config", &file_name]);
        match expected {
            None => assert!(output.status.success(), "{text}: {}", said(&output)),
            Some(expected) => {
                assert_eq!(output.status.code(), Some(64), "{text}");
                assert!(
                    said(&output).contains(expected),
                    "{text}: {}",
                    said(&output)
                );
            }
        }
    }
    let output = run("whence", &["check", "--config", "/nowhere/whence.toml"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        said(&output).contains("/nowhere/whence.toml"),
        "{}",
        said(&output)
    );
}

#[test]
fn check_prints_no_secret() {
    let secret = "feedfacefeedfacefeedfacefeedfac";
    let flag = format!("click_id_key={secret}");
    let output = run("whence", &["check", "--set", &flag]);
    assert_eq!(output.status.code(), Some(64), "31 digits are one too few");
    let all = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&all).contains(secret));
}

#[test]
fn a_missing_engine_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", dir.path().join("data").display());
    let flags = [
        "up",
        "--set",
        &data,
        "--set",
        "embedded.library=/nowhere/libchdb.so",
    ];
    let output = run("whence", &flags);
    assert_eq!(output.status.code(), Some(70), "{}", said(&output));
    for part in ["/nowhere/libchdb.so", "embedded.clickhouse"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}

#[test]
fn a_taken_port_is_named_by_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", dir.path().display());
    let listen = format!("redirector.listen={}", taken.local_addr().unwrap());
    let key = "click_id_key=00112233445566778899aabbccddeeff";
    let output = run(
        "whence-redirector",
        &["--set", &data, "--set", &listen, "--set", key],
    );
    assert_eq!(output.status.code(), Some(70));
    assert!(
        said(&output).contains("redirector.listen"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_second_process_on_the_same_store_is_told_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", dir.path().display());
    let _held = whence_core::store::FileStore::open(&dir.path().join("links.redb")).unwrap();
    let output = run("whence", &["new", "workspace", "acme", "--set", &data]);
    assert_eq!(output.status.code(), Some(70));
    for part in ["links.redb", "redis://"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
}
