//! A connection that says each thing once: no pool, no second try behind anybody's back, so that what was answered
//! and what was only sent can be told apart.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::Answer;

/// Longer than a part is held still in most cases, shorter than in some: both happen in life.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is read.
const LONGEST: usize = 64 << 10;

/// A connection, opened when it is needed.
pub(super) struct Talk {
    address: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Talk {
    /// A connection to this address.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            open: None,
        }
    }

    /// Sends a request once and reads its answer. After an error the connection is a new one.
    pub(super) async fn say(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let answer = timeout(PATIENCE, self.exchange(request)).await;
        match answer {
            Ok(Ok((answer, open))) => {
                self.open = Some(open);
                Ok(answer)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => anyhow::bail!("no answer within {} s", PATIENCE.as_secs()),
        }
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Answer, SendRequest<Full<Bytes>>)> {
        let mut open = match self.open.take() {
            Some(open) if !open.is_closed() => open,
            _ => self.connect().await?,
        };
        open.ready().await?;
        let (head, body) = open.send_request(request).await?.into_parts();
        let body = Limited::new(body, LONGEST)
            .collect()
            .await
            .map_err(anyhow::Error::from_boxed)?;
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        };
        Ok((answer, open))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address)
            .await
            .with_context(|| self.address.to_string())?;
        stream.set_nodelay(true)?;
        let (open, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; what went wrong, the request is told.
        tokio::spawn(connection);
        Ok(open)
    }
}
