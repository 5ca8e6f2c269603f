//! In which form an answer is wanted, and the answer in it.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use whence_core::problem::Problem;

use super::accept::Media;
use super::column::Column;
use super::table::Table;
use super::{csv, lines, parquet};

/// In which form the caller wants the answer.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    media: Media,
    /// Where the answer was asked for by its address alone, so that the next page has one too.
    address: Option<Uri>,
}

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let accepts = parts.headers.get_all(header::ACCEPT).iter();
        let accepts = accepts.filter_map(|value| value.to_str().ok());
        let media = Media::chosen(accepts).ok_or_else(|| {
            let detail = format!(
                "reports are had as {}; the Accept header allows none of them",
                Media::names()
            );
            Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
        })?;
        let is_address = matches!(parts.method, Method::GET | Method::HEAD);
        Ok(Self {
            media,
            address: is_address.then(|| parts.uri.clone()),
        })
    }
}

impl Accepted {
    /// The answer of the report with this name in this form: an object with its table under `rows`.
    pub(crate) fn answer(self, name: &'static str, object: Value) -> Answer {
        Answer {
            accepted: self,
            name,
            object,
            columns: Vec::new(),
            table: "rows",
            rows: None,
        }
    }

    /// As [`answer`](Self::answer), of an object that is still one of ours.
    pub(crate) fn report(
        self,
        name: &'static str,
        object: &impl Serialize,
    ) -> Result<Answer, Problem> {
        let object = serde_json::to_value(object).map_err(|error| unwritten(name, &error))?;
        Ok(self.answer(name, object))
    }
}

/// An answer that is there and cannot be told.
fn unwritten(report: &'static str, error: &dyn std::error::Error) -> Problem {
    tracing::error!(report, %error, "a report could not be written");
    let detail = "the report could not be written in this form";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// A report's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    accepted: Accepted,
    name: &'static str,
    object: Value,
    columns: Vec<Column>,
    /// The field that has the table.
    table: &'static str,
    rows: Option<Vec<Value>>,
}

impl Answer {
    /// Names the fields that every row has, in their order; their columns stand without a row, too.
    pub(crate) fn columns(mut self, columns: Vec<Column>) -> Self {
        self.columns = columns;
        self
    }

    /// The object has its table in this field, and not under `rows`.
    pub(crate) fn under(mut self, table: &'static str) -> Self {
        self.table = table;
        self
    }

    /// Where the object has no table as it stands: the table.
    pub(crate) fn rows(mut self, rows: Vec<Value>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// The rows, and what the object says beside them.
    fn parted(
        object: Value,
        table: &'static str,
        rows: Option<Vec<Value>>,
    ) -> (Vec<Value>, Map<String, Value>) {
        let Value::Object(mut about) = object else {
            return (rows.unwrap_or_default(), Map::new());
        };
        let own = match about.remove(table) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        (rows.unwrap_or(own), about)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let media = self.accepted.media;
        let mut headers = HeaderMap::new();
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(next) = self.accepted.next(self.object.get("cursor")) {
            headers.insert(header::LINK, next);
        }
        if media == Media::Json {
            return (headers, Json(self.object)).into_response();
        }
        let (rows, about) = Self::parted(self.object, self.table, self.rows);
        say(&mut headers, rows.len(), &about);
        let file = match media {
            Media::Lines => Ok(lines::write(&rows)),
            Media::Parquet => parquet::write(&Table::new(&self.columns, rows), &about.into()),
            Media::Csv | Media::Json => Ok(csv::write(&Table::new(&self.columns, rows))),
        };
        let file = match file {
            Ok(file) => file,
            Err(error) => return unwritten(self.name, &error).into_response(),
        };
        let name = format!(
            "attachment; filename=\"{}.{}\"",
            self.name,
            media.extension()
        );
        let name = HeaderValue::try_from(name).expect("reports' names are a header's text");
        headers.insert(header::CONTENT_DISPOSITION, name);
        let kind = HeaderValue::from_static(media.content_type());
        headers.insert(header::CONTENT_TYPE, kind);
        (headers, file).into_response()
    }
}

impl Accepted {
    /// Where the page behind this one is, as RFC 8288 links to it.
    fn next(&self, cursor: Option<&Value>) -> Option<HeaderValue> {
        let (address, cursor) = (self.address.as_ref()?, cursor?.as_str()?);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let old = address.query().unwrap_or_default();
        let old = url::form_urlencoded::parse(old.as_bytes());
        query.extend_pairs(old.filter(|(name, _)| name != "cursor"));
        query.append_pair("cursor", cursor);
        let link = format!("<{}?{}>; rel=\"next\"", address.path(), query.finish());
        HeaderValue::try_from(link).ok()
    }
}

/// The header in which a part of the object goes that is not in the table, by its path there.
const SAID: [(&str, &[&str]); 13] = [
    ("whence-cursor", &["cursor"]),
    ("whence-groups", &["groups"]),
    ("whence-exact", &["exact"]),
    ("whence-traffic", &["traffic"]),
    ("whence-time-zone", &["time_zone"]),
    ("whence-from", &["range", "from"]),
    ("whence-to", &["range", "to"]),
    ("whence-from", &["from"]),
    ("whence-to", &["to"]),
    ("whence-last-click", &["freshness", "last_click"]),
    ("whence-last-conversion", &["freshness", "last_conversion"]),
    ("whence-rows-read", &["rows_read"]),
    ("whence-bytes-read", &["bytes_read"]),
];

/// Says in headers what a table has no place for.
fn say(headers: &mut HeaderMap, rows: usize, about: &Map<String, Value>) {
    headers.insert("whence-rows", rows.into());
    for (header, path) in SAID {
        let (first, rest) = path.split_first().expect("each path has a step");
        let found = about.get(*first);
        let found = found.and_then(|found| rest.iter().try_fold(found, |at, step| at.get(step)));
        let text = match found {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            _ => continue,
        };
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(HeaderName::from_static(header), value);
        }
    }
}
