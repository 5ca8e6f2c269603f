//! One request, read from its URL and headers: what to run, as whom, and in which form to answer.
//!
//! What this adapter does not have is refused here by name. The body is read elsewhere.

mod credentials;
mod form;
mod pairs;

use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

pub(super) use credentials::{Account, Credentials};

use super::codec::Coding;
use super::connection::Parameters;
use super::exception::Exception;

/// What a client may ask to be held back before the first byte is sent.
const LARGEST_BUFFER: usize = 64 << 20;
/// What is held back at least: the server's own buffer. Errors within it still get a status.
const SMALLEST_BUFFER: usize = 1 << 20;

/// A request's URL and headers.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The text in the URL.
    pub(super) query: Vec<u8>,
    /// The database to use.
    pub(super) database: Option<Vec<u8>>,
    /// The format where the statement names none.
    pub(super) format: Option<String>,
    /// Values of placeholders.
    pub(super) parameters: Parameters,
    /// Settings for this statement.
    pub(super) settings: Vec<(String, Vec<u8>)>,
    /// The client's name for the query.
    pub(super) query_id: Option<String>,
    /// Who asks.
    pub(super) credentials: Credentials,
    /// Whether nothing may be changed.
    pub(super) read_only: bool,
    /// Answer in ClickHouse's own frames.
    pub(super) compress: bool,
    /// The body is in ClickHouse's own frames.
    pub(super) decompress: bool,
    /// What the body is packed with.
    pub(super) body_coding: Option<Coding>,
    /// What the answer is packed with.
    pub(super) response_coding: Option<Coding>,
    /// Hold the whole answer back until the query has ended.
    pub(super) wait_end: bool,
    /// How many bytes to hold back at least.
    pub(super) buffer: usize,
    /// The boundary of the fields, where the body is a form of further parameters.
    pub(super) form: Option<String>,
}

/// Parameters and headers of the server that have no meaning without what this adapter leaves out.
const REFUSED: &[(&str, &str)] = &[
    ("session_id", "there are no sessions"),
    ("session_timeout", "there are no sessions"),
    ("session_check", "there are no sessions"),
    ("close_session", "there are no sessions"),
    ("role", "there is one user"),
    ("quota_key", "there are no quotas"),
];

const REFUSED_HEADERS: &[(&str, &str)] = &[
    ("x-clickhouse-quota", "there are no quotas"),
    ("x-clickhouse-ssl-certificate-auth", "there is no TLS"),
];

impl Request {
    /// Reads a request.
    pub(super) fn read(parts: &Parts) -> Result<Self, Exception> {
        let mut request = Self {
            read_only: matches!(parts.method, Method::GET | Method::HEAD),
            buffer: SMALLEST_BUFFER,
            ..Self::default()
        };
        let mut packed_response = true;
        for (name, value) in pairs::decode(parts.uri.query().unwrap_or_default()) {
            request.parameter(&name, value, &mut packed_response)?;
        }
        request.headers(&parts.headers)?;
        if packed_response {
            request.response_coding = Coding::of_response(text(&parts.headers, "accept-encoding")?);
        }
        Ok(request)
    }

    fn parameter(
        &mut self,
        name: &[u8],
        value: Vec<u8>,
        packed_response: &mut bool,
    ) -> Result<(), Exception> {
        let name = std::str::from_utf8(name).map_err(|_| {
            Exception::bad_arguments("the name of a parameter in the URL is not UTF-8")
        })?;
        if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(Exception::not_implemented(format!(
                "the parameter '{name}' is not supported by the embedded ClickHouse: {reason}"
            )));
        }
        match name {
            "query" => self.query = value,
            "database" => self.database = Some(value),
            "default_format" => self.format = Some(pairs::word(name, value)?),
            "user" => self.credentials.url_user = Some(value),
            "password" => self.credentials.url_password = Some(value),
            "query_id" => self.query_id = Some(pairs::word(name, value)?),
            "compress" => self.compress = pairs::flag(name, &value)?,
            "decompress" => self.decompress = pairs::flag(name, &value)?,
            "enable_http_compression" => *packed_response = pairs::flag(name, &value)?,
            "wait_end_of_query" | "http_wait_end_of_query" => {
                self.wait_end = pairs::flag(name, &value)?
            }
            "buffer_size" | "http_response_buffer_size" => {
                self.buffer = pairs::number(name, &value)?.clamp(SMALLEST_BUFFER, LARGEST_BUFFER);
            }
            // Without meaning here: errors carry no stack trace, and Native has one revision. Both
            // are hints which a server, too, may answer by doing nothing.
            "stacktrace" | "client_protocol_version" => {}
            _ => match name.strip_prefix("param_") {
                Some(parameter) => self
                    .parameters
                    .0
                    .push((parameter.as_bytes().to_vec(), value)),
                None if is_setting(name) => self.settings.push((name.to_owned(), value)),
                None => {
                    return Err(Exception::unknown_setting(format!(
                        "Unknown setting '{}'",
                        name.escape_debug()
                    )));
                }
            },
        }
        Ok(())
    }

    fn headers(&mut self, headers: &HeaderMap) -> Result<(), Exception> {
        for (name, reason) in REFUSED_HEADERS {
            if headers.contains_key(*name) {
                return Err(Exception::not_implemented(format!(
                    "the header '{name}' is not supported by the embedded ClickHouse: {reason}"
                )));
            }
        }
        if let Some(kind) = text(headers, "content-type")?
            && kind.starts_with("multipart/")
        {
            let boundary = multer::parse_boundary(kind).map_err(|error| {
                Exception::bad_arguments(format!("the body is no form that can be read: {error}"))
            })?;
            self.form = Some(boundary);
        }
        if let Some(database) = text(headers, "x-clickhouse-database")? {
            self.database = Some(database.as_bytes().to_vec());
        }
        if let Some(format) = text(headers, "x-clickhouse-format")? {
            self.format = Some(format.to_owned());
        }
        if let Some(id) = text(headers, "x-clickhouse-query-id")? {
            self.query_id.get_or_insert_with(|| id.to_owned());
        }
        self.body_coding = Coding::of_body(text(headers, "content-encoding")?)?;
        self.credentials.headers(headers)
    }
}

/// A header as text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Exception> {
    headers
        .get(name)
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| {
            Exception::bad_arguments(format!(
                "the header '{name}' has characters that are not visible ASCII"
            ))
        })
}

/// Whether a name can be a setting's at all; whether it is one is for the engine to say.
fn is_setting(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(target: &str, headers: &[(&str, &str)]) -> Result<Request, Exception> {
        let mut builder = hyper::Request::post(target);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Request::read(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_url_is_taken_apart() {
        let request = read(
            "/?query=SELECT+%7Ba%3AInt8%7D&param_a=%2B1&database=d%60b&max_threads=2&compress=1&decompress=true&query_id=q-1&buffer_size=3000000&wait_end_of_query=1&&default_format=JSON",
            &[],
        )
        .unwrap();
        assert_eq!(request.query, b"SELECT {a:Int8}");
        assert_eq!(request.parameters.0, [(b"a".to_vec(), b"+1".to_vec())]);
        assert_eq!(request.database.as_deref(), Some(&b"d`b"[..]));
        assert_eq!(
            request.settings,
            [("max_threads".to_owned(), b"2".to_vec())]
        );
        assert!(request.compress && request.decompress && request.wait_end && !request.read_only);
        assert_eq!(
            (request.buffer, request.format.as_deref()),
            (3_000_000, Some("JSON"))
        );
    }

    #[test]
    fn headers_win_over_the_url_where_the_server_has_it_so() {
        let headers = [
            ("X-ClickHouse-Database", "h"),
            ("X-ClickHouse-Format", "CSV"),
            ("Accept-Encoding", "gzip"),
        ];
        let request = read("/?database=u&default_format=TSV", &headers).unwrap();
        assert_eq!(
            (request.database.as_deref(), request.format.as_deref()),
            (Some(&b"h"[..]), Some("CSV"))
        );
        assert_eq!(request.response_coding, Some(Coding::Gzip));
        assert_eq!(
            read("/?enable_http_compression=0", &headers)
                .unwrap()
                .response_coding,
            None
        );
    }

    #[test]
    fn what_is_missing_here_is_refused_by_name() {
        for (target, headers, code, named) in [
            ("/?session_id=a", &[][..], 48, "session_id"),
            ("/?role=a", &[], 48, "role"),
            (
                "/",
                &[("X-ClickHouse-Quota", "a")],
                48,
                "x-clickhouse-quota",
            ),
            ("/", &[("Content-Type", "multipart/mixed")], 36, "form"),
            ("/", &[("Content-Encoding", "br")], 48, "'br'"),
            ("/?a%27b=1", &[], 115, "a\\'b"),
            ("/?compress=maybe", &[], 36, "compress"),
            ("/?buffer_size=-1", &[], 36, "buffer_size"),
            ("/?%ff=1", &[], 36, "UTF-8"),
            ("/?query_id=a%0ab", &[], 36, "query_id"),
        ] {
            let error = read(target, headers).unwrap_err();
            assert!(
                error.code == code && error.message.contains(named),
                "{target}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_url_makes_it_panic(query in "[ -~&&[^#<>\"{}|\\\\^`]]{0,60}") {
            if let Ok(request) = hyper::Request::get(format!("/?{query}").replace(' ', "+")).body(()) {
                let _ = Request::read(&request.into_parts().0);
            }
        }
    }
}
