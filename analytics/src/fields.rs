//! What a caller sent, field by field: everything that is wrong is told at once, each with its name,
//! and what nobody asked for is refused by name, because a misspelt field is a wish that is not met.
//!
//! What a value may be is for its type to say.

mod address;
mod spec;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;
use whence_core::body;
use whence_core::problem::{FieldProblem, Problem};

pub(crate) use address::Asked;

/// The longest body, in bytes, but for bulk edits and imports.
pub(crate) const LONGEST_BODY: usize = 1 << 20;
/// How much of an unknown field's name is told back.
const NAME_SHOWN: usize = 64;
/// How many unknown fields are told by name: an answer must not be many times its question.
const UNKNOWN_SHOWN: usize = 20;
/// How many things are told that are wrong.
const PROBLEMS_SHOWN: usize = 100;

/// Fields of a request, which are taken one by one.
#[derive(Debug)]
pub(crate) struct Fields<V> {
    left: Vec<(String, V)>,
    asked: Vec<&'static str>,
    problems: Vec<FieldProblem>,
    /// How a wrong field is answered.
    status: StatusCode,
}

/// The fields of a JSON object in the body.
pub(crate) type Body = Fields<Value>;

/// The parameters of the query string.
pub(crate) type Query = Fields<String>;

impl<V> Fields<V> {
    /// The field's value, read by `read`; nothing where it is not there, or wrong.
    pub(crate) fn read<T, E: Display>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(V) -> Result<T, E>,
    ) -> Option<T> {
        self.asked.push(name);
        let place = self.left.iter().position(|(field, _)| field == name)?;
        let (_, value) = self.left.swap_remove(place);
        match read(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error);
                None
            }
        }
    }

    /// As [`read`](Self::read), of a field with a structure of its own: the error says at which place in it.
    pub(crate) fn read_within<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(V) -> Result<T, (String, String)>,
    ) -> Option<T> {
        let mut place = String::new();
        let read = |value| {
            read(value).map_err(|(at, error)| {
                place = at;
                error
            })
        };
        let value = self.read(name, read);
        if let (None, Some(problem)) = (&value, self.problems.last_mut()) {
            problem.field.push_str(&place);
        }
        value
    }

    /// Something is wrong with a field.
    pub(crate) fn wrong(&mut self, name: impl Into<String>, detail: impl ToString) {
        self.problems.push(FieldProblem::new(name, detail));
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// Refuses the request if anything was wrong, or if there is something that nobody asked for.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let left = std::mem::take(&mut self.left);
        let more = left.len().saturating_sub(UNKNOWN_SHOWN);
        for (name, _) in left.into_iter().take(UNKNOWN_SHOWN) {
            let detail = if self.asked.contains(&name.as_str()) {
                "is given twice".to_owned()
            } else if self.asked.is_empty() {
                "is not known here; nothing is".to_owned()
            } else {
                format!("is not known here; known are: {}", self.asked.join(", "))
            };
            let shown: String = name
                .chars()
                .filter(|c| !c.is_control())
                .take(NAME_SHOWN)
                .collect();
            self.wrong(shown, detail);
        }
        if more > 0 {
            self.wrong("…", format!("and {more} more are not known here"));
        }
        let more = self.problems.len().saturating_sub(PROBLEMS_SHOWN);
        if more > 0 {
            self.problems.truncate(PROBLEMS_SHOWN);
            self.wrong("…", format!("and {more} more"));
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Problem::fields(self.status, self.problems))
        }
    }
}

impl Body {
    /// Reads a JSON object.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                format!("the body must be one JSON object: {error}"),
            )
        })?;
        Ok(Self::of(object))
    }

    /// The fields of an object that was read already.
    pub(crate) fn of(object: Map<String, Value>) -> Self {
        Self {
            left: object.into_iter().collect(),
            asked: Vec::new(),
            problems: Vec::new(),
            status: StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// All of it, to be read later.
    pub(crate) fn into_object(self) -> Map<String, Value> {
        self.left.into_iter().collect()
    }

    /// A field that must be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        if !self.left.iter().any(|(field, _)| field == name) {
            self.asked.push(name);
            self.wrong(name, "is required");
            return None;
        }
        self.read(name, serde_json::from_value)
    }

    /// A field that may be left out, or null, which means the same.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.read(name, serde_json::from_value::<Option<T>>)
            .flatten()
    }

    /// A field of a change: left out, it stays as it is.
    pub(crate) fn changed<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.read(name, serde_json::from_value)
    }
}

impl Query {
    /// Reads a query string; there is none that cannot be read.
    pub(crate) fn parse(query: &str) -> Self {
        Self {
            left: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            asked: Vec::new(),
            problems: Vec::new(),
            status: StatusCode::BAD_REQUEST,
        }
    }

    /// A parameter that may be left out.
    pub(crate) fn optional<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        self.read(name, |text| text.parse())
    }

    /// The parameters that nobody has taken yet, for who knows them by name; refuses what was wrong so far.
    pub(crate) fn rest(mut self) -> Result<Vec<(String, String)>, Problem> {
        let rest = std::mem::take(&mut self.left);
        self.finish().map(|()| rest)
    }

    /// A number between two bounds, both included.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Option<usize> {
        self.read(name, |text| match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("must be a number from {least} to {most}")),
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let sent = body::read(request.into_body(), LONGEST_BODY, body::PATIENCE).await?;
        Self::parse(&sent)
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// A value of a body that is a text of its own form.
pub(crate) fn text<T: FromStr<Err: Display>>(value: Value) -> Result<T, String> {
    match value {
        Value::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
        _ => Err("must be a text".to_owned()),
    }
}

/// A value of a body that is a number between two bounds, both included.
pub(crate) fn number(value: &Value, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let number = value.as_u64().filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        let (least, most) = bounds.into_inner();
        format!("must be a number from {least} to {most}")
    })
}

/// A value of a body that is true or false.
pub(crate) fn flag(value: Value) -> Result<bool, &'static str> {
    value.as_bool().ok_or("must be true or false")
}

/// For routes that take no parameters: refuses those that are sent.
#[derive(Debug)]
pub(crate) struct NoQuery;

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Query::from_request_parts(parts, state)
            .await?
            .finish()
            .map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use whence_core::link::{Destination, Label};

    use super::*;

    fn told(problem: &Problem) -> String {
        format!("{} {problem:?}", problem.status())
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = br#"{"destination": "x/", "channel": 5, "chanel": "a", "program": null}"#;
        let mut body = Body::parse(text).unwrap();
        assert_eq!(body.required::<Destination>("destination"), None);
        assert_eq!(body.optional::<Label>("channel"), None);
        assert_eq!(body.optional::<Label>("program"), None);
        assert_eq!(body.required::<Label>("slug"), None);
        let problem = told(&body.finish().unwrap_err());
        assert!(problem.starts_with("422"), "{problem}");
        for (field, detail) in [
            ("destination", "absolute URL"),
            ("channel", "expected a string"),
            ("chanel", "known are: destination, channel, program, slug"),
            ("slug", "is required"),
        ] {
            assert!(
                problem.contains(&format!("{field:?}")) && problem.contains(detail),
                "{problem}"
            );
        }
        assert!(
            !problem.contains("\"program\""),
            "null is left out: {problem}"
        );
    }

    #[test]
    fn a_change_tells_null_from_left_out() {
        let mut body = Body::parse(br#"{"channel": null}"#).unwrap();
        assert_eq!(body.changed::<Option<Label>>("channel"), Some(None));
        assert_eq!(body.changed::<Option<Label>>("campaign"), None);
        assert!(body.finish().is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "5", "{", "{} {}"] {
            let problem = Body::parse(text.as_bytes()).unwrap_err();
            assert_eq!(problem.status(), 400, "{text:?}");
            assert!(problem.detail().contains("one JSON object"), "{problem:?}");
        }
    }

    #[test]
    fn a_parameter_twice_or_unknown_is_refused() {
        let mut query = Query::parse("limit=5&limit=6&nonsense=1&a%00b=2");
        assert_eq!(query.number("limit", 1, 10), Some(5));
        let problem = told(&query.finish().unwrap_err());
        assert!(problem.starts_with("400"), "{problem}");
        assert!(
            problem.contains("is given twice") && problem.contains("\"nonsense\""),
            "{problem}"
        );
        assert!(problem.contains("\"ab\""), "{problem}");
    }

    #[test]
    fn many_unknown_fields_are_told_in_short() {
        let fields: Vec<_> = (0..5000).map(|n| format!(r#""f{n}":1"#)).collect();
        let mut body = Body::parse(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap();
        assert_eq!(body.optional::<Label>("channel"), None);
        let problem = told(&body.finish().unwrap_err());
        assert_eq!(
            problem.matches("known are: channel").count(),
            21,
            "{problem}"
        );
        assert!(
            problem.contains("and 4980 more are not known here"),
            "{problem}"
        );
    }

    #[test]
    fn numbers_have_bounds() {
        for text in ["limit=0", "limit=11", "limit=-1", "limit=ten", "limit="] {
            let mut query = Query::parse(text);
            assert_eq!(query.number("limit", 1, 10), None);
            let problem = told(&query.finish().unwrap_err());
            assert!(
                problem.contains("must be a number from 1 to 10"),
                "{problem}"
            );
        }
    }
}
