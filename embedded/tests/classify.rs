//! `whence classify` as a person meets it: lines in, lines out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says as much as one that expects"
)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

fn classify(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whence"))
        .arg("classify")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What is refused at once is not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn answers(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn agents() {
    let input = format!("{CHROME}\n\nTwitterbot/1.0\r\ncurl/8.5.0");
    let output = classify(&["--as", "agents"], &input);
    assert!(output.status.success(), "{}", said(&output));
    let answers = answers(&output);
    let verdicts: Vec<_> = answers.iter().map(|answer| &answer["verdict"]).collect();
    assert_eq!(verdicts, ["human", "bot", "preview", "bot"]);
    assert_eq!(answers[0]["browser"], "Chrome");
    assert_eq!(answers[0]["device"], "desktop");
    assert_eq!(answers[0]["reasons"], serde_json::json!([]));
    assert_eq!(answers[1]["reasons"][0], "no_user_agent");
    assert_eq!(answers[2]["line"], 3);
    assert_eq!(answers[2]["user_agent"], "Twitterbot/1.0");
    assert!(answers[0].get("channel").is_none(), "an agent has no road");
}

#[test]
fn referrers() {
    let input = "https://l.facebook.com/l.php?u=x\nhttps://www.netflix.com/\n\n";
    let output = classify(&["--as", "referrers", "-"], input);
    assert!(output.status.success(), "{}", said(&output));
    let answers = answers(&output);
    assert_eq!(answers[0]["source"], "Facebook");
    assert_eq!(answers[0]["channel"], "Organic Social");
    assert_eq!(answers[1]["source"], "Netflix", "which is not X");
    assert_eq!(answers[2]["channel"], "Direct");
    assert!(
        answers[0].get("verdict").is_none(),
        "a referrer has no verdict"
    );
}

#[test]
fn whole_requests() {
    let headers = format!(
        r#"{{"User-Agent":"{CHROME}","Accept":"text/html","Accept-Language":"de-DE","Accept-Encoding":"br","Sec-Fetch-Mode":"navigate"}}"#
    );
    let bare = format!(r#"{{"User-Agent":"{CHROME}","Accept":"*/*"}}"#);
    let url = "https://go.example/x?utm_source=news&utm_medium=email";
    let input = [
        format!(r#"{{"url":"{url}","headers":{headers},"address":"193.99.144.80"}}"#),
        format!(r#"{{"url":"{url}","headers":{bare}}}"#),
        format!(r#"{{"url":"{url}","headers":{bare},"confirmed":true}}"#),
        format!(
            r#"{{"host":"go.example","method":"HEAD","headers":{headers},"channel":"whatsapp"}}"#
        ),
    ];
    let output = classify(&[], &input.join("\n"));
    assert!(output.status.success(), "{}", said(&output));
    let answers = answers(&output);
    let verdicts: Vec<_> = answers.iter().map(|answer| &answer["verdict"]).collect();
    assert_eq!(verdicts, ["human", "bot", "human", "preview"]);
    assert_eq!(answers[0]["country"], "DE");
    assert_eq!(answers[0]["language"], "de-DE");
    assert_eq!(answers[0]["channel"], "Email");
    assert_eq!(answers[1]["reasons"][0], "no_browser");
    assert_eq!(answers[2]["reasons"][0], "confirmed");
    assert_eq!(answers[3]["channel"], "WhatsApp");
}

#[test]
fn one_traffic_shows_what_no_request_shows() {
    let line = |second: u32| {
        format!(
            r#"{{"url":"http://go.example/x","time":"2026-06-01T12:00:{second:02}Z","address":"192.0.2.7","headers":{{"User-Agent":"{CHROME}","Accept":"text/html","Accept-Language":"de","Accept-Encoding":"br"}}}}"#
        )
    };
    let input = format!("{}\n{}\n", line(0), line(3));
    let alone = answers(&classify(&[], &input));
    assert_eq!(alone[1]["verdict"], "human");
    let together = answers(&classify(&["--together"], &input));
    assert_eq!(together[0]["verdict"], "human");
    assert_eq!(together[1]["verdict"], "duplicate");
    let refused = classify(&["--together", "--as", "agents"], "x");
    assert_eq!(refused.status.code(), Some(64), "{}", said(&refused));
}

#[test]
fn a_bad_line_is_named_and_stops_no_other() {
    let long = format!("{{\"slug\":\"{}\"}}", "x".repeat(300 << 10));
    let input = format!("{{\"adress\":\"::1\"}}\n{{}}\n{{\"time\":\"noon\"}}\n{long}\n{{}}");
    let output = classify(&["--as", "requests"], &input);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    let lines: Vec<_> = answers(&output).iter().map(|a| a["line"].clone()).collect();
    assert_eq!(lines, [2, 5]);
    let told = said(&output);
    for expected in [
        "line 1: adress: unknown field",
        "line 3: time: ",
        "line 4: longer than",
        "3 of 5 lines were refused",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let missing = classify(&["/no/such/file"], "");
    assert_eq!(missing.status.code(), Some(70));
    assert!(said(&missing).contains("/no/such/file"));
}
