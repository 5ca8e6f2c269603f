//! A question that stands in the address: the parameters of a GET, read as the body of a POST that says the same, so that one
//! reader serves both and what is wrong is told in the same words.
//!
//! Lists have commas between their values. A filter is `filter=dimension:test:value`, as often as conditions are to hold; what
//! needs *or* and *not* is for a body.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use whence_core::problem::Problem;

use super::{Body, NoQuery};

/// Fields that are lists of texts, in whichever report.
const LISTS: [&str; 7] = [
    "metrics",
    "dimensions",
    "breakdowns",
    "order",
    "models",
    "kinds",
    "kpis",
];
/// Fields that are numbers.
const NUMBERS: [&str; 3] = ["limit", "steps", "periods"];
/// Fields that are `true` or `false`.
const FLAGS: [&str; 2] = ["collapse", "rollups"];

/// What a report is asked: the body of a POST, or the parameters of a GET.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) Body);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(Self(of(request.uri().query().unwrap_or_default())));
        }
        let (mut parts, body) = request.into_parts();
        NoQuery::from_request_parts(&mut parts, state).await?;
        let request = Request::from_parts(parts, body);
        Body::from_request(request, state).await.map(Self)
    }
}

impl Asked {
    /// The same, where a field that other reports have a list of is one text.
    pub(crate) fn one(mut self, name: &str) -> Self {
        let of_name = self.0.left.iter_mut().filter(|(field, _)| field == name);
        for (_, value) in of_name {
            if let Value::Array(values) = value
                && let [one] = values.as_slice()
            {
                *value = one.clone();
            }
        }
        self
    }
}

/// The body that says what this query string does.
fn of(query: &str) -> Body {
    let mut body = Body::of(Map::new());
    let mut conditions = Vec::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        if name == "filter" {
            conditions.push(text);
            continue;
        }
        let value = if LISTS.contains(&name.as_str()) {
            list(&text)
        } else if NUMBERS.contains(&name.as_str()) {
            text.parse::<u64>().map_or(Value::String(text), Value::from)
        } else if FLAGS.contains(&name.as_str()) {
            text.parse::<bool>()
                .map_or(Value::String(text), Value::from)
        } else {
            Value::String(text)
        };
        body.left.push((name, value));
    }
    let mut parts = Vec::with_capacity(conditions.len());
    for (number, text) in conditions.iter().enumerate() {
        match condition(text) {
            Some(part) => parts.push(part),
            None => body.wrong(
                format!("filter.and[{number}]"),
                "must be a dimension, a test and a value with colons between them, such as channel:is:email",
            ),
        }
    }
    if !conditions.is_empty() && parts.len() == conditions.len() {
        let filter = json!({ "and": parts });
        body.left.push(("filter".to_owned(), filter));
    }
    body
}

/// `channel:in:email,sms`; the value may have colons itself.
fn condition(text: &str) -> Option<Value> {
    let mut parts = text.splitn(3, ':');
    let (dimension, test, value) = (parts.next()?, parts.next()?, parts.next()?);
    let value = match test {
        "in" | "not_in" => list(value),
        _ => Value::String(value.to_owned()),
    };
    Some(json!({ "dimension": dimension, test: value }))
}

fn list(text: &str) -> Value {
    text.split(',').map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(query: &str) -> Value {
        Value::Object(of(query).into_object())
    }

    #[test]
    fn an_address_says_what_a_body_does() {
        let address = "metrics=clicks,visitors&period=last_7_days&limit=5&filter=channel:is:email&filter=source:not_in:a,b\
                       &filter=referrer:contains:https://x.example/?a%3D1%26b&order=-clicks,channel&traffic=unique:30m";
        let body = json!({
            "metrics": ["clicks", "visitors"], "period": "last_7_days", "limit": 5, "order": ["-clicks", "channel"],
            "traffic": "unique:30m",
            "filter": {"and": [
                {"dimension": "channel", "is": "email"},
                {"dimension": "source", "not_in": ["a", "b"]},
                {"dimension": "referrer", "contains": "https://x.example/?a=1&b"},
            ]},
        });
        assert_eq!(object(address), body);
        assert_eq!(object(""), json!({}));
        assert_eq!(
            object("filter=tag:is:"),
            json!({"filter": {"and": [{"dimension": "tag", "is": ""}]}})
        );
        assert_eq!(
            object("limit=x"),
            json!({"limit": "x"}),
            "for the reader of limits to refuse"
        );
    }

    #[test]
    fn numbers_flags_and_single_texts_are_what_a_body_has() {
        let Asked(body) = Asked(of(
            "steps=3&periods=0&collapse=true&rollups=no&order=people&kinds=lead,sale",
        ))
        .one("order");
        let expected = json!({
            "steps": 3, "periods": 0, "collapse": true, "rollups": "no", "order": "people", "kinds": ["lead", "sale"],
        });
        assert_eq!(Value::Object(body.into_object()), expected);
    }

    #[test]
    fn what_is_no_condition_is_named_by_its_number() {
        for wrong in [
            "filter=a:is:b&filter=channel",
            "filter=a:is:b&filter=channel:is",
        ] {
            let problem = of(wrong).finish().unwrap_err();
            assert_eq!(problem.status(), 422);
            assert_eq!(problem.errors()[0].field, "filter.and[1]", "{problem:?}");
        }
    }

    #[test]
    fn twice_is_refused_and_unknown_too() {
        let mut body = of("limit=5&limit=6&nonsense=1");
        assert_eq!(
            body.read("limit", |value| value.as_u64().ok_or("must be a number")),
            Some(5)
        );
        let problem = format!("{:?}", body.finish().unwrap_err());
        assert!(
            problem.contains("is given twice") && problem.contains("nonsense"),
            "{problem}"
        );
    }
}
