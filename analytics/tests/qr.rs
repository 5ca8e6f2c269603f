//! QR codes over HTTP. That they can be read is shown where they are drawn.

use serde_json::json;

use crate::domains::PIXEL;
use crate::support::{Service, about, problem};

#[tokio::test]
async fn a_link_has_a_qr_code() {
    let service = Service::start().await;
    let link = service
        .make(r#"{"slug": "s", "destination": "https://example.com/"}"#)
        .await;
    let path = format!("/api/v1/links/{}/qr", link["id"].as_str().unwrap());
    let svg = service.ask(&service.acme, "GET", &path, "").await;
    assert_eq!(
        (svg.status.as_u16(), svg.header("content-type")),
        (200, "image/svg+xml")
    );
    let options = whence_core::qr::Options::default();
    let expected = whence_core::qr::svg("https://a.example/s", &options).unwrap();
    assert_eq!(svg.body, expected);
    let query = "format=png&size=128&margin=2&foreground=112233&background=ffffff&error_correction=Q&logo=none";
    let png = service
        .ask(&service.acme, "GET", &format!("{path}?{query}"), "")
        .await;
    assert_eq!(
        (png.status.as_u16(), png.header("content-type")),
        (200, "image/png")
    );
    assert!(png.body[..8].contains("PNG"));
    for (query, field) in [
        ("format=gif", "format"),
        ("size=1", "size"),
        ("colour=red", "colour"),
        ("foreground=red", "foreground"),
        ("logo=mine", "logo"),
        ("logo=domain", "logo"),
        ("size=100&size=200", "size"),
    ] {
        let got = service
            .ask(&service.acme, "GET", &format!("{path}?{query}"), "")
            .await;
        about(&problem(&got, 400), &[field]);
    }
    problem(
        &service
            .ask(&service.acme, "GET", "/api/v1/links/00000000001/qr", "")
            .await,
        404,
    );
}

#[tokio::test]
async fn a_logo_is_the_domains_or_ones_own() {
    let service = Service::start().await;
    let body = json!({"logo": PIXEL}).to_string();
    let got = service
        .ask(&service.acme, "PATCH", "/api/v1/domains/a.example", body)
        .await;
    assert_eq!(got.status, 200, "{}", got.body);
    let link = service
        .make(r#"{"slug": "s", "destination": "https://example.com/"}"#)
        .await;
    let path = format!("/api/v1/links/{}/qr", link["id"].as_str().unwrap());
    let plain = service
        .ask(&service.acme, "GET", &format!("{path}?logo=none"), "")
        .await;
    let by_default = service.ask(&service.acme, "GET", &path, "").await;
    let with = service
        .ask(&service.acme, "GET", &format!("{path}?logo=domain"), "")
        .await;
    assert_eq!(with.status, 200, "{}", with.body);
    assert_ne!(with.body, plain.body);
    assert_eq!(with.body, by_default.body, "as everybody sees it");
    let png = base64_of(PIXEL);
    let sent = service.ask(&service.acme, "POST", &path, png).await;
    assert_eq!(sent.body, with.body, "the same picture gives the same code");
    let got = service
        .ask(&service.acme, "POST", &path, "no picture")
        .await;
    about(&problem(&got, 422), &["logo"]);
    let weak = format!("{path}?error_correction=L");
    let got = service
        .ask(&service.acme, "POST", &weak, base64_of(PIXEL))
        .await;
    about(&problem(&got, 400), &["error_correction"]);
}

fn base64_of(text: &str) -> Vec<u8> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.decode(text).unwrap()
}
