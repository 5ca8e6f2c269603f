//! One serving thread: its own runtime, listener and connections. What is answered is [`way`](crate::way)'s.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::LocalSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::front;
use crate::way::Way;

/// hyper takes no smaller read buffer.
const LEAST_BUFFER: usize = 8192;
/// How long a connection that is open when everything stops has to send what is on its way already.
const FIRST_READ: Duration = Duration::from_millis(50);

/// Serves until `stop`, then lets requests under way finish within `drain`.
pub(crate) fn serve(
    listener: std::net::TcpListener,
    way: Way,
    stop: &CancellationToken,
    drain: Duration,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::from_std(listener)?;
        let way = Rc::new(way);
        let connections = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(way.shared.connections_per_thread));
        loop {
            // Whoever finds no room waits to be accepted: the kernel's queue is bounded too.
            let next = async {
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => connect(stream, peer.ip(), place, &way, &connections),
                // Out of file descriptors, most likely: what is open closes sooner or later.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
        // Closing the listener resets what waits in it: answer those first.
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            connect(stream, peer.ip(), None, &way, &connections);
        }
        drop(listener);
        // A connection that has read nothing yet is closed by the shutdown, not answered.
        tokio::time::sleep(FIRST_READ).await;
        if timeout(drain, connections.shutdown()).await.is_err() {
            tracing::warn!("connections were still open when the time to drain was over");
        }
        Ok(())
    })
}

/// Answers a connection, which gives its place back when it ends.
fn connect(
    stream: TcpStream,
    peer: IpAddr,
    place: Option<OwnedSemaphorePermit>,
    way: &Rc<Way>,
    connections: &GracefulShutdown,
) {
    way.counters.connections.inc();
    // An answer is one small packet: waiting to fill it only delays it.
    let _ = stream.set_nodelay(true);
    let config = &way.shared.config;
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.head_timeout_ms))
        // What is too long is still read this far, so that it can be answered; beyond it, the
        // connection is cut.
        .max_buf_size(LEAST_BUFFER.max(4 * config.max_head_bytes))
        .pipeline_flush(true);
    let way = Rc::clone(way);
    let service = service_fn(move |request| {
        let way = Rc::clone(&way);
        async move { Ok::<_, Infallible>(front::serve(&way, request, peer).await) }
    });
    let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
    tokio::task::spawn_local(async move {
        // A client that breaks off or sends garbage is its own affair.
        if let Err(error) = connection.await {
            tracing::trace!(%error, "connection ended");
        }
        drop(place);
    });
}
