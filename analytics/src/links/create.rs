//! Making a link: never over another one.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use utoipa::ToSchema;
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::link::{Destination, Host, Label, Link, RedirectStatus, Slug};
use whence_core::problem::Problem;
use whence_core::store::CreateError;
use whence_core::workspace::WorkspaceId;

use super::view::LinkView;
use super::{answer, slug};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::{Body, NoQuery};
use crate::problems::{Refusals, field, store_problem};

/// How often another random slug or id is tried: one in a thousand is taken at worst, so that all of
/// these are taken never.
const TRIES: usize = 8;

/// A link to be made.
#[derive(Debug, ToSchema)]
pub(crate) struct NewLink {
    /// The host it stands on, one of the workspace's; its first where none is given.
    #[schema(value_type = Option<String>)]
    domain: Option<Host>,
    /// The path it stands at, without the first `/`; random where none is given, the bare domain where
    /// it is empty.
    #[schema(value_type = Option<String>, max_length = 1024)]
    slug: Option<Slug>,
    /// Where it leads: an http or https URL.
    #[schema(value_type = String, max_length = 4096)]
    destination: Destination,
    /// How the redirect is answered: 301, 302 (the default), 307 or 308.
    #[schema(value_type = Option<u16>, example = 302)]
    status: Option<RedirectStatus>,
    /// The channel it is made for, such as WhatsApp.
    #[schema(value_type = Option<String>, max_length = 128)]
    channel: Option<Label>,
    /// The campaign its clicks count for.
    #[schema(value_type = Option<String>, max_length = 128)]
    campaign: Option<Label>,
    /// The referral program it belongs to.
    #[schema(value_type = Option<String>, max_length = 128)]
    program: Option<Label>,
    /// The advocate who shares it.
    #[schema(value_type = Option<String>, max_length = 128)]
    advocate: Option<Label>,
}

impl NewLink {
    fn read(mut body: Body) -> Result<Self, Problem> {
        let domain = body.optional("domain");
        let slug = body.optional("slug");
        let destination = body.required("destination");
        let status = body.optional("status");
        let channel = body.optional("channel");
        let campaign = body.optional("campaign");
        let program = body.optional("program");
        let advocate = body.optional("advocate");
        body.finish()?;
        Ok(Self {
            domain,
            slug,
            destination: destination.expect("a missing field is refused by finish"),
            status,
            channel,
            campaign,
            program,
            advocate,
        })
    }
}

/// Makes a link; refuses a domain and slug that are taken.
#[utoipa::path(
    post, path = "/api/v1/links", tag = "links", request_body = NewLink,
    responses((status = 201, body = LinkView, headers(
        ("Location" = String, description = "The link's path in this API"),
        ("ETag" = String, description = "The revision"),
    )), Refusals),
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    _: NoQuery,
    body: Body,
) -> Result<Response, Problem> {
    let workspace = caller.with(Right::Links)?;
    let new = NewLink::read(body)?;
    let domain = domain(&api, workspace, new.domain.as_ref()).await?;
    let now = Timestamp::now();
    let mut link = Link {
        id: fresh_id(now),
        workspace: workspace.clone(),
        domain,
        slug: new.slug.clone().unwrap_or_else(slug::random),
        destination: new.destination,
        status: new.status.unwrap_or_default(),
        channel: new.channel,
        campaign: new.campaign,
        program: new.program,
        advocate: new.advocate,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    for _ in 0..TRIES {
        match api.store.create_link(&link).await {
            Ok(()) => {
                let mut response = answer(StatusCode::CREATED, &link, &api);
                let location = HeaderValue::try_from(format!("/api/v1/links/{}", link.id))
                    .expect("an id needs no escaping");
                response.headers_mut().insert(header::LOCATION, location);
                return Ok(response);
            }
            Err(CreateError::IdTaken) => link.id = fresh_id(now),
            Err(CreateError::SlugTaken) if new.slug.is_none() => link.slug = slug::random(),
            Err(CreateError::SlugTaken) => {
                let detail = format!("is taken: {} has a link there already", link.domain);
                return Err(field(StatusCode::CONFLICT, "slug", detail));
            }
            Err(CreateError::Store(error)) => return Err(store_problem(&error)),
        }
    }
    Err(Problem::unavailable("no free slug was found", 1))
}

/// The domain asked for, if it is the workspace's, or else the workspace's first.
async fn domain(api: &Api, workspace: &WorkspaceId, asked: Option<&Host>) -> Result<Host, Problem> {
    let domains = api.store.domains(workspace).await;
    let domains = domains.map_err(|e| store_problem(&e))?;
    let wrong = |detail: String| field(StatusCode::UNPROCESSABLE_ENTITY, "domain", detail);
    match asked {
        Some(asked) if domains.contains(asked) => Ok(asked.clone()),
        Some(asked) => Err(wrong(format!(
            "{asked} is no domain of this workspace; claim it with POST /api/v1/domains"
        ))),
        None => domains.first().cloned().ok_or_else(|| {
            wrong("the workspace has no domain yet; claim one with POST /api/v1/domains".into())
        }),
    }
}

fn fresh_id(now: Timestamp) -> LinkId {
    // Seconds fit until 2106.
    LinkId::random(u32::try_from(now.as_second()).unwrap_or(u32::MAX))
}
