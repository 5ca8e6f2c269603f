//! A link as somebody wants it: all of it for a new one, some of it for a change.

use jiff::Timestamp;
use serde_json::{Map, Value};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Object, ObjectBuilder, RefOr, Type};
use utoipa::{PartialSchema, ToSchema};
use whence_core::id::LinkId;
use whence_core::link::{Link, LinkSpec, PasswordHash};
use whence_core::password::{self, MAX_PASSWORD, PasswordError};
use whence_core::problem::Problem;
use whence_core::secret::Secret;

use super::desk::{Desk, Place};
use crate::fields::Body;

/// What the API neither shows nor takes, since whoever has it can guess at leisure.
const HIDDEN: &[&str] = &["password_hash"];

/// The highest learned weight, as high as an owner may set one.
const MOST_LEARNED: u32 = 1_000_000;

/// A link to be made, or to stand in an old one's place.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Where it shall stand.
    pub(super) place: Place,
    /// What it shall say.
    pub(super) spec: LinkSpec,
    /// The password it shall ask for.
    pub(super) password: Option<Secret>,
    /// What it was before, if it comes from somewhere else.
    pub(super) origin: Origin,
}

/// What a link was before it was imported.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// Its id, which it keeps where nobody else has it.
    pub(super) id: Option<LinkId>,
    /// When it was made.
    pub(super) created_at: Option<Timestamp>,
    /// When it was last changed.
    pub(super) updated_at: Option<Timestamp>,
    /// What its variants were found to be worth.
    pub(super) learned_weights: Vec<u32>,
}

impl Draft {
    /// Reads the fields of a new link.
    pub(super) async fn read(desk: &Desk, mut body: Body) -> Result<Self, Problem> {
        let draft = Self::of(desk, &mut body, Origin::default(), HIDDEN).await?;
        body.finish()?;
        Ok(draft.expect("whatever is missing is refused by finish"))
    }

    /// Reads a row of an export, here or elsewhere.
    pub(super) async fn read_row(desk: &Desk, mut body: Body) -> Result<Self, Problem> {
        for derived in ["short_url", "qr_url", "revision"] {
            body.read(derived, |_| Ok::<_, String>(()));
        }
        let origin = Origin {
            id: body.optional("id"),
            created_at: body.optional("created_at"),
            updated_at: body.optional("updated_at"),
            learned_weights: body.optional("learned_weights").unwrap_or_default(),
        };
        let draft = Self::of(desk, &mut body, origin, &[]).await?;
        if let Some(draft) = &draft {
            let (spec, learned) = (&draft.spec, &draft.origin.learned_weights);
            if spec
                .password_hash
                .as_ref()
                .is_some_and(|hash| !password::is_usable(hash))
            {
                body.wrong("password_hash", "is incomplete, or too costly to check");
            }
            if !learned.is_empty() && learned.len() != spec.variants.len() {
                body.wrong("learned_weights", "must be one for each variant");
            }
            let is_sound = learned.iter().any(|weight| *weight > 0)
                && learned.iter().all(|weight| *weight <= MOST_LEARNED);
            if !learned.is_empty() && !is_sound {
                body.wrong(
                    "learned_weights",
                    format!("must be at most {MOST_LEARNED} each, and not all 0"),
                );
            }
        }
        body.finish()?;
        Ok(draft.expect("whatever is missing is refused by finish"))
    }

    /// The draft, where all of it can be; what cannot be is noted in the body.
    async fn of(
        desk: &Desk,
        body: &mut Body,
        origin: Origin,
        hidden: &[&str],
    ) -> Result<Option<Self>, Problem> {
        let place = desk.place(body).await?;
        let password = body.read("password", secret).flatten();
        let spec = body.spec::<LinkSpec>(None, hidden);
        if let Some(spec) = &spec {
            body.check(desk.check(spec));
        }
        Ok(place.zip(spec).map(|(place, spec)| Self {
            place,
            spec,
            password,
            origin,
        }))
    }

    /// Hashes the password, once.
    pub(super) async fn seal(&mut self) -> Result<(), Problem> {
        if let Some(password) = self.password.take() {
            self.spec.password_hash = Some(hash(&password).await?);
        }
        Ok(())
    }

    /// As [`Self::seal`], but keeps the old link's hash where the password is the same, so that what is
    /// sent twice changes nothing the second time.
    pub(super) async fn seal_as(&mut self, old: Option<&PasswordHash>) -> Result<(), Problem> {
        if let (Some(password), Some(old)) = (&self.password, old)
            && password::verify(password, old)
                .await
                .map_err(password_problem)?
        {
            self.spec.password_hash = Some(old.clone());
            self.password = None;
        }
        self.seal().await
    }
}

/// What is to change of a link.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    fields: Map<String, Value>,
    /// The hash of the password among them, once it is known.
    sealed: Option<PasswordHash>,
}

impl Patch {
    /// What was sent. It is read when the link is there that it changes.
    pub(super) fn new(fields: Map<String, Value>) -> Self {
        Self {
            fields,
            sealed: None,
        }
    }

    /// What the link says after the change.
    pub(super) async fn over(&mut self, desk: &Desk, link: &Link) -> Result<LinkSpec, Problem> {
        let mut body = Body::of(self.fields.clone());
        for name in ["domain", "slug"] {
            body.read(name, |_| {
                Err::<(), _>("cannot be changed: people have shared it; make another link")
            });
        }
        let password = body.read("password", secret);
        let spec = body.spec(Some(&link.spec), HIDDEN);
        if let Some(spec) = &spec {
            body.check(desk.check_change(&link.spec, spec));
        }
        body.finish()?;
        let mut spec: LinkSpec = spec.expect("whatever is missing is refused by finish");
        match password {
            None => {}
            Some(None) => spec.password_hash = None,
            Some(Some(password)) => {
                if self.sealed.is_none() {
                    self.sealed = Some(hash(&password).await?);
                }
                spec.password_hash = self.sealed.clone();
            }
        }
        Ok(spec)
    }
}

fn secret(value: Value) -> Result<Option<Secret>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if (1..=MAX_PASSWORD).contains(&text.len()) => {
            Ok(Some(Secret::new(text)))
        }
        Value::String(_) => Err(PasswordError::Length.to_string()),
        _ => Err("must be a text, or null for none".into()),
    }
}

async fn hash(password: &Secret) -> Result<PasswordHash, Problem> {
    password::hash(password).await.map_err(password_problem)
}

fn password_problem(error: PasswordError) -> Problem {
    match error {
        PasswordError::Busy => Problem::unavailable(error.to_string(), 1),
        PasswordError::Length => crate::problems::field(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "password",
            error,
        ),
    }
}

/// A link to be made.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "described, and read field by field")]
pub(crate) struct NewLink {
    /// The host it stands on, one of the workspace's; its first where none is given.
    domain: Option<String>,
    /// The path it stands at, without the first `/`; random where none is given, the bare domain where
    /// it is empty.
    #[schema(max_length = 1024)]
    slug: Option<String>,
    /// The password that visitors are asked for. It is stored as a hash and never shown.
    #[schema(min_length = 1, max_length = 128, write_only)]
    password: Option<String>,
    /// What it says.
    #[serde(flatten)]
    spec: LinkSpec,
}

/// What is to change; what is left out stays.
#[derive(Debug)]
pub(crate) struct LinkChange;

impl PartialSchema for LinkChange {
    fn schema() -> RefOr<Schema> {
        let mut fields = match LinkSpec::schema() {
            RefOr::T(Schema::Object(fields)) => fields,
            _ => Object::new(),
        };
        fields.required.clear();
        fields.additional_properties = None;
        fields.description = Some(
            "What is to change: each field that is named is replaced whole, and null gives its default. What \
             is left out stays."
                .into(),
        );
        let password = ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::SchemaType::from_iter([
                Type::String,
                Type::Null,
            ]))
            .description(Some(
                "The password that visitors are asked for; null for none.",
            ))
            .write_only(true);
        fields
            .properties
            .insert("password".into(), RefOr::T(password.build().into()));
        fields.into()
    }
}

impl ToSchema for LinkChange {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        LinkSpec::schemas(schemas);
    }
}
