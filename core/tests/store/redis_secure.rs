//! Redis behind TLS, with a client certificate, and with a user who may do no more than Whence needs.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use redis::cmd;
use tempfile::TempDir;
use whence_core::domain::Domain;
use whence_core::link::Link;
use whence_core::store::{Edit, LinkStore, RedisStore, StoreError, check_url, open};
use whence_core::test_support::{RedisSentinels, RedisServer};
use whence_core::workspace::Workspace;

use crate::backend::{change_of, link, named, next, raw, workspace};

/// The rights that `docs/operations.md` names.
const RIGHTS: &[&str] = &[
    "resetkeys",
    "~whence:*",
    "resetchannels",
    "-@all",
    "+hello",
    "+ping",
    "+select",
    "+client|tracking",
    "+info",
    "+get",
    "+mget",
    "+set",
    "+del",
    "+exists",
    "+incr",
    "+sadd",
    "+srem",
    "+smembers",
    "+zadd",
    "+zrem",
    "+zrange",
    "+scan",
    "+eval",
    "+time",
    "+cluster|info",
    "+cluster|slots",
    "+asking",
];

/// An authority, and certificates that it has signed.
struct Certificates {
    folder: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not the default name: a certificate that is named as its issuer counts as self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        let key = KeyPair::generate().unwrap();
        let made = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: CertifiedIssuer::self_signed(params, key).unwrap(),
        };
        made.write("ca.pem", &made.authority.pem());
        made
    }

    /// Signs a certificate for a name and writes it and its key.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        (
            self.write(&format!("{name}.pem"), &certificate.pem()),
            self.write(&format!("{name}.key"), &key.serialize_pem()),
        )
    }

    fn write(&self, name: &str, pem: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A server with a second port for TLS.
fn start_with_tls(
    certificates: &Certificates,
    name: &str,
    asks_for_certificate: &str,
) -> (RedisServer, u16) {
    let (certificate, key) = certificates.sign(name);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let ca = certificates.ca();
    let server = RedisServer::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        text(&certificate),
        "--tls-key-file",
        text(&key),
        "--tls-ca-cert-file",
        text(&ca),
        "--tls-auth-clients",
        asks_for_certificate,
    ]);
    (server, port)
}

async fn assert_works(url: &str) {
    let (here, there) = (open(url).await.unwrap(), open(url).await.unwrap());
    let mut changes = here.changes();
    there.create_link(&link(1, "summer")).await.unwrap();
    assert_eq!(next(&mut changes).await, change_of(&link(1, "summer")));
    assert!(here.hears_changes());
}

async fn refusal(url: &str) -> String {
    let error = open(url).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_checked_by_the_authority_that_is_named() {
    let certificates = Certificates::new();
    let (_server, port) = start_with_tls(&certificates, "localhost", "no");
    let ca = certificates.ca();
    assert_works(&format!("rediss://localhost:{port}?ca={}", text(&ca))).await;
    // The system's authorities know nothing of this one, and the certificate is for a name.
    let error = refusal(&format!("rediss://localhost:{port}")).await;
    assert!(error.contains("certificate"), "{error}");
    let error = refusal(&format!("rediss://127.0.0.1:{port}?ca={}", text(&ca))).await;
    assert!(error.contains("certificate"), "{error}");
    // In the clear there is no answer, and TLS is not understood by a port without.
    refusal(&format!("redis://localhost:{port}")).await;
    // Files that are missing or no certificates are refused before anything is connected to.
    let key = certificates.sign("other").1;
    for (query, reason) in [
        ("?ca=/not/there.pem".to_owned(), "cannot be read"),
        (format!("?ca={}", text(&key)), "no certificate"),
        (format!("?key={}", text(&key)), "without its cert"),
    ] {
        let error = check_url(&format!("rediss://localhost:{port}{query}"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_is_shown() {
    let certificates = Certificates::new();
    let (_server, port) = start_with_tls(&certificates, "localhost", "yes");
    let (certificate, key) = certificates.sign("whence");
    let ca = certificates.ca();
    let url = format!("rediss://localhost:{port}?ca={}", text(&ca));
    assert_works(&format!(
        "{url}&cert={}&key={}",
        text(&certificate),
        text(&key)
    ))
    .await;
    refusal(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_has_a_login_of_its_own() {
    let sentinels = RedisSentinels::start(0, 1);
    sentinels.servers()[0].say("CONFIG SET requirepass hunter2");
    sentinels.sentinels()[0].say(
        "ACL SETUSER guard on >guarded -@all +hello +sentinel|master +sentinel|get-master-addr-by-name",
    );
    sentinels.sentinels()[0].say("ACL SETUSER default off");
    let url = sentinels.url();
    let with_password = url.replace("://", "://:hunter2@");
    let whole = format!("{with_password}?sentinel_user=guard&sentinel_password=guarded");
    assert_works(&whole).await;
    for wrong in [url, with_password, whole.replace("hunter2", "guess")] {
        let error = refusal(&wrong).await;
        assert!(error.contains("/whence"), "{error}");
        for secret in ["hunter2", "guarded", "guess"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_needs_no_more_than_the_rights_that_are_named() {
    let server = RedisServer::start();
    let mut admin = raw(&server).await;
    let () = cmd("ACL")
        .arg(&["SETUSER", "whence", "on", ">p@ss"])
        .arg(RIGHTS)
        .query_async(&mut admin)
        .await
        .unwrap();
    let port = server.port();
    let url = format!("redis://whence:p%40ss@127.0.0.1:{port}");
    let store = RedisStore::connect(&url).await.unwrap();
    exercise(&store).await;
    // Whatever was refused on the way is written down, also what is only warned of.
    let denied: Vec<redis::Value> = cmd("ACL").arg("LOG").query_async(&mut admin).await.unwrap();
    assert!(denied.is_empty(), "{denied:?}");

    let error = refusal(&format!("redis://whence:wrong@127.0.0.1:{port}")).await;
    assert!(error.contains("Redis at 127.0.0.1"), "{error}");
    assert!(
        !error.contains("wrong@") && !error.contains("p@ss"),
        "{error}"
    );
    let () = cmd("ACL")
        .arg(&["SETUSER", "whence", "-client|tracking"])
        .query_async(&mut admin)
        .await
        .unwrap();
    let error = refusal(&url).await;
    assert!(error.contains("client|tracking"), "{error}");
}

/// Everything that a store does.
async fn exercise(store: &RedisStore) {
    let acme = Workspace::new(workspace("acme"), "Acme");
    store.ping().await.unwrap();
    store.put_workspace(&acme).await.unwrap();
    let renamed = Workspace {
        revision: 2,
        ..acme.clone()
    };
    store.change_workspace(&renamed).await.unwrap();
    assert_eq!(store.workspaces().await.unwrap().len(), 1);
    let host = "go.example.com".parse().unwrap();
    store.claim_domain(&host, &acme.id).await.unwrap();
    let mut domain = Domain::new(host.clone(), acme.id.clone());
    domain.revision = 2;
    store.change_domain(&domain).await.unwrap();
    assert!(store.domain_at(host.as_str()).await.unwrap().is_some());
    let made = named(link(1, "summer"), "1");
    let external_id = made.spec.external_id.clone().unwrap();
    store.create_link(&made).await.unwrap();
    store
        .link_by_external_id(&acme.id, &external_id)
        .await
        .unwrap()
        .unwrap();
    store
        .set_learned_weights(&acme.id, made.id, 1, &[1])
        .await
        .unwrap();
    let next = Link {
        revision: 2,
        ..link(1, "summer")
    };
    store.change_link(&next).await.unwrap();
    assert!(
        store
            .count_click(made.id, 2.try_into().unwrap())
            .await
            .unwrap()
    );
    assert_eq!(store.clicks_counted(made.id).await.unwrap(), 1);
    assert_eq!(store.links(&acme.id, None, 9).await.unwrap().len(), 1);
    let mut parts = store.every_link();
    assert_eq!(
        futures::StreamExt::next(&mut parts)
            .await
            .unwrap()
            .unwrap()
            .len(),
        1
    );
    let delete = Edit::Delete {
        workspace: acme.id.clone(),
        id: made.id,
        revision: None,
    };
    assert!(store.edit_links(&[delete]).await[0].is_ok());
    store.release_domain(&host, &acme.id).await.unwrap();
}
