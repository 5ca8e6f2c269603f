//! What the workspace says to every link of its: where links may stand, and where they may lead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use whence_core::domain::{Domain, DomainSpec};
use whence_core::link::{Host, LinkSpec, Slug, SpecError};
use whence_core::problem::Problem;
use whence_core::store::LinkStore;
use whence_core::workspace::{Workspace, WorkspaceId};

use super::slug;
use crate::api::Api;
use crate::fields::Body;
use crate::problems::store_problem;
use crate::workspace;

/// A workspace and those of its domains that are asked for, as they were a moment ago.
#[derive(Debug)]
pub(super) struct Desk {
    store: Arc<dyn LinkStore>,
    /// The workspace.
    workspace: Workspace,
    /// What has been asked for already; under no name the first one.
    domains: Mutex<HashMap<Option<Host>, Option<Arc<Domain>>>>,
}

/// Where a link shall stand.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The domain, without its documents.
    pub(super) domain: Arc<Domain>,
    /// Whether it was asked for by name.
    pub(super) is_domain_asked: bool,
    /// The slug; a random one where there is none.
    pub(super) slug: Option<Slug>,
}

impl Desk {
    /// Of the caller's workspace.
    pub(super) async fn of(api: &Api, id: &WorkspaceId) -> Result<Self, Problem> {
        let workspace = workspace::find(api, id).await?;
        Ok(Self {
            store: Arc::clone(&api.store),
            workspace,
            domains: Mutex::default(),
        })
    }

    /// The workspace's id.
    pub(super) fn id(&self) -> &WorkspaceId {
        &self.workspace.id
    }

    /// What cannot be of a link here.
    pub(super) fn check(&self, spec: &LinkSpec) -> Vec<SpecError> {
        spec.check(&self.workspace.allowed_schemes)
    }

    /// What cannot be of a link here that says `old` now.
    pub(super) fn check_change(&self, old: &LinkSpec, spec: &LinkSpec) -> Vec<SpecError> {
        spec.check_change(old, &self.workspace.allowed_schemes)
    }

    /// The workspace's domain of this name, or its first.
    async fn domain(&self, asked: Option<&Host>) -> Result<Option<Arc<Domain>>, Problem> {
        let known = || self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = asked.cloned();
        if let Some(domain) = known().get(&asked) {
            return Ok(domain.clone());
        }
        let found = match &asked {
            Some(host) => {
                let found = self.store.domain_at(host.as_str()).await;
                found.map(|found| found.map(|(domain, _)| domain))
            }
            None => {
                let all = self.store.domains(self.id()).await;
                all.map(|all| all.into_iter().next())
            }
        };
        let found = found
            .map_err(|error| store_problem(&error))?
            .filter(|domain| domain.workspace == *self.id())
            .map(|domain| Arc::new(without_documents(domain)));
        known().insert(asked, found.clone());
        Ok(found)
    }

    /// Reads `domain` and `slug`; the workspace's first domain where none is asked for.
    pub(super) async fn place(&self, body: &mut Body) -> Result<Option<Place>, Problem> {
        let is_sound = body.is_sound();
        let asked: Option<Host> = body.optional("domain");
        let slug: Option<Slug> = body.optional("slug");
        if is_sound && !body.is_sound() {
            return Ok(None);
        }
        let Some(domain) = self.domain(asked.as_ref()).await? else {
            body.wrong(
                "domain",
                match &asked {
                    Some(asked) => format!(
                        "{asked} is no domain of this workspace; claim it with POST /api/v1/domains"
                    ),
                    None => "the workspace has no domain yet; claim one with POST /api/v1/domains"
                        .into(),
                },
            );
            return Ok(None);
        };
        let slug = match slug.map(|slug| slug::chosen(&domain.spec, &slug)) {
            None => None,
            Some(Ok(slug)) => Some(slug),
            Some(Err(detail)) => {
                body.wrong("slug", detail);
                return Ok(None);
            }
        };
        Ok(Some(Place {
            domain,
            is_domain_asked: asked.is_some(),
            slug,
        }))
    }
}

/// What links need of a domain: a large request may name many.
fn without_documents(domain: Domain) -> Domain {
    let spec = domain.spec;
    Domain {
        spec: DomainSpec {
            case: spec.case,
            random_slugs: spec.random_slugs,
            reserved: spec.reserved,
            ..DomainSpec::default()
        },
        ..domain
    }
}
