//! The measure: a server that is hyper and nothing else.
//!
//! As many threads as the redirector, each with a runtime and a listener of its own on the same port, hyper's
//! defaults, and one answer for every request, made once: what any redirector in hyper has to pay.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::LocalSet;

use super::load::Target;
use crate::binary;
use crate::server::{self, Server};

/// As the redirector has it.
const BACKLOG: i32 = 1024;

/// Answers 302 and nothing else.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to answer
    #[arg(long)]
    listen: SocketAddr,
    /// Serving threads
    #[arg(long)]
    threads: u8,
    /// A header line of each answer, `name: value`; may be given again
    #[arg(long, value_name = "LINE")]
    header: Vec<String>,
}

/// The bare server in a process of its own.
pub(super) struct Bare {
    server: Server,
    address: SocketAddr,
}

impl Bare {
    /// Starts it, to answer with these header lines.
    pub(super) async fn start(headers: &[String], threads: u8) -> Result<Self> {
        let address = server::free_address()?;
        let mut command = Command::new(binary::own()?);
        command
            .args(["bare-hyper", "--listen", &address.to_string()])
            .args(["--threads", &threads.to_string()]);
        for header in headers {
            command.args(["--header", header]);
        }
        let mut server = Server::start("the bare server", command)?;
        server
            .until(&format!("http://{address}/"), StatusCode::FOUND)
            .await?;
        Ok(Self { server, address })
    }

    /// The server as the load sees it.
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            address: self.address,
            process: &self.server,
        }
    }
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let headers = parse(&options.header)?;
    let threads: Vec<_> = (0..options.threads)
        .map(|_| {
            let listener = bind(options.listen).with_context(|| options.listen.to_string())?;
            let headers = headers.clone();
            Ok(std::thread::spawn(move || serve(listener, &headers)))
        })
        .collect::<Result<_>>()?;
    for thread in threads {
        thread
            .join()
            .map_err(|_| anyhow!("a serving thread panicked"))??;
    }
    Ok(())
}

fn serve(listener: TcpListener, headers: &HeaderMap) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let headers = headers.clone();
            let answer = service_fn(move |_: Request<Incoming>| {
                let mut answer = Response::new(Empty::<Bytes>::new());
                *answer.status_mut() = StatusCode::FOUND;
                answer.headers_mut().clone_from(&headers);
                async { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::task::spawn_local(async move {
                // The load hangs up when it has seen enough.
                let _ = connection.await;
            });
        }
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn parse(lines: &[String]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line
            .split_once(": ")
            .with_context(|| format!("--header {line:?}: must be `name: value`"))?;
        let name: hyper::header::HeaderName = name.parse()?;
        headers.append(name, value.parse()?);
    }
    Ok(headers)
}
