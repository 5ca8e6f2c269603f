//! The API's own description: OpenAPI 3.1, made from the handlers.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, RefOr, Schema,
};

use crate::problems;

/// Where the description is; it needs no key.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// What stands around the routes.
pub(crate) fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Whence")
        .description(Some(
            "Short links and what became of their clicks. Every call works in the workspace of its API key, but for the audit, which is of all.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(License::new("Apache-2.0")));
    let components = ComponentsBuilder::new()
        .schema(problems::SCHEMA, problems::schema())
        .security_scheme(
            "key",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(
            "key",
            Vec::<String>::new(),
        )]))
        .build()
}

/// Specs are refused with a field too many, and stand in links and domains, which have more fields. The schema
/// of a part cannot say the one and allow the other.
pub(crate) fn open_parts(description: &mut OpenApi) {
    let Some(components) = &mut description.components else {
        return;
    };
    for name in ["LinkSpec", "DomainSpec"] {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.additional_properties = None;
        }
    }
}

/// The description as an answer.
pub(crate) fn answer(text: &str) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, text.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::router::described;

    #[test]
    fn every_route_is_described_and_refuses_in_one_way() {
        let (_, description) = described();
        let json = serde_json::to_value(description).unwrap();
        assert!(json["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut found = BTreeSet::new();
        for (path, item) in json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                found.insert(format!("{method} {path}"));
                let refusal =
                    &operation["responses"]["default"]["content"]["application/problem+json"];
                let schema = refusal["schema"]["$ref"].as_str().unwrap();
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path}");
                assert!(
                    operation["summary"].is_string(),
                    "{method} {path} says what it does"
                );
            }
        }
        let expected = [
            "delete /api/v1/domains/{host}",
            "delete /api/v1/links/{id}",
            "get /api/v1/attribution",
            "get /api/v1/audit",
            "get /api/v1/cohorts",
            "get /api/v1/cohorts/referred",
            "get /api/v1/conversions/{event_id}/explain",
            "get /api/v1/domains",
            "get /api/v1/domains/{host}",
            "get /api/v1/funnel",
            "get /api/v1/kpis",
            "get /api/v1/links",
            "get /api/v1/links/export",
            "get /api/v1/links/external/{external_id}",
            "get /api/v1/links/{id}",
            "get /api/v1/links/{id}/qr",
            "get /api/v1/overview",
            "get /api/v1/paths",
            "get /api/v1/query",
            "get /api/v1/reports/breakdown",
            "get /api/v1/reports/clicks",
            "get /api/v1/workspace",
            "patch /api/v1/domains/{host}",
            "patch /api/v1/links/{id}",
            "patch /api/v1/workspace",
            "post /api/v1/attribution",
            "post /api/v1/cohorts",
            "post /api/v1/cohorts/referred",
            "post /api/v1/domains",
            "post /api/v1/funnel",
            "post /api/v1/kpis",
            "post /api/v1/links",
            "post /api/v1/links/bulk",
            "post /api/v1/links/import",
            "post /api/v1/links/{id}/qr",
            "post /api/v1/overview",
            "post /api/v1/paths",
            "post /api/v1/query",
            "put /api/v1/links/external/{external_id}",
        ];
        assert_eq!(found, expected.map(str::to_owned).into());
    }

    #[test]
    fn what_is_a_part_of_more_allows_for_more() {
        let (_, description) = described();
        let json = serde_json::to_value(description).unwrap();
        let schemas = &json["components"]["schemas"];
        let mut parts = 0;
        for schema in schemas.as_object().unwrap().values() {
            for part in schema["allOf"].as_array().into_iter().flatten() {
                let pointer = part["$ref"]
                    .as_str()
                    .and_then(|name| name.strip_prefix('#'));
                let part = pointer.map_or(part, |pointer| json.pointer(pointer).unwrap());
                assert_eq!(part.get("additionalProperties"), None, "{part}");
                parts += 1;
            }
        }
        assert!(
            parts >= 6,
            "links, domains and what is to be made or changed"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let (_, description) = described();
        let json = serde_json::to_value(description).unwrap();
        let text = json.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
