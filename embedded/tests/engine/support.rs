//! Starts the program on a free port and a directory of its own, and speaks plain HTTP to it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;
use whence_core::test_support::Killed;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_whence");
/// The user of every engine under test.
pub(crate) const USER: &str = "whence";
/// Its password.
pub(crate) const PASSWORD: &str = "correct horse";

/// A running engine; killed when it is dropped.
pub(crate) struct Engine {
    child: Killed,
    address: SocketAddr,
    _directory: TempDir,
}

/// A response as it came.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The counters in `X-ClickHouse-Summary`.
    pub(crate) fn summary(&self, name: &str) -> u64 {
        let summary: serde_json::Value =
            serde_json::from_str(self.header("x-clickhouse-summary")).unwrap();
        summary[name].as_str().unwrap().parse().unwrap()
    }

    /// Checks an exception's status, code and name.
    #[track_caller]
    pub(crate) fn is_exception(&self, status: u16, code: i32, named: &str) {
        let text = self.text();
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(
            self.header("x-clickhouse-exception-code"),
            code.to_string(),
            "{text}"
        );
        assert!(
            text.starts_with(&format!("Code: {code}. DB::Exception: ")),
            "{text}"
        );
        assert!(
            text.contains(named) && text.contains(" (version 26.") && text.ends_with('\n'),
            "{text}"
        );
        assert!(!text.contains("OUTFILE '"), "{text}");
    }
}

/// The program's subcommand, with its password and without a terminal.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("clickhouse")
        .args(arguments)
        .env("WHENCE_CLICKHOUSE__PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Waits for the line with the address.
pub(crate) fn ready(child: &mut Child) -> SocketAddr {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("listening on http://");
    address
        .unwrap_or_else(|| panic!("not a ready line: {line:?}"))
        .parse()
        .unwrap()
}

impl Engine {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine");
        let mut arguments = vec![
            "--path",
            path.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--user",
            USER,
        ];
        arguments.extend(more);
        let mut child = Killed(command(&arguments).spawn().unwrap());
        let address = ready(&mut child);
        Self {
            child,
            address,
            _directory: directory,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Memory that the process holds, in MiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            / 1024
    }

    /// Asks the process to end, and says how it did.
    pub(crate) fn terminate(mut self) -> (std::process::ExitStatus, Duration) {
        let since = std::time::Instant::now();
        signal(self.child.id(), "TERM");
        (self.child.wait().unwrap(), since.elapsed())
    }

    /// The official crate's client for this engine.
    pub(crate) fn client(&self) -> clickhouse::Client {
        clickhouse::Client::default()
            .with_url(self.url())
            .with_user(USER)
            .with_password(PASSWORD)
            .with_database("default")
    }

    /// Sends a request as the right user.
    pub(crate) async fn send(
        &self,
        method: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut headers = headers.to_vec();
        headers.extend([("x-clickhouse-user", USER), ("x-clickhouse-key", PASSWORD)]);
        self.send_as(method, query, &headers, body).await
    }

    /// Sends a request with nothing but these headers.
    pub(crate) async fn send_as(
        &self,
        method: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{query}", self.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let response = client
            .request(request.body(Full::new(body.into())).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Runs a statement from the body.
    pub(crate) async fn run(&self, sql: &str) -> Answer {
        self.send("POST", "/", &[], sql.to_owned()).await
    }

    /// Runs a statement that must succeed, and gives its result without the last line end.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let answer = self.run(sql).await;
        assert_eq!(answer.status, StatusCode::OK, "{sql}: {}", answer.text());
        answer.text().trim_end_matches('\n').to_owned()
    }

    /// Waits until no statement but the asking one runs.
    pub(crate) async fn wait_idle(&self) {
        for _ in 0..100 {
            if self.ask("SELECT count() FROM system.processes").await == "1" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "still running: {}",
            self.ask("SELECT query FROM system.processes").await
        );
    }
}

/// A text for the query of a URL.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Sends a signal by name.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "kill -{name} {pid}");
}
