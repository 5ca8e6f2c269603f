//! HTTP on a connection: bytes in, a request for [`way`](crate::way), its answer as bytes out.
//!
//! [`http1`] serves what nearly all clients send, at the price of the system calls; what is not plain goes to
//! [`hyper`], and so does HTTP/2. What is answered is not decided here.

mod buffers;
mod cookies;
mod http1;
mod hyper;
mod replay;
mod unread;

use std::borrow::Cow;
use std::fmt::Display;
use std::net::IpAddr;
use std::rc::Rc;

use whence_core::place::prefix;

use crate::answer::Answer;
use crate::door::Patience;
use crate::request::{Asked, Reading};
use crate::way::Way;

pub(crate) use buffers::Buffers;
pub(crate) use cookies::CookieLines;
pub(crate) use http1::serve as serve_http1;
pub(crate) use hyper::serve_http2;

/// What the connections of one thread share.
pub(crate) struct Thread {
    /// Answers requests.
    pub(crate) way: Way,
    /// Lent to connections while they need them.
    pub(crate) buffers: Buffers,
}

impl Thread {
    /// Takes note of a connection that is closed before HTTP is spoken on it.
    pub(crate) fn turn_away(&self, peer: IpAddr, reason: &dyn Display) {
        self.way.counters.turned_away.inc();
        // A log does not say who anybody is.
        let network = prefix(peer);
        tracing::debug!(%network, %reason, "not let in");
    }
}

/// A connection as the fronts know it.
pub(crate) struct Visit {
    /// The thread it is served on.
    pub(crate) thread: Rc<Thread>,
    /// Who is at its other end: the client, or a proxy in front of it.
    pub(crate) peer: IpAddr,
    /// Whether it is HTTPS.
    pub(crate) tls: bool,
    /// How long it may take.
    pub(crate) patience: Patience,
}

impl Visit {
    /// Starts to read a request that came over this connection.
    fn reading(&self) -> Reading<'_> {
        let config = &self.thread.way.shared.config;
        Reading::new(self.peer, &config.trusted_proxies, &config.cookies)
            .forwarded_by(config.forwarding_header)
            .over_tls(self.tls)
    }

    /// Has a request answered.
    async fn answer(&self, asked: &Asked<'_>) -> Answer {
        let way = &self.thread.way;
        if !asked.secure {
            way.counters.plain_http.inc();
        }
        way.answer(asked).await
    }
}

/// A header's value without the bytes that would end it. Nothing that is stored or asked holds any by then; should
/// one ever slip through, it becomes a wrong address and not a header of its own.
fn header_text(value: &str) -> Cow<'_, str> {
    // Every byte is looked at, which is faster than to stop at the first: many are looked at at once.
    let ends = |found: bool, byte: u8| found | (byte < 0x20) | (byte == 0x7f);
    if !value.bytes().fold(false, ends) {
        return Cow::Borrowed(value);
    }
    let plain = value.chars().filter(|c| !c.is_ascii_control());
    Cow::Owned(plain.collect())
}
