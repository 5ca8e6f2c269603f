//! HTTP/1.1 and 1.0 for `GET` and `HEAD`, at the price of one read and one write for all that a client has sent.
//!
//! Everything else, and everything that is not plainly right, goes to hyper with the bytes that were
//! read: alone, and the connection ends with its answer. So no byte that follows a body, or something
//! that may be one, is ever taken for a request.

mod head;
mod quick;
mod write;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use whence_core::click::Method;

use super::buffers::SIZE;
use super::hyper;
use super::replay::Replay;
use super::{Thread, Visit};
use crate::answer::{self, Answer};
use crate::door::Stage;
use crate::way::LONGEST_TARGET;

pub(super) use head::hosts_are_wrong;
use head::{Head, Plain};
use write::{After, Terms};

/// Answers that gather before they are written, though more requests have come with theirs.
const MOST_GATHERED: usize = 64 * 1024;
/// How long a client that is hung up on may still talk, in milliseconds.
const LINGER_MS: u64 = 1000;

/// Serves a connection to its end.
pub(crate) async fn serve<S>(stream: S, visit: Visit)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut connection = Connection {
        stream,
        input: Input::default(),
        output: Vec::new(),
        promised: false,
    };
    match visit.patience.guard(connection.run(&visit)).await {
        // A client that breaks off, or takes too long, is its own affair.
        Err(_) | Ok(Err(_) | Ok(End::Closed)) => {}
        Ok(Ok(End::ForHyper)) => {
            let read = Bytes::copy_from_slice(connection.input.bytes());
            connection.input.give_back(&visit.thread);
            // On the heap by itself: hardly any connection needs the room for it.
            return Box::pin(hyper::serve_other(
                Replay::new(read, connection.stream),
                visit,
            ))
            .await;
        }
    }
    connection.input.give_back(&visit.thread);
}

/// How a connection's plain part has ended.
enum End {
    /// There is no more to say.
    Closed,
    /// What comes next is not plain.
    ForHyper,
}

struct Connection<S> {
    stream: S,
    input: Input,
    output: Vec<u8>,
    /// Whether the client has said that it sends nothing more.
    promised: bool,
}

/// What has been read and not yet answered.
#[derive(Default)]
struct Input {
    /// Lent by the thread while there is something in it.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn give_back(&mut self, thread: &Thread) {
        if !self.buffer.is_empty() {
            thread.buffers.give_input(std::mem::take(&mut self.buffer));
        }
        (self.start, self.end) = (0, 0);
    }

    /// Room for more behind what is there; false where there is as much as may be.
    fn make_room(&mut self, most: usize) -> bool {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() && self.end < most {
            self.buffer.resize((2 * self.end).min(most), 0);
        }
        self.end < self.buffer.len()
    }
}

/// What one look at the input came to.
enum Answered {
    /// One request is answered, and what becomes of the connection.
    One(After),
    /// Nothing whole is there.
    Nothing,
    /// What is there is not plain.
    Other,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self, visit: &Visit) -> io::Result<End> {
        let config = &visit.thread.way.shared.config;
        loop {
            self.input.give_back(&visit.thread);
            if visit.patience.stage() == Stage::Ending {
                return Ok(End::Closed);
            }
            visit.patience.idle(config.idle_timeout_ms);
            if self.read_first(&visit.thread).await? == 0 {
                return Ok(End::Closed);
            }
            let ended = self.answer_all(visit).await?;
            if let Some(end) = ended {
                return Ok(end);
            }
        }
    }

    /// Waits for bytes without holding a buffer meanwhile.
    async fn read_first(&mut self, thread: &Thread) -> io::Result<usize> {
        let Self { stream, input, .. } = self;
        poll_fn(|context| {
            let mut bytes = thread.buffers.input();
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            let count = buffer.filled().len();
            match read {
                Poll::Ready(Ok(())) if count > 0 => {
                    input.buffer = bytes;
                    input.end = count;
                }
                _ => thread.buffers.give_input(bytes),
            }
            read.map_ok(|()| count)
        })
        .await
    }

    /// Answers until there is nothing left to be answered. None where the connection goes on.
    async fn answer_all(&mut self, visit: &Visit) -> io::Result<Option<End>> {
        let config = &visit.thread.way.shared.config;
        // Its head was begun by what is read already.
        visit.patience.busy(config.head_timeout_ms);
        // A head has to end in a line: without one there is no need to look again.
        let mut look = true;
        loop {
            let answered = match look {
                true => self.answer_one(visit).await,
                false => Answered::Nothing,
            };
            match answered {
                Answered::One(After::Closes) => {
                    self.flush(visit).await?;
                    self.hang_up(visit).await?;
                    return Ok(Some(End::Closed));
                }
                Answered::One(_) if self.input.is_empty() => {
                    self.flush(visit).await?;
                    return Ok(None);
                }
                Answered::One(_) => {
                    if self.output.len() > MOST_GATHERED {
                        self.flush(visit).await?;
                    }
                    // The next head was begun too.
                    visit.patience.busy(config.head_timeout_ms);
                    look = true;
                }
                Answered::Other => {
                    self.flush(visit).await?;
                    return Ok(Some(End::ForHyper));
                }
                Answered::Nothing => {
                    if !self.output.is_empty() {
                        self.flush(visit).await?;
                        visit.patience.busy(config.head_timeout_ms);
                    }
                    if !self.input.make_room(config.max_head_bytes.max(SIZE)) {
                        visit.thread.way.counters.malformed.inc();
                        let refused = too_long(self.input.bytes());
                        self.put(visit, &refused, Method::Get, After::Closes);
                        self.flush(visit).await?;
                        self.hang_up(visit).await?;
                        return Ok(Some(End::Closed));
                    }
                    let Input { buffer, end, .. } = &mut self.input;
                    let count = self.stream.read(&mut buffer[*end..]).await?;
                    if count == 0 {
                        return Ok(Some(End::Closed));
                    }
                    look = buffer[*end..*end + count].contains(&b'\n');
                    *end += count;
                }
            }
        }
    }

    /// Answers the request at the beginning of the input, if it is there and plain.
    async fn answer_one(&mut self, visit: &Visit) -> Answered {
        let way = &visit.thread.way;
        let mut reading = visit.reading();
        let (answer, method, after) = match head::read(self.input.bytes(), &mut reading) {
            Head::Partial => return Answered::Nothing,
            Head::Other => return Answered::Other,
            Head::Ambiguous => {
                way.counters.malformed.inc();
                let refused = answer::malformed();
                (refused, Method::Get, After::Closes)
            }
            Head::Plain(plain) => {
                visit.patience.answering();
                let after = after(&plain, visit.patience.stage());
                self.promised = !plain.stays;
                let (method, length) = (plain.method, plain.length);
                let asked = reading.finish(method, plain.path, plain.query, None);
                let answer = visit.answer(&asked).await;
                self.input.start += length;
                (answer, method, after)
            }
        };
        self.put(visit, &answer, method, after);
        Answered::One(after)
    }

    /// Puts an answer behind those that have gathered.
    fn put(&mut self, visit: &Visit, answer: &Answer, method: Method, after: After) {
        let terms = Terms {
            method,
            after,
            date: visit.patience.date(),
            cookies: &visit.thread.way.shared.cookies,
        };
        if self.output.capacity() == 0 {
            self.output = visit.thread.buffers.output();
        }
        write::write(&mut self.output, answer, &terms);
    }

    /// Writes what has gathered.
    async fn flush(&mut self, visit: &Visit) -> io::Result<()> {
        let config = &visit.thread.way.shared.config;
        if self.output.is_empty() {
            return Ok(());
        }
        visit.patience.busy(config.write_timeout_ms);
        self.stream.write_all(&self.output).await?;
        self.stream.flush().await?;
        let output = std::mem::take(&mut self.output);
        visit.thread.buffers.give_output(output);
        Ok(())
    }

    /// Closes so that the last answer arrives: whoever closes while the client still sends resets the
    /// connection, and what was answered may be lost on the way.
    async fn hang_up(&mut self, visit: &Visit) -> io::Result<()> {
        visit.patience.busy(LINGER_MS);
        let is_last = self.promised && self.input.is_empty();
        if is_last && !visit.tls {
            // Nothing can come: the socket's own end is enough.
            return Ok(());
        }
        self.stream.shutdown().await?;
        if is_last {
            return Ok(());
        }
        self.input.give_back(&visit.thread);
        while self.read_first(&visit.thread).await? > 0 {
            self.input.give_back(&visit.thread);
        }
        Ok(())
    }
}

/// What a head is answered that is longer than is read.
fn too_long(head: &[u8]) -> Answer {
    let line = head.iter().position(|byte| *byte == b'\n');
    match line.unwrap_or(head.len()) > LONGEST_TARGET {
        true => answer::target_too_long(),
        false => answer::head_too_long(),
    }
}

fn after(plain: &Plain<'_>, stage: Stage) -> After {
    match (plain.stays && stage == Stage::Open, plain.old) {
        (false, _) => After::Closes,
        (true, false) => After::Stays,
        (true, true) => After::StaysAsAsked,
    }
}
