//! The API as a client sees it: one base URL, one key, and what it means when it says no.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use thiserror::Error;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use whence_core::config::Config;
use whence_core::key::KEY_VARIABLE;
use whence_core::process::Failure;

use super::Access;
use crate::up::url_of;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take to begin: the server works on ten thousand links before it says anything.
const ANSWER: Duration = Duration::from_secs(300);
/// How often a request is sent again that was not worked on, because there were too many at a time.
const ATTEMPTS: u32 = 20;
/// The longest that a server may have us wait before we ask again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The longest answer that is read as a whole: a line about each of ten thousand links.
const LONGEST_ANSWER: usize = 64 << 20;

/// Why the API did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    /// Nobody there, or the line broke.
    #[error("{url}: {reason}")]
    Line {
        /// Who was asked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It says no.
    #[error("{url} answers {status}: {detail}")]
    Refused {
        /// Who was asked.
        url: String,
        /// The answer's status.
        status: StatusCode,
        /// What is wrong, in its words.
        detail: String,
    },
}

/// A problem as RFC 9457 has it, as far as people read it.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

/// An API, and a key to it.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    authorization: HeaderValue,
}

impl Api {
    /// The API that was asked for, or else the one of this machine.
    pub(crate) fn open(config: &Config, access: &Access) -> Result<Self, Failure> {
        Self::open_at(config.analytics.listen, config, access)
    }

    /// The same for another service, which answers at `here` on this machine.
    pub(crate) fn open_at(
        here: SocketAddr,
        config: &Config,
        access: &Access,
    ) -> Result<Self, Failure> {
        let base = match &access.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => url_of(here),
        };
        let scheme = base
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.host().is_some() && uri.query().is_none())
            .and_then(|uri| uri.scheme_str().map(str::to_owned));
        let is_secure = match scheme.as_deref() {
            Some("http") => false,
            Some("https") => true,
            _ => {
                return Err(Failure::Config(format!(
                    "--url {base:?}: must be an http or https URL such as https://api.example.com"
                )));
            }
        };
        let key = key(config, access)?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))
            .map_err(|_| Failure::Config("the API key holds what no header can carry".into()))?;
        authorization.set_sensitive(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector(is_secure)?),
            base,
            authorization,
        })
    }

    /// Sends a request and gives the answer if it is a good one. Where there are too many at a time, it is
    /// sent again when the server says so: it was not worked on.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Response<Incoming>, ApiError> {
        let url = format!("{}{path}", self.base);
        let line = |reason: String| ApiError::Line {
            url: url.clone(),
            reason,
        };
        let mut attempt = 1;
        loop {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(&url)
                .header(AUTHORIZATION, self.authorization.clone());
            if let Some((media_type, _)) = &body {
                request = request.header(CONTENT_TYPE, *media_type);
            }
            let bytes = body.as_ref().map(|(_, bytes)| bytes.clone());
            let request = request
                .body(Full::new(bytes.unwrap_or_default()))
                .map_err(|error| line(error.to_string()))?;
            let answer = tokio::time::timeout(ANSWER, self.client.request(request))
                .await
                .map_err(|_| line(format!("no answer within {} s", ANSWER.as_secs())))?
                .map_err(|error| line(reason(&error)))?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            if status == StatusCode::TOO_MANY_REQUESTS && attempt < ATTEMPTS {
                tokio::time::sleep(wait(&answer)).await;
                attempt += 1;
                continue;
            }
            let text = read(answer).await.map_err(line)?;
            let problem = serde_json::from_slice::<Problem>(&text);
            return Err(ApiError::Refused {
                detail: problem.map_or_else(|_| "no reason is given".into(), |told| told.detail),
                url,
                status,
            });
        }
    }
}

/// A whole answer.
pub(crate) async fn read(answer: Response<Incoming>) -> Result<Bytes, String> {
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect();
    let read = tokio::time::timeout(ANSWER, body).await;
    let read = read.map_err(|_| "the answer did not come to its end".to_owned())?;
    Ok(read.map_err(|error| error.to_string())?.to_bytes())
}

/// How long the server wants us to wait.
fn wait(answer: &Response<Incoming>) -> Duration {
    let said = answer.headers().get(RETRY_AFTER);
    let seconds = said.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).clamp(Duration::from_secs(1), LONGEST_WAIT)
}

/// The error and what is behind it: by itself it says only that connecting failed.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn connector(is_secure: bool) -> Result<HttpsConnector<HttpConnector>, Failure> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT));
    let provider = Arc::new(ring::default_provider());
    let builder = if is_secure {
        HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| Failure::Runtime(format!("this machine's certificates: {error}")))?
    } else {
        // The machine's certificates take a while to read, and nobody will ask for them.
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Failure::runtime)?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        HttpsConnectorBuilder::new().with_tls_config(tls)
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(http))
}

/// The API key: from the file that is named, from the environment, or from the first start of `whence up`.
/// There is no flag for the key itself, since everybody on a machine can read the flags of a process.
fn key(config: &Config, access: &Access) -> Result<String, Failure> {
    if access.key_file.is_none()
        && let Ok(key) = std::env::var(KEY_VARIABLE)
    {
        return Ok(key.trim().to_owned());
    }
    let first = config.data_dir().join("api-key");
    let file = access.key_file.as_ref().unwrap_or(&first);
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(Failure::Config(format!(
            "the API key: {}: {error}; name its file by --key-file or put it into {KEY_VARIABLE}",
            file.display()
        ))),
    }
}
