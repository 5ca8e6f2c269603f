//! Changing a domain: how its slugs are told apart and made, and how it answers where no link does.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};
use whence_core::domain::{Domain, DomainSpec, SlugCase};
use whence_core::key::Right;
use whence_core::link::{Link, Slug};
use whence_core::problem::Problem;
use whence_core::store::ChangeError;

use super::{DomainView, Name, answer, find, links, logo, refusal};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field};
use crate::revision::{Wanted, contended};
use crate::workspace;

/// How often a change is tried again after somebody else's came first.
const TRIES: usize = 5;
/// How many links with capitals are named.
const NAMED: usize = 5;

/// What is to change; what is left out stays, and null gives the default.
#[derive(Debug)]
pub(crate) struct DomainChange;

impl PartialSchema for DomainChange {
    fn schema() -> RefOr<Schema> {
        match DomainSpec::schema() {
            RefOr::T(Schema::Object(mut fields)) => {
                fields.required.clear();
                fields.additional_properties = None;
                fields.description = Some(
                    "What is to change: each field that is named is replaced whole, and null gives its \
                     default. What is left out stays."
                        .into(),
                );
                fields.into()
            }
            other => other,
        }
    }
}

impl ToSchema for DomainChange {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        DomainSpec::schemas(schemas);
    }
}

/// Changes a domain. With `If-Match` only if it is still at that revision.
#[utoipa::path(
    patch, path = "/api/v1/domains/{host}", tag = "domains", request_body = DomainChange,
    params(
        ("host" = String, Path, description = "The domain's host name"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses((status = 200, body = DomainView, headers(("ETag" = String, description = "The revision"))), Refusals),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Name(host): Name,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = caller.with(Right::Links)?;
    let wanted = Wanted::read(&headers)?;
    let fields = body.into_object();
    let allowed = workspace::find(&api, id).await?.allowed_schemes;
    for _ in 0..TRIES {
        let old = find(&api, id, &host).await?;
        wanted.check(old.revision)?;
        let mut body = Body::of(fields.clone());
        body.read("host", |_: Value| {
            Err::<(), _>("cannot be changed; claim the other one")
        });
        let spec = body.spec(Some(&old.spec), &[]);
        if let Some(spec) = &spec {
            check(&mut body, &old.spec, spec);
            body.check(spec.check_change(&old.spec, &allowed));
        }
        body.finish()?;
        let mut spec: DomainSpec = spec.expect("whatever is missing is refused by finish");
        if spec.case == SlugCase::Insensitive {
            fold(&mut spec)?;
            if old.spec.case == SlugCase::Sensitive {
                no_capitals(&api, &old, &spec).await?;
            }
        }
        let is_folded = spec.case == SlugCase::Insensitive && old.spec.case == SlugCase::Sensitive;
        let new = Domain {
            spec,
            revision: old.revision + 1,
            ..old.clone()
        };
        match api.store.change_domain(&new).await {
            Ok(()) if is_folded => return folded(&api, old, new).await,
            Ok(()) => return Ok(answer(StatusCode::OK, new)),
            Err(ChangeError::Revision { .. }) if wanted.is_any() => {}
            Err(error) => return Err(refusal(&error)),
        }
    }
    Err(contended())
}

/// Looks once more for links with capitals, which may have been made while the case still told them apart; where
/// there are some, all is as it was.
async fn folded(api: &Api, old: Domain, new: Domain) -> Result<Response, Problem> {
    let Err(problem) = no_capitals(api, &new, &new.spec).await else {
        return Ok(answer(StatusCode::OK, new));
    };
    let back = Domain {
        revision: new.revision + 1,
        ..old
    };
    match api.store.change_domain(&back).await {
        Ok(()) => Err(problem),
        Err(error) => Err(refusal(&error)),
    }
}

/// What the spec cannot say of itself.
fn check(body: &mut Body, old: &DomainSpec, new: &DomainSpec) {
    if let Some(text) = &new.logo
        && old.logo != new.logo
        && let Err(error) = logo(text)
    {
        body.wrong("logo", error);
    }
}

/// Reserved slugs are compared as links have theirs.
fn fold(spec: &mut DomainSpec) -> Result<(), Problem> {
    let wrong = |error| field(StatusCode::UNPROCESSABLE_ENTITY, "reserved", error);
    let folded: Result<Vec<Slug>, _> = spec
        .reserved
        .iter()
        .map(|slug| spec.canonical(slug.as_str()).parse())
        .collect();
    spec.reserved = folded.map_err(wrong)?;
    Ok(())
}

/// Refuses to ignore case where links have been shared that would not be found any more.
async fn no_capitals(api: &Api, domain: &Domain, spec: &DomainSpec) -> Result<(), Problem> {
    let has_capitals = |link: &Link| spec.canonical(link.slug.as_str()) != link.slug.as_str();
    let (workspace, host) = (&domain.workspace, &domain.host);
    let found = links::some(api, workspace, host, NAMED + 1, has_capitals).await?;
    if found.is_empty() {
        return Ok(());
    }
    let more = if found.len() > NAMED {
        " and others"
    } else {
        ""
    };
    let slugs: Vec<_> = found.iter().map(|link| format!("/{}", link.slug)).collect();
    let detail = format!(
        "cannot become insensitive: the links at {}{more} have capitals and would not be found any more",
        slugs[..slugs.len().min(NAMED)].join(", ")
    );
    Err(field(StatusCode::CONFLICT, "case", detail))
}
