//! The measure: a server that is hyper and nothing else, rustls before it where it answers encrypted.
//!
//! As many threads as the redirector, each with a runtime and listeners of its own on the same ports, hyper's
//! defaults, and one answer for every request, made once: what any redirector in hyper has to pay.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use super::certificate::{self, Certificate};
use super::subject::Subject;
use crate::load::END_OF_HEAD;
use crate::server::{self, Server};
use crate::{binary, callgrind};

/// As the redirector has it.
const BACKLOG: i32 = 1024;

/// Answers 302 and nothing else.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where to answer
    #[arg(long)]
    listen: SocketAddr,
    /// Where to answer encrypted
    #[arg(long)]
    tls_listen: SocketAddr,
    /// The certificate, in PEM
    #[arg(long)]
    certificate: PathBuf,
    /// Its private key, in PEM
    #[arg(long)]
    key: PathBuf,
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
    tls_address: SocketAddr,
}

impl Bare {
    /// Starts it, to say what `answer` says; its instructions are counted into a file, where there is one.
    pub(super) async fn start(
        answer: &str,
        certificate: &Certificate,
        threads: u8,
        counts: Option<&Path>,
    ) -> Result<Self> {
        let (address, tls_address) = (server::free_address()?, server::free_address()?);
        let mut command = callgrind::command(&binary::own()?, counts);
        command
            .args(["bare-hyper", "--listen", &address.to_string()])
            .args(["--tls-listen", &tls_address.to_string()])
            .args(["--threads", &threads.to_string()])
            .arg("--certificate")
            .arg(certificate.certificate())
            .arg("--key")
            .arg(certificate.key());
        for line in own_lines(answer) {
            command.args(["--header", line]);
        }
        let mut server = Server::start("bare hyper", command)?;
        server
            .until(&format!("http://{address}/"), StatusCode::FOUND)
            .await?;
        Ok(Self {
            server,
            address,
            tls_address,
        })
    }

    /// The server as the load sees it.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            server: &self.server,
            address: self.address,
            tls_address: Some(self.tls_address),
            tail: END_OF_HEAD,
        }
    }
}

/// The header lines of an answer, without those that hyper itself writes.
fn own_lines(answer: &str) -> impl Iterator<Item = &str> {
    const OF_HYPER: [&str; 3] = ["date: ", "content-length: ", "connection: "];
    answer.lines().skip(1).filter(|line| {
        !line.is_empty()
            && !OF_HYPER
                .iter()
                .any(|own| line.to_lowercase().starts_with(own))
    })
}

/// Serves until it is killed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let headers = parse(&options.header)?;
    let tls = certificate::server_config(&options.certificate, &options.key)?;
    let threads: Vec<_> = (0..options.threads)
        .map(|_| {
            let bind = |address| bind(address).with_context(|| address.to_string());
            let (plain, encrypted) = (bind(options.listen)?, bind(options.tls_listen)?);
            let (headers, acceptor) = (headers.clone(), TlsAcceptor::from(tls.clone()));
            Ok(std::thread::spawn(move || {
                serve(plain, encrypted, &acceptor, &headers)
            }))
        })
        .collect::<Result<_>>()?;
    for thread in threads {
        thread
            .join()
            .map_err(|_| anyhow!("a serving thread panicked"))??;
    }
    Ok(())
}

fn serve(
    plain: TcpListener,
    encrypted: TcpListener,
    acceptor: &TlsAcceptor,
    headers: &HeaderMap,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        tokio::try_join!(
            accept(plain, None, headers),
            accept(encrypted, Some(acceptor), headers),
        )?;
        Ok(())
    })
}

async fn accept(
    listener: TcpListener,
    tls: Option<&TlsAcceptor>,
    headers: &HeaderMap,
) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let headers = headers.clone();
        match tls.cloned() {
            None => tokio::task::spawn_local(answer(stream, headers)),
            Some(tls) => tokio::task::spawn_local(async move {
                // Whoever cannot agree on a cipher is not answered.
                if let Ok(stream) = tls.accept(stream).await {
                    answer(stream, headers).await;
                }
            }),
        };
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, headers: HeaderMap) {
    let answer = service_fn(move |_: Request<Incoming>| {
        let mut answer = Response::new(Empty::<Bytes>::new());
        *answer.status_mut() = StatusCode::FOUND;
        answer.headers_mut().clone_from(&headers);
        async { Ok::<_, Infallible>(answer) }
    });
    // The load hangs up when it has seen enough.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
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
