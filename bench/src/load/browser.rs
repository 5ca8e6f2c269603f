//! One browser: a connection, and a look at what comes back over it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::requests::Script;
use super::{Aim, Way};
use crate::links::DOMAIN;

/// What every answer must begin with.
const FOUND: &[u8] = b"HTTP/1.1 302 ";
/// The longest answer.
const LONGEST: usize = 16 << 10;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A browser.
pub(crate) struct Browser {
    script: Script,
    aim: Arc<Aim>,
    /// Open from one request to the next, where the way is such.
    line: Option<Line>,
    /// The request, then the answer.
    buffer: Vec<u8>,
}

enum Line {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

impl Browser {
    /// A browser that asks what stands in its script.
    pub(crate) fn new(script: Script, aim: Arc<Aim>) -> Self {
        Self {
            script,
            aim,
            line: None,
            buffer: Vec::with_capacity(LONGEST),
        }
    }

    /// Opens the connection that the next request will need, where it may be kept until then.
    pub(crate) async fn get_ready(&mut self) -> io::Result<()> {
        if self.line.is_none() && self.aim.way != Way::NewConnection {
            self.line = Some(self.connect().await?);
        }
        Ok(())
    }

    /// Clicks on the script's next link. After an error the connection is a new one.
    pub(crate) async fn click(&mut self) -> io::Result<()> {
        self.script.write_next(&mut self.buffer);
        timeout(PATIENCE, self.exchange()).await?
    }

    /// Clicks on a certain link.
    pub(crate) async fn click_on(&mut self, slug: &str) -> io::Result<()> {
        self.script.write_for(slug, &mut self.buffer);
        timeout(PATIENCE, self.exchange()).await?
    }

    /// The last click's answer, as far as it was read.
    pub(crate) fn answer(&self) -> &[u8] {
        &self.buffer
    }

    async fn exchange(&mut self) -> io::Result<()> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        match &mut line {
            Line::Plain(stream) => exchange(stream, &mut self.buffer, &self.aim).await?,
            Line::Encrypted(stream) => exchange(stream, &mut self.buffer, &self.aim).await?,
        }
        if self.aim.way != Way::NewConnection {
            self.line = Some(line);
        }
        Ok(())
    }

    async fn connect(&self) -> io::Result<Line> {
        let stream = connect(self.script.number(), self.aim.address).await?;
        match &self.aim.tls {
            None => Ok(Line::Plain(stream)),
            Some(tls) => {
                let name = ServerName::try_from(DOMAIN).expect("a host name");
                let stream = tls.connect(name, stream).await?;
                Ok(Line::Encrypted(Box::new(stream)))
            }
        }
    }
}

/// From an address of this browser's own: a client to whoever counts clients.
async fn connect(number: u16, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // 127.1.0.0 and up: all of 127.0.0.0/8 is this machine.
    let own = Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() + u32::from(number));
    socket.bind((own, 0).into())?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends what is in `buffer` and reads one answer into it, which must be a redirect.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    aim: &Aim,
) -> io::Result<()> {
    stream.write_all(buffer).await?;
    stream.flush().await?;
    buffer.clear();
    let invalid = |problem| Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    while !buffer.ends_with(aim.tail) {
        if buffer.len() >= LONGEST {
            return invalid("an answer without an end");
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !buffer.starts_with(&FOUND[..FOUND.len().min(buffer.len())]) {
            return invalid("not a 302");
        }
    }
    // A server that was asked to close does so; only then is the connection paid for.
    if aim.way == Way::NewConnection && stream.read_buf(buffer).await? != 0 {
        return invalid("more than an answer");
    }
    Ok(())
}
