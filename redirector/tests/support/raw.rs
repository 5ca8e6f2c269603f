//! HTTP by hand: exactly the bytes that a test wants, and the answers taken apart.

#![allow(dead_code, reason = "each file of tests uses its own part of this")]

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer in its parts, without what differs from one to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) status: u16,
    /// Sorted; ids and the time are masked.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Parts {
    pub(crate) fn says(&self, header: &str) -> bool {
        self.headers.iter().any(|line| line == header)
    }
}

/// Sends bytes, says that there are no more, and reads to the end.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<Parts> {
    let text = exchange_text(address, bytes).await;
    parts(&text).unwrap_or_else(|| panic!("no whole answers: {text:?}"))
}

/// The same, with the answers as they come.
pub(crate) async fn exchange_text(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have hung up in the middle of it.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    read_to_end(stream).await
}

/// What comes until the other side closes or resets.
pub(crate) async fn read_to_end(mut stream: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "it was not closed");
    String::from_utf8(answer).expect("answers are text")
}

/// Reads one answer without a body, or with a body of the length that it says.
pub(crate) async fn read_one(stream: &mut (impl AsyncRead + Unpin)) -> Option<Parts> {
    let mut text = Vec::new();
    loop {
        if let Ok(text) = std::str::from_utf8(&text)
            && let Some(all) = parts(text)
            && let Some(first) = all.into_iter().next()
        {
            return Some(first);
        }
        let mut byte = [0; 2048];
        match timeout(PATIENCE, stream.read(&mut byte))
            .await
            .expect("an answer comes")
        {
            Ok(0) | Err(_) => return None,
            Ok(count) => text.extend_from_slice(&byte[..count]),
        }
    }
}

/// The answers in a text, all of them whole. Those to `HEAD` are told by their missing bodies: such a test has no
/// answers with bodies after them.
pub(crate) fn parts(mut text: &str) -> Option<Vec<Parts>> {
    let mut all = Vec::new();
    while !text.is_empty() {
        let (head, rest) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?;
        let mut length = 0;
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            match name {
                "date" => headers.push(format!("date: {} characters", value.len())),
                "content-length" => {
                    length = value.parse().ok()?;
                    headers.push(line.to_owned());
                }
                _ => headers.push(mask(line)),
            }
        }
        headers.sort();
        let body = rest.get(..length).unwrap_or_default();
        text = &rest[body.len()..];
        all.push(Parts {
            status: status.split(' ').next()?.parse().ok()?,
            headers,
            body: body.to_owned(),
        });
    }
    Some(all)
}

/// The ids in a line become stars.
fn mask(line: &str) -> String {
    let mut line = line.to_owned();
    for name in ["wcid=", "whv=", "whc="] {
        if let Some(at) = line.find(name) {
            let start = at + name.len();
            let end = line[start..]
                .find(|c: char| !c.is_ascii_alphanumeric())
                .map_or(line.len(), |length| start + length);
            line.replace_range(start..end, "*");
        }
    }
    line
}
