//! The listening sockets, one of each kind for each thread, and how they stop without a loss.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use whence_core::service::StartError;

/// Connections that may wait to be accepted: a burst, not a backlog.
const BACKLOG: i32 = 1024;

/// What one thread listens to.
pub(crate) struct Listeners {
    /// For plain HTTP.
    pub(crate) plain: Option<TcpListener>,
    /// For HTTPS.
    pub(crate) tls: Option<TcpListener>,
}

/// One listener for each thread on the same port: the kernel spreads connections over them. `key` is
/// the configuration's name for the address.
pub(crate) fn bind(
    key: &'static str,
    address: SocketAddr,
    count: u8,
) -> Result<(SocketAddr, Vec<TcpListener>), StartError> {
    let failed = |source| StartError::Bind {
        key,
        address,
        source,
    };
    let mut bound = address;
    let mut listeners = Vec::new();
    for _ in 0..count {
        let listener = bind_one(bound).map_err(failed)?;
        // With port 0 the first listener finds a port, and the others join it there.
        bound = listener.local_addr().map_err(failed)?;
        listeners.push(listener);
    }
    Ok((bound, listeners))
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    // An answer is one small packet: waiting to fill it only delays it. What is accepted inherits this.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Lets no new connection begin, while those that have begun can still be accepted: closing the
/// listener would reset them. Where the system cannot do that, nothing happens.
#[cfg(target_os = "linux")]
pub(crate) fn refuse_new(listener: &impl AsFd) {
    use socket2::SockFilter;

    // The classic BPF of SO_ATTACH_FILTER, which sees a segment from its TCP header on: the flags are its
    // byte 13; SYN without ACK (0x02 of 0x12) is dropped. A client tries again after a second, and
    // finds another process on the port, or nobody.
    let new_is_dropped = [
        SockFilter::new(0x30, 0, 0, 13),          // load byte 13
        SockFilter::new(0x54, 0, 0, 0x12),        // keep its SYN and ACK
        SockFilter::new(0x15, 0, 1, 0x02),        // SYN alone?
        SockFilter::new(0x06, 0, 0, 0),           // yes: drop
        SockFilter::new(0x06, 0, 0, 0xffff_ffff), // no: pass whole
    ];
    if let Err(error) = SockRef::from(listener).attach_filter(&new_is_dropped) {
        tracing::debug!(%error, "connections that begin while this stops may be reset");
    }
}

/// Lets no new connection begin, where the system can do that.
#[cfg(not(target_os = "linux"))]
pub(crate) fn refuse_new(_listener: &impl AsFd) {}
