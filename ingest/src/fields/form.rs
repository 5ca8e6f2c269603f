//! Fields as a sender wrote them, from a query string, a JSON object or a row of a table, before anything is checked.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use thiserror::Error;
use url::form_urlencoded;

/// One value as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Raw {
    /// A value of a query string or of a table, which is always text.
    Text(String),
    /// A value of a JSON object. What is in a list or an object is left out: no field is one.
    Json(Value),
}

/// Names and values, in the sender's order, twice what is there twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form(pub(crate) Vec<(String, Raw)>);

/// The body is not a JSON object.
#[derive(Debug, Error)]
#[error("the body must be one JSON object: {0}")]
pub(crate) struct NoObject(serde_json::Error);

impl Form {
    /// Reads a query string; there is none that cannot be read.
    pub(crate) fn from_query(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), Raw::Text(value.into_owned())))
                .collect(),
        )
    }

    /// Reads a JSON object.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, NoObject> {
        serde_json::from_slice(body).map_err(NoObject)
    }
}

impl<'de> Deserialize<'de> for Form {
    /// Keeps fields that stand twice, which a map would silently merge.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Form;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Form, A::Error> {
                let mut form = Form::default();
                while let Some((name, Flat(value))) = map.next_entry()? {
                    form.0.push((name, Raw::Json(value)));
                }
                Ok(form)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A value without what is in it: a list of numbers would take many times the memory of its text.
struct Flat(Value);

impl<'de> Deserialize<'de> for Flat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Flat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: Error>(self) -> Result<Flat, E> {
                Ok(Flat(Value::Null))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Flat, E> {
                Ok(Flat(value.into()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Flat, E> {
                Ok(Flat(value.into()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Flat, E> {
                Ok(Flat(value.into()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Flat, E> {
                Ok(Flat(value.into()))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Flat, E> {
                Ok(Flat(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Flat, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Flat(Value::Array(Vec::new())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Flat, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Flat(Value::Object(serde_json::Map::new())))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_keep_order_and_repeats() {
        let form = Form::from_query("b=1&a=x%20y&b=2&c");
        let expected = [("b", "1"), ("a", "x y"), ("b", "2"), ("c", "")];
        assert_eq!(
            form.0,
            expected.map(|(n, v)| (n.to_owned(), Raw::Text(v.to_owned())))
        );
        let form = Form::from_json(br#"{"b":1,"a":null,"b":"2"}"#).unwrap();
        let expected = [("b", json!(1)), ("a", json!(null)), ("b", json!("2"))];
        assert_eq!(form.0, expected.map(|(n, v)| (n.to_owned(), Raw::Json(v))));
    }

    #[test]
    fn what_is_in_a_value_is_left_out() {
        let form =
            Form::from_json(br#"{"a":[1,{"b":2}],"c":{"d":[3]},"e":true,"f":-1.5}"#).unwrap();
        let expected = [
            ("a", json!([])),
            ("c", json!({})),
            ("e", json!(true)),
            ("f", json!(-1.5)),
        ];
        assert_eq!(form.0, expected.map(|(n, v)| (n.to_owned(), Raw::Json(v))));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "1", "{", "{\"a\":1} x", "\u{0}"] {
            let error = Form::from_json(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("one JSON object"), "{error}");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(Form::from_json(deep.as_bytes()).is_err());
    }
}
