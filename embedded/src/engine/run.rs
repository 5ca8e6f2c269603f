//! One statement from its text to its end, on a blocking thread.
//!
//! A SELECT is formatted by the engine's own client code into a pipe (`INTO OUTFILE`), which gives
//! every output format as one document, in bounded memory and as slowly as it is read; the engine's
//! streaming calls instead format each block as a document of its own. An INSERT with data goes
//! through the engine's streaming INSERT. Everything else is small and kept in memory.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::body::BodyReader;
use super::codec::{FrameReader, decoder};
use super::connection::{Connection, Outcome, Parameters};
use super::exception::Exception;
use super::pool::{Permit, Pool, Run};
use super::request::Request;
use super::sql::{Scan, Statement, scan};

/// The longest statement without its data: four times the engine's own `max_query_size`, which a
/// client may raise.
const LONGEST_TEXT: usize = 1 << 20;
/// How much of a body is read at a time while its statement is looked for.
const TEXT_PIECE: usize = 64 << 10;
/// How much data is handed to the engine at a time.
const DATA_PIECE: usize = 256 << 10;
/// The pipe between the engine and the response: the largest that Linux gives without privileges.
const PIPE: usize = 1 << 20;
/// The format of a statement that names none.
const DEFAULT_FORMAT: &str = "TabSeparated";

/// What is known when a SELECT starts.
pub(super) struct Started {
    /// The format of the result.
    pub(super) format: String,
    /// Where the result comes out.
    pub(super) result: PipeReader,
}

/// What a statement came to.
pub(super) struct Ended {
    /// The format of the result, where there can be one.
    pub(super) format: Option<String>,
    /// Result and counters.
    pub(super) outcome: Outcome,
}

/// A statement to run.
pub(super) struct Job {
    /// The engine.
    pub(super) pool: Arc<Pool>,
    /// The right to use it.
    pub(super) permit: Permit,
    /// The statement's name.
    pub(super) run: Arc<Run>,
    /// URL and headers.
    pub(super) request: Request,
    /// The rest of the text, and data.
    pub(super) body: BodyReader,
    /// Told when a SELECT starts.
    pub(super) started: oneshot::Sender<Started>,
}

impl Job {
    /// Runs the statement.
    pub(super) fn run(self) -> Result<Ended, Exception> {
        let Self {
            pool,
            permit,
            run,
            request,
            body,
            started,
        } = self;
        // Falls in the other order: the statement has ended before another takes its place.
        let _permit = permit;
        let run = EndOnDrop(run);
        run_statement(&pool, &run.0, request, body, started)
    }
}

/// Says that a statement has ended, however its thread does.
struct EndOnDrop(Arc<Run>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn run_statement(
    pool: &Pool,
    run: &Run,
    mut request: Request,
    body: BodyReader,
    started: oneshot::Sender<Started>,
) -> Result<Ended, Exception> {
    let mut body = decoder(request.body_coding, body).map_err(unreadable)?;
    if request.decompress {
        body = Box::new(FrameReader::new(body));
    }
    let default_format = request.format.take();
    let mut text = std::mem::take(&mut request.query);
    if !text.is_empty() {
        text.push(b'\n');
    }
    read_text(&mut text, &mut body)?;
    let statement = known(&text)?;
    run.check()?;
    let mut connection = pool.open(run, request.read_only)?;
    prepare(&mut connection, run, &request)?;
    run.check()?;
    let named = |format: Option<&[u8]>| match format {
        Some(format) => Ok(String::from_utf8_lossy(format).into_owned()),
        None => format_name(default_format.as_deref()),
    };
    match statement {
        Statement::Select {
            text,
            format,
            settings,
        } => {
            let format = named(format)?;
            let outcome = select(
                &mut connection,
                text,
                &format,
                settings,
                &request.parameters,
                started,
            )?;
            Ok(Ended {
                format: Some(format),
                outcome,
            })
        }
        Statement::Insert {
            text: head,
            format,
            data,
        } => {
            let format = named(Some(format))?;
            let outcome = insert(
                &mut connection,
                run,
                head,
                &format,
                &request.parameters,
                &text[data..],
                body,
            )?;
            Ok(Ended {
                format: None,
                outcome,
            })
        }
        Statement::Other { text, format } => {
            let format = named(format)?;
            // The engine's client takes a lone word such as `exit` for a command; a comment makes it SQL.
            let lone = !text.iter().any(u8::is_ascii_whitespace);
            let sql = [text, if lone { b" /**/" } else { b"" }].concat();
            let outcome = connection.query(&sql, &format, &request.parameters)?;
            Ok(Ended {
                format: (!outcome.body.is_empty()).then_some(format),
                outcome,
            })
        }
    }
}

/// Reads as much of the body as it takes to know the statement.
fn read_text(text: &mut Vec<u8>, body: &mut impl Read) -> Result<(), Exception> {
    let mut known = !text.is_empty() && matches!(scan(text, false)?, Scan::Known(_));
    while !known {
        let before = text.len();
        if before > LONGEST_TEXT {
            return Err(Exception::query_is_too_large(format!(
                "Query is too large: its text without data is longer than {LONGEST_TEXT} bytes"
            )));
        }
        body.by_ref()
            .take(TEXT_PIECE as u64)
            .read_to_end(text)
            .map_err(unreadable)?;
        let complete = text.len() - before < TEXT_PIECE;
        known = complete || matches!(scan(text, false)?, Scan::Known(_));
    }
    Ok(())
}

/// The statement in a text of which enough was read.
fn known(text: &[u8]) -> Result<Statement<'_>, Exception> {
    // An INSERT whose data follows is known before its end, anything else at its end: asking in
    // this order is what keeps the last word of a text from being taken for the whole of it.
    if let Scan::Known(statement) = scan(text, false)? {
        return Ok(statement);
    }
    match scan(text, true)? {
        Scan::Known(statement) => Ok(statement),
        Scan::NeedMore => Err(Exception::syntax_error(
            "Syntax error: the statement does not end",
        )),
    }
}

/// Applies what the request asks for beside its statement.
fn prepare(connection: &mut Connection, run: &Run, request: &Request) -> Result<(), Exception> {
    if !request.settings.is_empty() {
        let mut sql = b"SET ".to_vec();
        for (name, value) in &request.settings {
            if sql.len() > 4 {
                sql.extend_from_slice(b", ");
            }
            sql.extend_from_slice(name.as_bytes());
            sql.extend_from_slice(b" = ");
            // The mark by which the statement can be stopped goes before the client's own comment.
            match name.as_str() {
                "log_comment" => {
                    quote(&[run.tag.as_bytes(), b" ", value].concat(), b'\'', &mut sql)
                }
                _ => quote(value, b'\'', &mut sql),
            }
        }
        connection.query(&sql, "Null", &Parameters::default())?;
    }
    if let Some(database) = &request.database {
        let mut sql = b"USE ".to_vec();
        quote(database, b'`', &mut sql);
        connection.query(&sql, "Null", &Parameters::default())?;
    }
    Ok(())
}

fn quote(text: &[u8], mark: u8, out: &mut Vec<u8>) {
    out.push(mark);
    for &byte in text {
        if byte == mark || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(mark);
}

fn format_name(name: Option<&str>) -> Result<String, Exception> {
    let name = name
        .filter(|name| !name.is_empty())
        .unwrap_or(DEFAULT_FORMAT);
    match name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        true => Ok(name.to_owned()),
        false => Err(Exception::unknown_format(format!(
            "Unknown format {}",
            name.escape_debug()
        ))),
    }
}

/// Runs a SELECT into a pipe.
fn select(
    connection: &mut Connection,
    text: &[u8],
    format: &str,
    settings: &[u8],
    parameters: &Parameters,
    started: oneshot::Sender<Started>,
) -> Result<Outcome, Exception> {
    let (result, sink) = io::pipe()
        .map_err(|error| Exception::engine(format!("no pipe for the result: {error}")))?;
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&result, PIPE);
    let directory = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    let outfile = format!("\n INTO OUTFILE '{directory}/{}' APPEND", sink.as_raw_fd());
    let sql = [
        text,
        outfile.as_bytes(),
        format!(" FORMAT {format} ").as_bytes(),
        settings,
    ]
    .concat();
    let _ = started.send(Started {
        format: format.to_owned(),
        result,
    });
    // The result ends when the engine and this thread have both let go of the pipe; `sink` falls
    // after the counters are known.
    let outcome = connection.query(&sql, format, parameters);
    drop(sink);
    outcome.map_err(|mut exception| {
        exception.message = exception.message.replace(&outfile, "");
        exception
    })
}

/// Feeds an INSERT with the rest of the text and of the body.
fn insert(
    connection: &mut Connection,
    run: &Run,
    sql: &[u8],
    format: &str,
    parameters: &Parameters,
    first: &[u8],
    mut body: impl Read,
) -> Result<Outcome, Exception> {
    let mut stream = connection.insert(sql, format, parameters)?;
    let mut wanted = first.is_empty() || stream.append(first)?;
    let mut piece = vec![0; DATA_PIECE];
    while wanted {
        // A body that breaks off ends here, and the INSERT with it: nothing of it is committed.
        let count = match body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        run.check()?;
        wanted = stream.append(&piece[..count])?;
    }
    // What its client or a stopping engine gave up is not committed, however far it was read.
    run.check()?;
    stream.finish()
}

fn unreadable(error: io::Error) -> Exception {
    match error.kind() {
        io::ErrorKind::ConnectionAborted => {
            Exception::network_error(format!("the body broke off: {error}"))
        }
        io::ErrorKind::TimedOut => Exception::socket_timeout(error.to_string()),
        _ => Exception::incorrect_data(format!("Cannot decompress the body: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_statement_is_found_across_pieces() {
        let mut text = b"INSERT INTO t FORMAT CSV\n".to_vec();
        let mut body: &[u8] = b"1\n2\n";
        read_text(&mut text, &mut body).unwrap();
        assert!(matches!(known(&text).unwrap(), Statement::Insert { .. }));
        assert_eq!(body, b"1\n2\n", "the data is left to be streamed");
        let mut text = Vec::new();
        let long = format!(
            "INSERT INTO t ({}) FORMAT CSV\n1",
            "a, ".repeat(TEXT_PIECE / 2)
        );
        let mut body = long.as_bytes();
        read_text(&mut text, &mut body).unwrap();
        assert!(matches!(known(&text).unwrap(), Statement::Insert { .. }));
        let endless = "SELECT ".repeat(LONGEST_TEXT);
        assert_eq!(
            read_text(&mut Vec::new(), &mut endless.as_bytes())
                .unwrap_err()
                .code,
            229
        );
    }

    proptest! {
        #[test]
        fn quoted_text_stays_inside_its_quotes(text in proptest::collection::vec(prop_oneof![Just(b'\''), Just(b'\\'), any::<u8>()], 0..40)) {
            let mut sql = b"SET a = ".to_vec();
            quote(&text, b'\'', &mut sql);
            sql.extend_from_slice(b" END");
            match scan(&sql, true) {
                Ok(Scan::Known(Statement::Other { text, .. })) => prop_assert_eq!(text, sql.as_slice()),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
