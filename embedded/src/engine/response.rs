//! From a statement's end, or its first bytes, to an HTTP response.

mod encoding;
mod stream;

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use encoding::Encoding;

use super::codec::Coding;
use super::connection::{Outcome, Tally};
use super::exception::Exception;
use super::flush::Flushes;
use super::pool::{Pool, StopOnDrop};
use super::run::{Ended, Started};

/// What a response carries.
pub(super) type Body = BoxBody<Bytes, std::io::Error>;

/// How much is read from the engine at a time.
const PIECE: usize = 256 << 10;

/// A running statement, and how to answer it.
pub(super) struct Answer {
    /// The engine.
    pub(super) pool: Arc<Pool>,
    /// Stops the statement when the client goes away; taken along by a result that streams.
    pub(super) guard: Option<StopOnDrop>,
    /// Tells when the connection has sent what it was given.
    pub(super) flushes: Arc<Flushes>,
    /// When the request came.
    pub(super) since: Instant,
    /// The query's name.
    pub(super) query_id: String,
    /// In ClickHouse's own frames?
    pub(super) compress: bool,
    /// Packed how?
    pub(super) coding: Option<Coding>,
    /// Hold everything back?
    pub(super) wait_end: bool,
    /// Hold at least so much back.
    pub(super) buffer: usize,
}

/// What the blocking thread gives in the end.
pub(super) type Work = JoinHandle<Result<Ended, Exception>>;

impl Answer {
    /// Answers.
    pub(super) async fn response(
        mut self,
        started: oneshot::Receiver<Started>,
        work: Work,
    ) -> Response<Body> {
        match self.result(started, work).await {
            Ok(response) => response,
            Err(exception) => self.exception(&exception),
        }
    }

    async fn result(
        &mut self,
        started: oneshot::Receiver<Started>,
        work: Work,
    ) -> Result<Response<Body>, Exception> {
        let Ok(started) = started.await else {
            let ended = ended(work).await?;
            let Outcome { body, tally } = ended.outcome;
            return self.whole(ended.format.as_deref(), tally, body);
        };
        let unreadable = |error| Exception::engine(format!("the result cannot be read: {error}"));
        let mut result =
            pipe::Receiver::from_owned_fd(started.result.into()).map_err(unreadable)?;
        // Held back in memory up to the asked size; then, when everything is to be held back, on disk.
        let mut held = Vec::with_capacity(PIECE);
        loop {
            held.reserve(PIECE);
            let count = result.read_buf(&mut held).await.map_err(unreadable)?;
            if count == 0 {
                let tally = ended(work).await?.outcome.tally;
                return self.whole(Some(&started.format), tally, held);
            }
            if held.len() >= self.buffer {
                break;
            }
        }
        if self.wait_end {
            self.spooled(&started.format, held, result, work).await
        } else {
            self.streamed(&started.format, held, result, work)
        }
    }

    /// A result that is in memory.
    fn whole(
        &self,
        format: Option<&str>,
        tally: Tally,
        body: Vec<u8>,
    ) -> Result<Response<Body>, Exception> {
        let packed = self.encoding()?.whole(body).map_err(unpackable)?;
        Ok(self.head(StatusCode::OK, format, tally, full(packed)))
    }

    /// A result that is larger than memory should be, and must be complete before it is sent.
    async fn spooled(
        &self,
        format: &str,
        held: Vec<u8>,
        mut result: pipe::Receiver,
        work: Work,
    ) -> Result<Response<Body>, Exception> {
        let spool = async {
            let mut file = tempfile::tempfile()?;
            let mut piece = held;
            while !piece.is_empty() {
                // Into the page cache of a file that is never synced: too short a wait to hand over.
                file.write_all(&piece)?;
                piece.clear();
                piece.reserve(PIECE);
                result.read_buf(&mut piece).await?;
            }
            file.seek(SeekFrom::Start(0))?;
            std::io::Result::Ok(tokio::fs::File::from_std(file))
        };
        let file = spool.await.map_err(|error| {
            Exception::engine(format!("the result cannot be held back: {error}"))
        })?;
        let tally = ended(work).await?.outcome.tally;
        let body = stream::from_file(file, self.encoding()?, Arc::clone(&self.flushes));
        Ok(self.head(StatusCode::OK, Some(format), tally, body))
    }

    /// A result that is sent while it is made.
    fn streamed(
        &mut self,
        format: &str,
        held: Vec<u8>,
        result: pipe::Receiver,
        work: Work,
    ) -> Result<Response<Body>, Exception> {
        let tag = stream::exception_tag();
        let source = stream::Source {
            held,
            result,
            work,
            encoding: self.encoding()?,
            tag: tag.clone(),
            version: self.pool.about.version.clone(),
        };
        let (body, feed) = stream::from_engine(source, Arc::clone(&self.flushes));
        let guard = self.guard.take();
        tokio::spawn(async move {
            feed.await;
            drop(guard);
        });
        let mut response = self.head(StatusCode::OK, Some(format), Tally::default(), body);
        insert(&mut response, "x-clickhouse-exception-tag", &tag);
        Ok(response)
    }

    fn encoding(&self) -> Result<Encoding, Exception> {
        Encoding::new(self.compress, self.coding).map_err(unpackable)
    }

    /// An exception that came before anything was sent.
    pub(super) fn exception(&self, exception: &Exception) -> Response<Body> {
        let text = format!("{}\n", exception.render(&self.pool.about.version)).into_bytes();
        let packed = self
            .encoding()
            .and_then(|encoding| encoding.whole(text.clone()).map_err(unpackable));
        let is_packed = packed.is_ok();
        let body = full(packed.unwrap_or_else(|_| text.into()));
        let mut response = self.head(exception.status(), None, Tally::default(), body);
        if !is_packed {
            response.headers_mut().remove(CONTENT_ENCODING);
        }
        insert(
            &mut response,
            "x-clickhouse-exception-code",
            &exception.code.to_string(),
        );
        response
    }

    fn head(
        &self,
        status: StatusCode,
        format: Option<&str>,
        tally: Tally,
        body: Body,
    ) -> Response<Body> {
        let about = &self.pool.about;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let content_type = format.map_or("text/plain; charset=UTF-8", |format| {
            about.content_type(format)
        });
        insert(&mut response, CONTENT_TYPE.as_str(), content_type);
        if let Some(coding) = self.coding {
            insert(&mut response, CONTENT_ENCODING.as_str(), coding.name());
        }
        insert(
            &mut response,
            "x-clickhouse-server-display-name",
            &about.display_name,
        );
        insert(&mut response, "x-clickhouse-query-id", &self.query_id);
        insert(&mut response, "x-clickhouse-timezone", &about.timezone);
        if let Some(format) = format {
            insert(&mut response, "x-clickhouse-format", format);
        }
        insert(
            &mut response,
            "x-clickhouse-summary",
            &summary(tally, self.since),
        );
        response
    }
}

fn unpackable(error: std::io::Error) -> Exception {
    Exception::engine(format!("the result cannot be packed: {error}"))
}

/// Waits for the blocking thread.
async fn ended(work: Work) -> Result<Ended, Exception> {
    work.await.unwrap_or_else(|error| {
        Err(Exception::engine(format!(
            "the statement's thread ended early: {error}"
        )))
    })
}

/// Counters as the server writes them: numbers in quotes.
fn summary(tally: Tally, since: Instant) -> String {
    format!(
        r#"{{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"0","result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"}}"#,
        tally.read_rows,
        tally.read_bytes,
        tally.written_rows,
        tally.written_bytes,
        tally.result_rows,
        tally.result_bytes,
        since.elapsed().as_nanos()
    )
}

fn insert(response: &mut Response<Body>, name: &str, value: &str) {
    // Every name is written above in lower case; a value that is no header is left out.
    if let (Ok(name), Ok(value)) = (
        HeaderName::from_bytes(name.as_bytes()),
        HeaderValue::from_str(value),
    ) {
        response.headers_mut().insert(name, value);
    }
}

/// A body that is there.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}
