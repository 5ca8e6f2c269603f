//! One serving thread: its own runtime, listeners and connections. How HTTP is spoken on them is
//! [`front`](crate::front)'s, what is answered [`way`](crate::way)'s.

use std::cmp::min;
use std::io;
use std::net::{self, IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use mio::net::TcpListener;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::LocalOptions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::door::{Crowd, Listeners, Patience, Stage, Stream, Tls, Watch, read_header, refuse_new};
use crate::front::{Buffers, Thread, Visit, serve_http1, serve_http2};
use crate::way::Way;

/// After a failure to accept: out of file descriptors, most likely, and what is open closes sooner or later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How often that is said while it lasts.
const SAID_AGAIN: Duration = Duration::from_secs(60);
/// Once no new connection can begin, those that have begun come within a round trip.
const LAST_ARRIVALS: Duration = Duration::from_millis(100);
/// How long an open connection on which nothing is asked has for one more request when all stops: a client that is
/// busy asks again within it, is answered, and told to come no more on this connection.
const GRACE: Duration = Duration::from_secs(1);

/// What all threads share at the door.
pub(crate) struct Door {
    /// HTTPS, where it is served.
    pub(crate) tls: Option<Tls>,
    /// How many connections each client holds.
    pub(crate) crowd: Arc<Crowd>,
}

/// What the connections of a thread need until they speak HTTP.
struct Entrance {
    thread: Rc<Thread>,
    watch: Rc<Watch>,
    door: Arc<Door>,
    room: Arc<Semaphore>,
}

/// Serves until `stop`, then lets requests under way finish within `drain`.
pub(crate) fn serve(
    listeners: Listeners,
    way: Way,
    door: Arc<Door>,
    stop: &CancellationToken,
    drain: Duration,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let kinds = [(listeners.plain, false), (listeners.tls, true)];
        let count = kinds.iter().filter(|(kind, _)| kind.is_some()).count();
        // A listener holds a place for whoever comes next: none may be without because another one waits.
        let places = way.shared.connections_per_thread + count.saturating_sub(1);
        let entrance = Rc::new(Entrance {
            room: Arc::new(Semaphore::new(places)),
            thread: Rc::new(Thread {
                way,
                buffers: Buffers::default(),
            }),
            watch: Watch::new(),
            door,
        });
        let grace = min(GRACE, drain / 2);
        let mut accepting = Vec::new();
        for (listener, is_tls) in kinds {
            if let Some(listener) = listener {
                let listener = watched(listener)?;
                let entrance = Rc::clone(&entrance);
                let accept = entrance.accept(listener, is_tls, stop.clone(), grace);
                accepting.push(spawn_local(accept));
            }
        }
        let watch = Rc::clone(&entrance.watch);
        spawn_local(async move { watch.keep().await });

        stop.cancelled().await;
        if timeout(drain, entrance.end(accepting, grace))
            .await
            .is_err()
        {
            tracing::warn!("connections were still open when the time to drain was over");
        }
        Ok(())
    })
}

impl Entrance {
    /// Accepts connections until `stop`, and then, for at most `grace`, those that have begun before it.
    async fn accept(
        self: Rc<Self>,
        listener: AsyncFd<TcpListener>,
        is_tls: bool,
        stop: CancellationToken,
        grace: Duration,
    ) {
        let mut stopped = pin!(stop.cancelled());
        let mut said: Option<Instant> = None;
        loop {
            // Whoever finds no room waits to be accepted: the kernel's queue is bounded too.
            let next = async {
                let place = Arc::clone(&self.room).acquire_owned().await.ok();
                (place, accept(&listener).await)
            };
            tokio::select! {
                biased;
                () = &mut stopped => break,
                (place, accepted) = next => match accepted {
                    Ok((stream, peer)) => self.let_in(stream, peer.ip(), is_tls, place),
                    Err(error) => {
                        if said.is_none_or(|said| said.elapsed() > SAID_AGAIN) {
                            said = Some(Instant::now());
                            tracing::warn!(%error, "connections cannot be accepted");
                        }
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        // Closing the listener resets what waits in it, and whoever is half-way through the handshake.
        refuse_new(&listener);
        let last = async {
            while let Ok(Ok((stream, peer))) = timeout(LAST_ARRIVALS, accept(&listener)).await {
                self.let_in(stream, peer.ip(), is_tls, None);
            }
        };
        if timeout(grace, last).await.is_err() {
            tracing::debug!("connections still began when the listener was closed");
        }
    }

    /// Ends every connection: with its next answer, or after `grace` where nothing is asked.
    async fn end(&self, accepting: Vec<JoinHandle<()>>, grace: Duration) {
        self.watch.advance(Stage::Closing);
        sleep(grace).await;
        for accept in accepting {
            if let Err(error) = accept.await {
                tracing::error!(%error, "a listener ended before its time");
            }
        }
        self.watch.advance(Stage::Ending);
        self.watch.empty().await;
    }

    /// Serves a connection on the side, which gives its place back when it ends.
    fn let_in(
        self: &Rc<Self>,
        stream: Stream,
        peer: IpAddr,
        is_tls: bool,
        place: Option<OwnedSemaphorePermit>,
    ) {
        self.thread.way.counters.connections.inc();
        let entrance = Rc::clone(self);
        let patience = self.watch.enter();
        spawn_local(async move {
            entrance
                .serve(stream, peer.to_canonical(), is_tls, patience)
                .await;
            drop(place);
        });
    }

    async fn serve(&self, mut stream: Stream, mut peer: IpAddr, is_tls: bool, patience: Patience) {
        let config = &self.thread.way.shared.config;
        // Whatever comes before HTTP has to come in this time.
        patience.idle(config.head_timeout_ms);
        if is_in(&config.proxy_protocol, peer) {
            match patience.guard(read_header(&mut stream)).await {
                Ok(Ok(client)) => peer = client.unwrap_or(peer),
                Ok(Err(error)) => return self.thread.turn_away(peer, &error),
                Err(_) => return self.thread.turn_away(peer, &"no PROXY header came"),
            }
        }
        let believed = is_in(&config.trusted_proxies, peer);
        let place = match believed {
            true => Some(self.door.crowd.aside()),
            false => self.door.crowd.enter(peer),
        };
        let Some(_place) = place else {
            return self
                .thread
                .turn_away(peer, &"it holds as many connections as it may");
        };
        let tls = self.door.tls.as_ref().filter(|_| is_tls);
        let limits = &self.thread.way.shared.limits;
        if tls.is_some() && !believed && limits.admit_handshake(peer).is_err() {
            return self
                .thread
                .turn_away(peer, &"it begins TLS more often than it may");
        }
        let visit = Visit {
            thread: Rc::clone(&self.thread),
            peer,
            tls: is_tls,
            patience,
        };
        match tls {
            None => serve_http1(stream, visit).await,
            // On the heap by itself: plain connections need not carry the room for it.
            Some(tls) => Box::pin(serve_tls(tls, stream, visit)).await,
        }
    }
}

/// A listener that the poller knows, while it does not know what is accepted: tokio's own registers each connection.
#[expect(
    deprecated,
    reason = "its fault is in types that change their descriptor, which a listener does not; what follows on it is unsafe"
)]
fn watched(listener: net::TcpListener) -> io::Result<AsyncFd<TcpListener>> {
    AsyncFd::with_interest(TcpListener::from_std(listener), Interest::READABLE)
}

/// The next connection.
async fn accept(listener: &AsyncFd<TcpListener>) -> io::Result<(Stream, SocketAddr)> {
    // It blocks nobody from the first, where the standard library's takes a second call for that.
    let accepting = listener.async_io(Interest::READABLE, TcpListener::accept);
    let (stream, peer) = accepting.await?;
    Ok((Stream::new(stream.into()), peer))
}

async fn serve_tls(tls: &Tls, stream: Stream, visit: Visit) {
    match visit.patience.guard(tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) if Tls::is_http2(stream.get_ref().1) => serve_http2(stream, visit).await,
        Ok(Ok(stream)) => serve_http1(stream, visit).await,
        Ok(Err(error)) => visit.thread.turn_away(visit.peer, &error),
        Err(_) => visit.thread.turn_away(visit.peer, &"no TLS came"),
    }
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}
