//! The HTTP side: which request goes where, and how the listener drains.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request as HttpRequest, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use super::body::{self, BodyReader};
use super::exception::Exception;
use super::flush::{Flushed, Flushes};
use super::pool::{Pool, StopOnDrop};
use super::request::{Account, Request};
use super::response::{Answer, Body, full};
use super::run::Job;

/// Connections at once; above it new ones wait in the system's queue. Statements have their own bound.
const CONNECTIONS: usize = 1024;
/// How long a connection may idle or take to send its headers: the server's `keep_alive_timeout`
/// is 30 s; more spares pooled clients the race with a closing connection.
const IDLE: Duration = Duration::from_secs(60);

/// What every request needs.
pub(super) struct Server {
    /// The engine.
    pub(super) pool: Arc<Pool>,
    /// Who may use it.
    pub(super) account: Account,
}

impl Server {
    /// Accepts connections until `stop` says how long requests have to end; those that have not by
    /// then are stopped. Returns whether all ended.
    pub(super) async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = Duration>,
    ) -> bool {
        let server = Arc::new(self);
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::pin!(stop);
        let drain = loop {
            // Waiting for room is part of what `stop` ends.
            let next = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                drain = &mut stop => break drain,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, or a connection that was gone before it was taken.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let service = Arc::clone(&server);
            let flushes = Arc::new(Flushes::default());
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(IDLE)
                .serve_connection(
                    Flushed::new(TokioIo::new(stream), Arc::clone(&flushes)),
                    service_fn(move |request| {
                        let (server, flushes) = (Arc::clone(&service), Arc::clone(&flushes));
                        async move {
                            Ok::<_, std::convert::Infallible>(server.answer(request, flushes).await)
                        }
                    }),
                );
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended early");
                }
                drop(permit);
            });
        };
        drop(listener);
        let drained = graceful.shutdown();
        tokio::pin!(drained);
        if tokio::time::timeout(drain, &mut drained).await.is_ok() {
            return true;
        }
        tracing::warn!("queries still run after {drain:?}: stopping them");
        let pool = Arc::clone(&server.pool);
        let _ = tokio::task::spawn_blocking(move || pool.kill_all()).await;
        tokio::time::timeout(Duration::from_secs(2), drained)
            .await
            .is_ok()
    }

    async fn answer(
        &self,
        request: HttpRequest<Incoming>,
        flushes: Arc<Flushes>,
    ) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, "/ping" | "/replicas_status") => {
                plain(StatusCode::OK, "Ok.\n")
            }
            (&Method::GET | &Method::HEAD, "/")
                if request.uri().query().is_none_or(str::is_empty) =>
            {
                plain(StatusCode::OK, "Ok.\n")
            }
            (&Method::GET | &Method::HEAD | &Method::POST, "/") => {
                self.query(request, flushes).await
            }
            (_, "/") => plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "GET, HEAD and POST are supported here\n",
            ),
            (_, path) => plain(
                StatusCode::NOT_FOUND,
                format!("There is no handle {path}\n\nUse / or /ping for health checks.\n"),
            ),
        }
    }

    async fn query(&self, request: HttpRequest<Incoming>, flushes: Arc<Flushes>) -> Response<Body> {
        let since = Instant::now();
        let (parts, incoming) = request.into_parts();
        let run = self.pool.run();
        let mut answer = Answer {
            pool: Arc::clone(&self.pool),
            guard: Some(StopOnDrop::new(Arc::clone(&self.pool), Arc::clone(&run))),
            flushes,
            since,
            query_id: run.tag.clone(),
            compress: false,
            coding: None,
            wait_end: false,
            buffer: 0,
        };
        let mut request = match Request::read(&parts) {
            Ok(request) => request,
            Err(exception) => return answer.exception(&exception),
        };
        if let Some(id) = request.query_id.take() {
            answer.query_id = id;
        }
        let body = match self.enter(&mut request, incoming).await {
            Ok(body) => body,
            Err(exception) => return answer.exception(&exception),
        };
        answer.compress = request.compress;
        answer.coding = request.response_coding;
        answer.wait_end = request.wait_end;
        answer.buffer = request.buffer;
        let permit = match self.pool.acquire().await {
            Ok(permit) => permit,
            Err(exception) => return answer.exception(&exception),
        };
        run.begin();
        let (started, on_start) = oneshot::channel();
        let job = Job {
            pool: Arc::clone(&self.pool),
            permit,
            run,
            request,
            body,
            started,
        };
        let work = tokio::task::spawn_blocking(move || job.run());
        answer.response(on_start, work).await
    }

    /// Lets the right user in, and with them their body: data to be carried, or a form to be read.
    async fn enter(
        &self,
        request: &mut Request,
        incoming: Incoming,
    ) -> Result<BodyReader, Exception> {
        let Some(boundary) = request.form.take() else {
            let body = body::carry(incoming);
            return request.credentials.check(&self.account).map(|()| body);
        };
        request.credentials.check(&self.account)?;
        let read = tokio::time::timeout(IDLE, request.read_form(boundary, incoming));
        read.await.map_err(|_elapsed| {
            Exception::socket_timeout("the client did not send its form in time")
        })??;
        Ok(body::empty())
    }
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(full(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("text/plain; charset=UTF-8"),
    );
    response
}
