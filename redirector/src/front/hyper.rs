//! Requests and answers as hyper has them: HTTP/2, and of HTTP/1 what is not plain.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    SET_COOKIE,
};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::timeout;
use whence_core::click::Method;

use super::http1::hosts_are_wrong;
use super::replay::Replay;
use super::unread::{Turn, Unread};
use super::{CookieLines, Visit, header_text};
use crate::answer::{self, Answer, Known, Page, Redirect};
use crate::door::{Over, Stage};
use crate::locked;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");
/// hyper takes no smaller read buffer.
const LEAST_BUFFER: usize = 8192;
/// The longest form in which a password is looked for: one has at most 128 bytes, each of them escaped three.
const LONGEST_FORM: usize = 4096;
/// What a form is sent as.
const FORM: &str = "application/x-www-form-urlencoded";
/// Requests of one client at a time on a connection: as many as a page could have links, and RFC 9113 wants no fewer.
const MOST_STREAMS: u32 = 100;
/// Streams that a client opened and took back, and that are not dealt with yet: beyond, it is an attack (CVE-2023-44487).
const MOST_RESETS: usize = 20;
/// A request has no more than a form to send.
const WINDOW: u32 = 64 * 1024;
/// How long a client has that is told to go, in milliseconds.
const GOODBYE_MS: u64 = 1000;
/// The least that HTTP/2 lets one ask for.
const FRAME: u32 = 16 * 1024;

/// Serves what is not plain HTTP/1: one request, or HTTP/2 where the client knows of it already.
pub(super) async fn serve_other<S>(stream: Replay<S>, visit: Visit)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    if stream.starts_with(b"PRI * HTTP/2.0\r\n") {
        return serve_http2(stream, visit).await;
    }
    let config = &visit.thread.way.shared.config;
    let mut http = http1::Builder::new();
    http.keep_alive(false)
        // Whoever has said everything may still be answered.
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.head_timeout_ms))
        // Heads that are longer do not come this far.
        .max_buf_size(LEAST_BUFFER.max(config.max_head_bytes));
    let patience = config.head_timeout_ms + config.write_timeout_ms;
    let visit = Rc::new(visit);
    let served = Rc::clone(&visit);
    let service = service_fn(move |request| {
        let visit = Rc::clone(&served);
        async move { Ok::<_, Infallible>(answer(&visit, request).await.map(Full::new)) }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service);
    // It reads a form and writes an answer, each of them once.
    visit.patience.busy(patience);
    let _ = drive(pin!(connection), &visit, Stage::Ending).await;
}

/// Serves HTTP/2.
pub(crate) async fn serve_http2<S>(stream: S, visit: Visit)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let config = &visit.thread.way.shared.config;
    let idle = Duration::from_millis(config.idle_timeout_ms);
    let mut http = http2::Builder::new(Local);
    http.timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_pending_accept_reset_streams(MOST_RESETS)
        .max_local_error_reset_streams(MOST_RESETS)
        .max_header_list_size(u32::try_from(config.max_head_bytes).unwrap_or(u32::MAX))
        .max_frame_size(FRAME)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(WINDOW as usize)
        // A client that is gone without a word does not answer this.
        .keep_alive_interval(idle)
        .keep_alive_timeout(Duration::from_millis(config.write_timeout_ms));
    visit.patience.busy(config.head_timeout_ms);
    let visit = Rc::new(visit);
    let served = Rc::clone(&visit);
    let unread = Arc::new(Unread::default());
    let service = service_fn(move |request| {
        let (visit, unread) = (Rc::clone(&served), Arc::clone(&unread));
        // Each request earns the connection its time anew.
        let idle = visit.thread.way.shared.config.idle_timeout_ms;
        visit.patience.busy(idle);
        async move {
            let turn = unread.turn().await;
            let response = answer(&visit, request).await;
            Ok::<_, Infallible>(response.map(|body| Full::new(hold(&visit, &turn, body))))
        }
    });
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let driven = drive(connection.as_mut(), &visit, Stage::Closing).await;
    if driven.is_err() {
        // A client that hears of it sends its next request elsewhere, instead of losing it.
        connection.as_mut().graceful_shutdown();
        visit.patience.leave(GOODBYE_MS);
        let _ = visit.patience.guard(connection).await;
    }
}

/// Hangs up on a client that does not read this content within the time to write.
fn hold(visit: &Rc<Visit>, turn: &Turn, body: Bytes) -> Bytes {
    if body.is_empty() {
        return body;
    }
    let (body, waits) = turn.hold(body);
    let config = &visit.thread.way.shared.config;
    let patience = Duration::from_millis(config.write_timeout_ms);
    let visit = Rc::downgrade(visit);
    spawn_local(async move {
        if timeout(patience, waits).await.is_err()
            && let Some(visit) = visit.upgrade()
        {
            visit.patience.end();
        }
    });
    body
}

/// Lets a connection run to its end; from a stage on, to the end of what is under way. An error where it takes
/// too long.
async fn drive<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    visit: &Visit,
    last: Stage,
) -> Result<(), Over> {
    let mut told = false;
    let run = poll_fn(|context| {
        if !told && visit.patience.stage() >= last {
            told = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    });
    // A client that breaks off or sends garbage is its own affair.
    visit.patience.guard(run).await.map(|_| ())
}

/// Runs what HTTP/2 does on the side on the thread that it is on.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}

/// Reads a request, has it answered, and writes the answer down.
async fn answer(visit: &Visit, request: Request<Incoming>) -> Response<Bytes> {
    let version = request.version();
    let way = &visit.thread.way;
    let (answer, has_password) = match read(visit, request).await {
        Ok(answered) => answered,
        Err(refused) => {
            way.counters.malformed.inc();
            (refused, false)
        }
    };
    let mut response = write(answer, &way.shared.cookies);
    if has_password && response.status().is_redirection() {
        // The link may have lost its password since the form was shown.
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    if visit.patience.stage() > Stage::Open && version < Version::HTTP_2 {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// The answer to a request, and whether a password came with it, which 307 and 308 would have the browser hand
/// on; an error where the request was not even looked at.
async fn read(visit: &Visit, request: Request<Incoming>) -> Result<(Answer, bool), Answer> {
    let (request, body) = request.into_parts();
    let way = &visit.thread.way;
    let config = &way.shared.config;
    let method = match request.method {
        hyper::Method::GET => Method::Get,
        hyper::Method::HEAD => Method::Head,
        hyper::Method::POST => Method::Post,
        _ => return Err(answer::method_not_allowed()),
    };
    let head = request
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if head.sum::<usize>() > config.max_head_bytes {
        return Err(answer::head_too_long());
    }
    let mut reading = visit.reading();
    for (name, value) in &request.headers {
        reading.header(name.as_str().as_bytes(), value.as_bytes());
    }
    let uri = &request.uri;
    let authority = uri.authority().map(hyper::http::uri::Authority::as_str);
    // HTTP/2 has its own name for the host, and so has a request as to a proxy: then `Host` may be missing.
    let may_be_missing = request.version != Version::HTTP_11 || authority.is_some();
    if hosts_are_wrong(reading.hosts(), may_be_missing) {
        return Err(answer::malformed());
    }
    let form = match (method, request.headers.get(CONTENT_TYPE)) {
        (Method::Post, Some(kind)) if is_form(kind) => read_form(visit, body).await?,
        _ => None,
    };
    let query = uri.query().unwrap_or_default();
    let mut asked = reading.finish(method, uri.path(), query, authority);
    asked.form = form;
    let has_password = locked::in_form(&asked).is_some();
    Ok((visit.answer(&asked).await, has_password))
}

fn is_form(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(FORM)
}

/// A form's content, read whole within the time that a head may take. None where it is longer than any in
/// which a password stands: it may be another site's, posted to a link that asks for none.
async fn read_form(visit: &Visit, body: Incoming) -> Result<Option<Bytes>, Answer> {
    if body.size_hint().lower() > LONGEST_FORM as u64 {
        return Ok(None);
    }
    let patience = Duration::from_millis(visit.thread.way.shared.config.head_timeout_ms);
    let mut body = Limited::new(body, LONGEST_FORM);
    let read = async {
        let mut form = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                form.extend_from_slice(&data);
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(form.freeze())
    };
    match timeout(patience, read).await {
        Ok(Ok(form)) => Ok(Some(form)),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Ok(None),
        // It broke off, or was no body: nobody is there to read this.
        Ok(Err(_)) => Err(answer::malformed()),
        Err(_) => Err(answer::too_slow()),
    }
}

fn write(answer: Answer, cookies: &CookieLines) -> Response<Bytes> {
    match answer {
        Answer::Redirect(redirect) => write_redirect(redirect, cookies),
        Answer::Page(page) => write_page(page),
    }
}

fn write_redirect(redirect: Redirect, cookies: &CookieLines) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() =
        StatusCode::from_u16(redirect.code()).expect("a redirect status is a status");
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(&redirect.location));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(answer::NO_STORE));
    headers.insert(
        REFERRER_POLICY,
        HeaderValue::from_static(answer::REFERRER_POLICY),
    );
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static(answer::NO_INDEX));
    if let Some(Known { visitor, click }) = redirect.known {
        let line = |name: &str, id: String| value(&[name, &id, &cookies.attributes].concat());
        headers.append(SET_COOKIE, line(&cookies.visitor, visitor.to_string()));
        headers.append(SET_COOKIE, line(&cookies.last_click, click.to_string()));
    }
    if let Some(pass) = redirect.pass {
        headers.append(SET_COOKIE, value(&pass));
    }
    response
}

fn write_page(page: Page) -> Response<Bytes> {
    let mut response = Response::new(page.body);
    *response.status_mut() = StatusCode::from_u16(page.status).expect("a status of our own");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(page.cache));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static(answer::NO_INDEX));
    for (name, text) in page.headers {
        headers.append(HeaderName::from_static(name), value(&text));
    }
    response
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(header_text(text).as_bytes()).expect("no control characters are left")
}
