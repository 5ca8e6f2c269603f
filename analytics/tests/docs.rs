//! The examples in the documentation, sent as they stand there.

use serde_json::Value;

use crate::support::Service;

/// What curl is told to send to this path.
fn example(path: &str) -> &'static str {
    let text = include_str!("../../docs/api.md");
    let (_, after) = text
        .split_once(&format!("curl -s localhost:8082{path} "))
        .unwrap();
    let (_, body) = after.split_once("-d '").unwrap();
    body.split_once("'").unwrap().0
}

#[tokio::test]
async fn a_link_and_a_bulk_request() {
    let service = Service::start().await;
    let link = service.make(example("/api/v1/links")).await;
    assert_eq!(link["rules"].as_array().unwrap().len(), 1);
    let path = "/api/v1/links/bulk";
    let got = service
        .ask(&service.acme, "POST", path, example(path))
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    let results = got.json()["results"].clone();
    let statuses = results.as_array().unwrap().iter();
    let statuses: Vec<_> = statuses.map(|result| &result["status"]).collect();
    // There is no second link yet, and none with that id.
    assert_eq!(statuses, [&Value::from(201), &404.into(), &404.into()]);
}

#[tokio::test]
async fn every_field_of_a_link_is_in_the_table() {
    let text = include_str!("../../docs/api.md");
    let service = Service::start().await;
    let description = service.get("/api/v1/openapi.json").await;
    for schema in ["LinkSpec", "DomainSpec", "Condition"] {
        let schema = &description["components"]["schemas"][schema];
        let one_of = schema["oneOf"].as_array().into_iter().flatten();
        let objects = std::iter::once(schema).chain(one_of);
        let properties = objects.filter_map(|object| object["properties"].as_object());
        let names: Vec<_> = properties
            .flat_map(|properties| properties.keys())
            .collect();
        assert!(names.len() > 5, "{schema}");
        for name in names {
            let told = text.contains(&format!("`{name}`")) || text.contains(&format!("\"{name}\""));
            assert!(told, "{name} is in no table");
        }
    }
}
