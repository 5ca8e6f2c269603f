//! How the command reaches the API: keys, limits, TLS, pipes.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use whence_core::link::LinkSpec;

use crate::support::{Installation, link, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_comes_from_a_file_or_the_environment_and_is_never_shown() {
    let acme = Installation::start().await;
    let url = format!("http://{}", acme.address);
    let empty = tempfile::tempdir().unwrap();
    let export = ["export", "--format", "jsonl", "--url", &url];
    let by_variable = run(empty.path(), &export, &[("WHENCE_API_KEY", &acme.key)], "").await;
    assert_eq!(by_variable.code, 0, "{by_variable:?}");
    let file = acme.path("api-key").display().to_string();
    let with_file = [&export[..], &["--key-file", &file]].concat();
    // The flag is what was meant.
    let by_file = run(
        empty.path(),
        &with_file,
        &[("WHENCE_API_KEY", "whk_wrong")],
        "",
    )
    .await;
    assert_eq!(by_file.code, 0, "{by_file:?}");
    let wrong = format!("{}x", acme.key);
    let refused = run(empty.path(), &export, &[("WHENCE_API_KEY", &wrong)], "").await;
    assert_eq!(refused.code, 70);
    assert!(refused.stderr.contains("401"), "{}", refused.stderr);
    assert!(!refused.stderr.contains(&acme.key), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_go_through_pipes() {
    let acme = Installation::start().await;
    let spec = LinkSpec::to("https://shop.example/".parse().unwrap());
    acme.store.create_link(&link(1, "a", spec)).await.unwrap();
    let exported = acme.links(&["export", "-", "--format", "csv"]).await;
    assert_eq!(exported.stdout.lines().count(), 2, "{exported:?}");
    let other = Installation::start().await;
    let url = format!("http://{}", other.address);
    let args = ["import", "-", "--format", "csv", "--url", &url];
    let imported = run(&other.path(""), &args, &[], &exported.stdout).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(other.stored().await, acme.stored().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_waited_for() {
    let acme = Installation::start_with(|config| {
        config.analytics.key_rate = 1;
        config.analytics.key_burst = 1;
    })
    .await;
    let file = acme.write("links.csv", "slug,destination\na,https://shop.example/\n");
    let import = ["import", &file, "--on-conflict", "skip"];
    let (one, other) = tokio::join!(acme.links(&import), acme.links(&import));
    assert_eq!((one.code, other.code), (0, 0), "{one:?} {other:?}");
    assert_eq!(acme.stored().await.len(), 1);
}

/// TLS before the API, as a proxy does it.
async fn tls_before(acme: &Installation) -> u16 {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(acme.path("ca.pem"), signed.cert.pem()).unwrap();
    let key = signed.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, behind) = (listener.local_addr().unwrap().port(), acme.address);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever does not trust the certificate goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut api = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut api).await;
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_whom_this_machine_trusts() {
    let acme = Installation::start().await;
    let url = format!("https://localhost:{}", tls_before(&acme).await);
    let export = ["export", "--format", "csv", "--url", &url];
    let trusted = acme.path("ca.pem").display().to_string();
    let ended = run(&acme.path(""), &export, &[("SSL_CERT_FILE", &trusted)], "").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("id,domain,slug"), "{ended:?}");
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let stranger = acme.write("stranger.pem", &stranger.cert.pem());
    let ended = run(&acme.path(""), &export, &[("SSL_CERT_FILE", &stranger)], "").await;
    assert_eq!(ended.code, 70, "{ended:?}");
    assert!(ended.stderr.contains("certificate"), "{}", ended.stderr);
}
