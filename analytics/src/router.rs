//! Which path leads to which handler, and what stands around all of them.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;
use crate::{
    attribution, audit, cohorts, dashboard, domains, door, funnel, kpis, links, metrics, openapi,
    paths, problems, query, reports, workspace,
};

/// The routes that need a key, and their description.
pub(crate) fn described() -> (Router<Arc<Api>>, OpenApi) {
    let (routes, mut description) = OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(links::create, links::list))
        .routes(routes!(links::bulk))
        .routes(routes!(links::export))
        .routes(routes!(links::import))
        .routes(routes!(links::by_external_id, links::put))
        .routes(routes!(links::read, links::change, links::delete))
        .routes(routes!(links::drawn, links::drawn_with_logo))
        .routes(routes!(domains::claim, domains::list))
        .routes(routes!(domains::read, domains::change, domains::release))
        .routes(routes!(workspace::read, workspace::change))
        .routes(routes!(reports::clicks::clicks))
        .routes(routes!(reports::breakdown::breakdown))
        .routes(routes!(query::route::query, query::route::query_by_address))
        .routes(routes!(
            query::overview::route::overview,
            query::overview::route::overview_by_address
        ))
        .routes(routes!(funnel::route::asked, funnel::route::linked))
        .routes(routes!(
            attribution::report::attribution,
            attribution::report::attribution_by_address
        ))
        .routes(routes!(attribution::explain::explain))
        .routes(routes!(kpis::route::kpis, kpis::route::kpis_by_query))
        .routes(routes!(paths::route::paths, paths::route::paths_by_address))
        .routes(routes!(
            cohorts::route::cohorts_of_people,
            cohorts::route::cohorts_by_address
        ))
        .routes(routes!(
            cohorts::referred::referred,
            cohorts::referred::referred_by_address
        ))
        .routes(routes!(audit::route::audit))
        .split_for_parts();
    openapi::open_parts(&mut description);
    (routes, description)
}

/// The whole application.
pub(crate) fn app(api: Arc<Api>) -> Router {
    let (routes, description) = described();
    let text: Arc<str> = description
        .to_json()
        .expect("the description is JSON")
        .into();
    routes
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            door::let_in,
        ))
        .route(
            openapi::PATH,
            get(async move |_: crate::fields::NoQuery| openapi::answer(&text)),
        )
        .merge(dashboard::routes())
        .fallback(problems::no_route)
        .method_not_allowed_fallback(problems::no_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            metrics::count,
        ))
        .with_state(api)
}
