//! The load: browsers on connections of their own, each from an address of its own, that look at every answer.
//!
//! There are two kinds. [`closed`] asks again as soon as it is answered: how much a server can do, and what that
//! costs it. [`open`] asks when it is time to, whether or not the server keeps up: how long visitors wait. Both
//! send the same [`requests`] over the same connections ([`browser`]), which one of the [`Way`]s opens.
//!
//! Load and server share the machine. What the load itself takes is measured beside the server's CPU time, and how
//! late it sends beside the latency, so that neither hides in a figure.

mod alarm;
pub(crate) mod browser;
pub(crate) mod closed;
pub(crate) mod open;
pub(crate) mod requests;

use std::net::SocketAddr;

use clap::ValueEnum;
use serde::Serialize;
use tokio_rustls::TlsConnector;

use crate::cores::Cores;

/// What an answer without a body ends with.
pub(crate) const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// How a browser comes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Way {
    /// One connection for all requests.
    KeepAlive,
    /// A connection for each request.
    NewConnection,
    /// One connection for all requests, encrypted.
    Tls,
}

/// What the load must know of a server.
pub(crate) struct Aim {
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// How it is come to.
    pub(crate) way: Way,
    /// How it is encrypted; given for [`Way::Tls`].
    pub(crate) tls: Option<TlsConnector>,
    /// What each of its answers ends with.
    pub(crate) tail: &'static [u8],
}

/// How many browsers there are, and on how many threads.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    /// Browsers, each with one connection at a time.
    pub(crate) browsers: u16,
    /// Threads that they are spread over.
    pub(crate) threads: u8,
    /// Where these run, if not anywhere.
    pub(crate) cores: Option<Cores>,
}

impl Crowd {
    /// The numbers of the browsers on each thread.
    fn by_thread(self) -> impl Iterator<Item = impl Iterator<Item = u16>> {
        let step = usize::from(self.threads);
        (0..u16::from(self.threads)).map(move |thread| (thread..self.browsers).step_by(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_browser_is_on_one_thread() {
        let crowd = Crowd {
            browsers: 7,
            threads: 3,
            cores: None,
        };
        let threads: Vec<Vec<_>> = crowd.by_thread().map(Iterator::collect).collect();
        assert_eq!(threads, [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
    }
}
