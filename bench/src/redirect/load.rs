//! The load: browsers that wait for each answer before they ask again, and look at every one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::requests::{Browser, Requests};
use super::round::Side;
use crate::server::Server;

/// What every answer must begin with.
const FOUND: &[u8] = b"HTTP/1.1 302 ";
/// The longest head that an answer may have.
pub(super) const LONGEST: usize = 16 << 10;
/// Before the clocks are read: connections are open and caches warm.
const WARM_UP: Duration = Duration::from_millis(500);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// After an error, so that a server that is gone is not asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(10);

/// How much is asked.
pub(super) struct Load {
    /// Keep-alive connections.
    pub(super) connections: u16,
    /// Threads that they are spread over.
    pub(super) threads: u8,
    /// How long, in seconds.
    pub(super) seconds: u64,
}

/// A server under load.
pub(super) struct Target<'s> {
    /// Where it answers.
    pub(super) address: SocketAddr,
    /// The process whose CPU time counts.
    pub(super) process: &'s Server,
}

/// What the browsers tell the clock.
#[derive(Default)]
struct Shared {
    answers: AtomicU64,
    errors: AtomicU64,
    stop: AtomicBool,
}

impl Load {
    /// Asks `target` for the whole time, on threads of its own.
    pub(super) fn ask(&self, target: &Target<'_>, requests: &Arc<Requests>) -> Result<Side> {
        let shared = Arc::new(Shared::default());
        let threads: Vec<_> = (0..u16::from(self.threads))
            .map(|thread| {
                let numbers = (thread..self.connections).step_by(self.threads.into());
                let browsers = numbers.map(|number| requests.browser(number)).collect();
                let (shared, address) = (Arc::clone(&shared), target.address);
                std::thread::spawn(move || browse(browsers, address, shared))
            })
            .collect();
        std::thread::sleep(WARM_UP);
        let side = self.watch(target, &shared);
        shared.stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread
                .join()
                .map_err(|_| anyhow!("a thread of the load panicked"))??;
        }
        Ok(Side {
            answers_in_all: shared.answers.load(Ordering::Relaxed),
            errors: shared.errors.load(Ordering::Relaxed),
            ..side?
        })
    }

    fn watch(&self, target: &Target<'_>, shared: &Shared) -> Result<Side> {
        let before = shared.answers.load(Ordering::Relaxed);
        let (cpu, start) = (target.process.cpu()?, Instant::now());
        std::thread::sleep(Duration::from_secs(self.seconds));
        let answers = shared.answers.load(Ordering::Relaxed) - before;
        let (cpu, seconds) = (
            target.process.cpu()?.since(cpu),
            start.elapsed().as_secs_f64(),
        );
        ensure!(
            answers > 0,
            "not one answer from {} in {} s",
            target.address,
            self.seconds
        );
        Ok(Side {
            answers,
            answers_in_all: 0,
            errors: 0,
            seconds,
            cpu,
        })
    }
}

/// Some of the browsers, on this thread.
fn browse(browsers: Vec<Browser>, address: SocketAddr, shared: Arc<Shared>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for browser in browsers {
            all.spawn(surf(browser, address, Arc::clone(&shared)));
        }
        all.join_all().await;
    });
    Ok(())
}

/// One browser: a connection, and another one when it breaks.
async fn surf(mut browser: Browser, address: SocketAddr, shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        if click(&mut browser, address, &shared).await.is_err() {
            shared.errors.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Asks on one connection until it is time to stop or an answer is wrong.
async fn click(browser: &mut Browser, address: SocketAddr, shared: &Shared) -> io::Result<()> {
    let mut stream = connect(browser.number(), address).await?;
    let mut buffer = Vec::with_capacity(LONGEST);
    while !shared.stop.load(Ordering::Relaxed) {
        browser.write_next(&mut buffer);
        stream.write_all(&buffer).await?;
        buffer.clear();
        read_found(&mut stream, &mut buffer).await?;
        shared.answers.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
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

/// Reads one answer, which must be a redirect without a body.
pub(super) async fn read_found(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let invalid = |problem| Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    loop {
        if timeout(PATIENCE, stream.read_buf(buffer)).await?? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !buffer.starts_with(&FOUND[..FOUND.len().min(buffer.len())]) {
            return invalid("not a 302");
        }
        if buffer.ends_with(b"\r\n\r\n") {
            return Ok(());
        }
        if buffer.len() >= LONGEST {
            return invalid("a head without an end");
        }
    }
}
