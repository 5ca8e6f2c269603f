//! The PROXY protocol, version 2: a proxy that passes bytes on says in front of them whose they are.

use std::io;
use std::net::IpAddr;

use ppp::v2::{Addresses, Command, Header};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Signature, command, family and length.
const FIXED: usize = 16;
/// Addresses take at most 216 bytes; what else a proxy has to say, its certificates aside, is short.
const LONGEST: usize = 4096;

/// What a peer sent is not what a proxy sends.
#[derive(Debug, Error)]
pub(crate) enum ProxyError {
    /// It broke off.
    #[error("PROXY header: {0}")]
    Read(#[from] io::Error),
    /// It is not of this protocol.
    #[error("PROXY header: {0}")]
    Garbage(#[from] ppp::v2::ParseError),
    /// It goes on for longer than is read.
    #[error("PROXY header: longer than {LONGEST} bytes")]
    TooLong,
}

/// Reads the header off the stream and not a byte more. None where the proxy speaks for itself (a health check),
/// or for somebody without an address.
pub(crate) async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<IpAddr>, ProxyError> {
    let mut bytes = vec![0; FIXED];
    stream.read_exact(&mut bytes).await?;
    if !bytes.starts_with(ppp::v2::PROTOCOL_PREFIX) {
        return Err(ppp::v2::ParseError::Prefix.into());
    }
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if FIXED + length > LONGEST {
        return Err(ProxyError::TooLong);
    }
    bytes.resize(FIXED + length, 0);
    stream.read_exact(&mut bytes[FIXED..]).await?;
    let header = Header::try_from(bytes.as_slice())?;
    if header.command == Command::Local {
        return Ok(None);
    }
    Ok(match header.addresses {
        Addresses::IPv4(addresses) => Some(addresses.source_address.into()),
        Addresses::IPv6(addresses) => Some(IpAddr::from(addresses.source_address).to_canonical()),
        Addresses::Unix(_) | Addresses::Unspecified => None,
    })
}

#[cfg(test)]
mod tests {
    use ppp::v2::{Builder, Protocol, Version};
    use proptest::prelude::*;

    use super::*;

    fn header(command: Command, from: &str, to: &str) -> Vec<u8> {
        let addresses = (from.parse().unwrap(), to.parse().unwrap());
        Builder::with_addresses(Version::Two | command, Protocol::Stream, addresses)
            .build()
            .unwrap()
    }

    async fn read(bytes: &[u8]) -> (Result<Option<IpAddr>, ProxyError>, usize) {
        let mut rest = bytes;
        let read = read_header(&mut rest).await;
        (read, rest.len())
    }

    #[tokio::test]
    async fn the_client_is_read_and_nothing_after_it() {
        for (from, to) in [
            ("203.0.113.7:4711", "192.0.2.1:443"),
            ("[2001:db8::7]:4711", "[2001:db8::1]:443"),
        ] {
            let mut bytes = header(Command::Proxy, from, to);
            bytes.extend_from_slice(b"GET /");
            let (client, left) = read(&bytes).await;
            let expected: std::net::SocketAddr = from.parse().unwrap();
            assert_eq!(client.unwrap(), Some(expected.ip()));
            assert_eq!(left, 5);
        }
    }

    #[tokio::test]
    async fn a_proxy_may_speak_for_itself() {
        let bytes = header(Command::Local, "203.0.113.7:4711", "192.0.2.1:443");
        assert_eq!(read(&bytes).await.0.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let good = header(Command::Proxy, "203.0.113.7:1", "192.0.2.1:2");
        assert!(read(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.0.is_err());
        assert!(read(&good[..good.len() - 1]).await.0.is_err());
        let mut version_one = good.clone();
        version_one[12] = 0x11;
        assert!(read(&version_one).await.0.is_err());
        let mut long = good;
        long[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
        assert!(matches!(read(&long).await.0, Err(ProxyError::TooLong)));
    }

    proptest! {
        #[test]
        fn no_bytes_can_break_it(mut bytes in prop::collection::vec(any::<u8>(), 0..300), whole: bool) {
            if whole && bytes.len() >= FIXED {
                bytes[..12].copy_from_slice(ppp::v2::PROTOCOL_PREFIX);
            }
            let _ = futures::executor::block_on(read(&bytes));
        }
    }
}
