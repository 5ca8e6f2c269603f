//! The fields of what is stored as it is sent: a link's spec, a domain's.
//!
//! Read as a whole, which says no more than the first thing that is wrong. Where something is, each field
//! is read by itself, so that all is told at once, with its place: `rules[2].when.all[0].country`.

use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::{Map, Value, json};
use whence_core::domain::DomainSpec;
use whence_core::link::{LinkSpec, SpecError};

use super::Body;

/// What is stored as it is sent.
pub(crate) trait Spec: DeserializeOwned + Serialize {
    /// The fields that must be there, with values that could be.
    fn required() -> Value;
}

impl Spec for LinkSpec {
    fn required() -> Value {
        json!({"destination": "https://example.com/"})
    }
}

impl Spec for DomainSpec {
    fn required() -> Value {
        json!({})
    }
}

impl Body {
    /// The fields of a `T`: those that were sent, laid over those of `old`. One that was sent replaces
    /// the old one whole; null gives the default. Names in `hidden` are not known here.
    pub(crate) fn spec<T: Spec>(&mut self, old: Option<&T>, hidden: &[&str]) -> Option<T> {
        let names = names::<T>();
        let is_known = |name: &str| names.contains(&name) && !hidden.contains(&name);
        let (sent, left) = std::mem::take(&mut self.left)
            .into_iter()
            .partition(|(name, _)| is_known(name));
        self.left = left;
        self.asked
            .extend(names.iter().copied().filter(|name| is_known(name)));
        let sent: Vec<(String, Value)> = sent;

        let mut whole = old.map(object).unwrap_or_default();
        for (name, value) in &sent {
            lay(&mut whole, name, value);
        }
        let error = match read::<T>(whole.clone()) {
            Ok(spec) => return Some(spec),
            Err(error) => error,
        };
        let told = self.problems.len();
        let Value::Object(required) = T::required() else {
            unreachable!("what is required are fields of an object");
        };
        for name in required.keys().filter(|name| !whole.contains_key(*name)) {
            self.wrong(name, "is required");
        }
        for (name, value) in sent.iter().filter(|(_, value)| !value.is_null()) {
            let mut alone = required.clone();
            lay(&mut alone, name, value);
            if let Err((place, detail)) = read::<T>(alone) {
                self.wrong(place.unwrap_or_else(|| name.clone()), detail);
            }
        }
        if self.problems.len() == told {
            // Nothing by itself, so it lies in how they stand together.
            let (place, detail) = error;
            self.wrong(place.unwrap_or_default(), detail);
        }
        None
    }

    /// Notes what cannot be of a spec whose fields each could.
    pub(crate) fn check(&mut self, errors: Vec<SpecError>) {
        for error in errors {
            self.wrong(error.field, error.message);
        }
    }
}

fn lay(object: &mut Map<String, Value>, name: &str, value: &Value) {
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value.clone());
    }
}

fn object<T: Serialize>(spec: &T) -> Map<String, Value> {
    match serde_json::to_value(spec) {
        Ok(Value::Object(object)) => object,
        _ => unreachable!("a spec is written as an object"),
    }
}

/// Reads a spec, or says where and why not; the place is none where it is the object itself.
fn read<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, (Option<String>, String)> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let place = error.path().to_string();
        let place = (error.path().iter().len() > 0).then_some(place);
        (place, error.into_inner().to_string())
    })
}

/// The names of a struct's fields, which its own reading announces.
fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    let _ = T::deserialize(Announced(&mut names));
    names
}

/// Notes the fields that a struct asks for, and gives none.
struct Announced<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Announced<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("only structs announce their fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    fn errors(old: Option<&LinkSpec>, sent: Value) -> Vec<(String, String)> {
        let mut body = Body::parse(sent.to_string().as_bytes()).unwrap();
        let spec = body.spec::<LinkSpec>(old, &["password_hash"]);
        let problem = match body.finish() {
            Ok(()) => {
                assert!(spec.is_some());
                return Vec::new();
            }
            Err(problem) => problem,
        };
        let errors = problem.errors().iter();
        errors
            .map(|error| (error.field.clone(), error.detail.clone()))
            .collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let told = errors(
            None,
            json!({
                "status": 303, "tags": ["a", "b,c"], "max_clicks": 0, "colour": "red", "password_hash": "x",
                "rules": [{"when": {"all": [{"country": ["DE", "Germany"]}]}, "destination": "https://a.example/"}],
                "ios": {"store_url": "https://a.example/"}, "utm": {"sauce": "x"},
            }),
        );
        for (field, detail) in [
            ("destination", "is required"),
            ("status", "must be 301, 302, 307 or 308"),
            ("tags[1]", "must not hold a comma"),
            ("max_clicks", "nonzero"),
            ("rules[0].when.all[0].country[1]", "country code"),
            ("ios", "missing field `destination`"),
            ("utm.sauce", "unknown field `sauce`"),
            ("colour", "is not known here"),
            ("password_hash", "is not known here"),
        ] {
            assert!(
                told.iter().any(|(f, d)| f == field && d.contains(detail)),
                "{field}: {told:?}"
            );
        }
        assert_eq!(told.len(), 9, "{told:?}");
    }

    #[test]
    fn what_is_sent_replaces_and_null_gives_the_default() {
        let old: LinkSpec = serde_json::from_value(json!({
            "destination": "https://a.example/", "status": 307, "channel": "Email", "utm": {"source": "a", "term": "b"},
        }))
        .unwrap();
        let sent = json!({"status": null, "utm": {"source": "c"}, "title": "T"});
        let mut body = Body::parse(sent.to_string().as_bytes()).unwrap();
        let new = body.spec(Some(&old), &[]).unwrap();
        let expected: LinkSpec = serde_json::from_value(json!({
            "destination": "https://a.example/", "channel": "Email", "utm": {"source": "c"}, "title": "T",
        }))
        .unwrap();
        assert_eq!(new, expected);
        assert!(body.finish().is_ok());
        let told = errors(Some(&old), json!({"destination": null}));
        assert_eq!(told, [("destination".into(), "is required".into())]);
    }

    #[test]
    fn fields_announce_themselves() {
        assert!(names::<LinkSpec>().contains(&"forward_query"));
        assert!(names::<DomainSpec>().contains(&"random_slugs"));
        assert_eq!(names::<IgnoredAny>(), [""; 0]);
    }
}
