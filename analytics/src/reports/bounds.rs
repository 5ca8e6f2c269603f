//! What a report's query may cost in time, memory and rows, and what its caller is told when it meets a bound, or when
//! ClickHouse cannot answer.
//!
//! ClickHouse itself keeps the bounds; we hang up only on one that does not. Whose turn it is, is said in [`super::turns`].

use std::time::Duration;

use axum::http::StatusCode;
use clickhouse::Client;
use clickhouse::error::Error;
use whence_core::config::Analytics;
use whence_core::problem::Problem;

use super::turns::Crowded;
use crate::problems::{RETRY_SECONDS, away};

/// What ClickHouse may take beyond its own limit to notice it and say so, before we hang up.
const GRACE: Duration = Duration::from_secs(5);
/// Rows of one result: attribution reads single touches, all others some thousands.
const MOST_ROWS: u64 = 20_000_000;
/// Bytes of one result, which analytics holds in memory while it makes an answer of it.
const MOST_BYTES: u64 = 1 << 30;

/// ClickHouse's numbers for what went wrong.
mod code {
    /// The query ran for as long as it may.
    pub(super) const TIMEOUT_EXCEEDED: u32 = 159;
    /// A network peer of the server, or the embedded engine's limit, gave up waiting.
    pub(super) const SOCKET_TIMEOUT: u32 = 209;
    /// The server gave the query up, as it does when it stops.
    pub(super) const ABORTED: u32 = 236;
    /// Somebody ended the query.
    pub(super) const QUERY_WAS_CANCELLED: u32 = 394;
    /// As many queries are running as may.
    pub(super) const TOO_MANY_SIMULTANEOUS_QUERIES: u32 = 202;
    /// The query, or all together, want more memory than there is.
    pub(super) const MEMORY_LIMIT_EXCEEDED: u32 = 241;
    /// The result has more rows or bytes than it may.
    pub(super) const TOO_MANY_ROWS_OR_BYTES: u32 = 396;
    /// Not migrated yet.
    pub(super) const UNKNOWN_TABLE: u32 = 60;
    /// Not migrated yet.
    pub(super) const UNKNOWN_DATABASE: u32 = 81;
}

/// What a query may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How long it may run.
    run: Duration,
    /// How long it may wait for its turn.
    pub(super) wait: Duration,
    /// Memory in ClickHouse, in bytes.
    memory: u64,
    /// Threads in ClickHouse; 0 for as many as it has cores.
    threads: u32,
    /// How many queries run at a time.
    pub(super) at_a_time: usize,
}

impl Bounds {
    /// The configured bounds.
    pub(super) fn of(config: &Analytics) -> Self {
        let run = Duration::from_millis(config.query_timeout_ms);
        Self {
            run,
            wait: run + GRACE,
            memory: config.query_memory_mib.saturating_mul(1 << 20),
            threads: config.query_threads,
            at_a_time: config.queries_at_a_time as usize,
        }
    }

    /// When to hang up on a ClickHouse that does not keep the bound itself.
    pub(super) fn patience(&self) -> Duration {
        self.run + GRACE
    }

    /// Holds every query of a client to the bounds.
    pub(super) fn hold(&self, client: Client) -> Client {
        client
            .with_setting("max_execution_time", self.run.as_secs_f64().to_string())
            .with_setting("timeout_overflow_mode", "throw")
            .with_setting("max_memory_usage", self.memory.to_string())
            .with_setting("max_bytes_ratio_before_external_group_by", "0.5")
            .with_setting("max_bytes_ratio_before_external_sort", "0.5")
            .with_setting("max_result_rows", MOST_ROWS.to_string())
            .with_setting("max_result_bytes", MOST_BYTES.to_string())
            .with_setting("result_overflow_mode", "throw")
            .with_setting("max_threads", self.threads.to_string())
            // A server ends what nobody waits for only where the query promises to change nothing; the embedded engine
            // always does.
            .with_setting("readonly", "2")
            .with_setting("cancel_http_readonly_queries_on_client_close", "1")
    }
}

/// What the caller is told who got no turn, for the want of room or, with none said, of time.
pub(super) fn no_turn(crowded: Option<Crowded>) -> Problem {
    match crowded {
        Some(Crowded::Workspace) => Problem::too_many(
            "too many queries of this workspace are waiting for their turn; ask again when some have been answered",
            RETRY_SECONDS,
        ),
        Some(Crowded::Everybody) => {
            Problem::unavailable("too many queries are waiting for their turn", RETRY_SECONDS)
        }
        None => Problem::unavailable(
            "the query's turn did not come in time; ask again, or for less at a time",
            RETRY_SECONDS,
        ),
    }
}

/// What the caller is told. What ClickHouse says goes to the log: it is about our statement, which the
/// caller has not written.
pub(crate) fn problem(query: &'static str, error: &Error) -> Problem {
    match error {
        Error::Network(_) => {
            tracing::warn!(query, %error, "ClickHouse is unavailable");
            away()
        }
        Error::TimedOut => slow(),
        Error::BadResponse(text) => match exception_code(text) {
            Some(code::TIMEOUT_EXCEEDED | code::SOCKET_TIMEOUT) => slow(),
            Some(code::MEMORY_LIMIT_EXCEEDED) if is_of_query(text) => {
                tracing::info!(query, %error, "a report met its memory bound");
                large("the report met its memory bound (analytics.query_memory_mib)")
            }
            Some(code::TOO_MANY_ROWS_OR_BYTES) => {
                tracing::info!(query, %error, "a report met the bound on its result");
                large("the report met the bound on the size of its result")
            }
            // A proxy before ClickHouse says what it says without a number.
            None
            | Some(
                code::ABORTED
                | code::QUERY_WAS_CANCELLED
                | code::TOO_MANY_SIMULTANEOUS_QUERIES
                | code::MEMORY_LIMIT_EXCEEDED
                | code::UNKNOWN_TABLE
                | code::UNKNOWN_DATABASE,
            ) => {
                tracing::warn!(query, %error, "ClickHouse cannot answer now");
                away()
            }
            _ => broken(query, error),
        },
        error => broken(query, error),
    }
}

fn slow() -> Problem {
    let detail = "the report took too long: it met its time bound (analytics.query_timeout_ms) and was stopped; \
                  ask for a shorter range, a narrower filter or fewer dimensions";
    Problem::new(StatusCode::GATEWAY_TIMEOUT, detail)
}

fn large(bound: &str) -> Problem {
    let detail = format!(
        "{bound} and was stopped; ask for a shorter range, a narrower filter, or dimensions with fewer values"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn broken(query: &'static str, error: &Error) -> Problem {
    tracing::error!(query, %error, "ClickHouse refused a report");
    let detail = "ClickHouse refused this report; its reason stands in the server's log";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// Whether it was the query that wanted too much memory, and not all together.
fn is_of_query(text: &str) -> bool {
    text.contains("Query memory limit exceeded") || text.contains("(for query)")
}

/// The number in `Code: 159. DB::Exception: …`.
fn exception_code(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("Code: ")?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_told_by_its_number() {
        let status = |text: &str| problem("test", &Error::BadResponse(text.into())).status();
        assert_eq!(status("Code: 159. DB::Exception: Timeout exceeded"), 504);
        assert_eq!(
            status("Code: 202. DB::Exception: Too many simultaneous queries"),
            503
        );
        assert_eq!(
            status("Code: 241. DB::Exception: Query memory limit exceeded: would use 2 GiB"),
            413
        );
        assert_eq!(
            status("Code: 241. DB::Exception: (total) memory limit exceeded: would use 9 GiB"),
            503
        );
        assert_eq!(status("Code: 396. DB::Exception: Limit for result"), 413);
        assert_eq!(status("Code: 60. DB::Exception: Unknown table"), 503);
        assert_eq!(status("Code: 62. DB::Exception: Syntax error"), 500);
        assert_eq!(status("Code: 236. DB::Exception: Aborted"), 503);
        assert_eq!(status("Code: 394. DB::Exception: Query was cancelled"), 503);
        assert_eq!(status("502 Bad Gateway"), 503);
        let away = problem("test", &Error::Network("connection refused".into()));
        assert_eq!(away.status(), 503);
        assert_eq!(problem("test", &Error::TimedOut).status(), 504);
    }

    #[test]
    fn no_turn_is_the_callers_own_doing_or_everybodys() {
        assert_eq!(no_turn(Some(Crowded::Workspace)).status(), 429);
        assert_eq!(no_turn(Some(Crowded::Everybody)).status(), 503);
        assert_eq!(no_turn(None).status(), 503);
    }
}
