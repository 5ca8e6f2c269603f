//! The other measure: nginx, with `return 302` and its access log, where it is installed.
//!
//! As many workers as the redirector has threads, each with a listening socket of its own, its configuration, log and
//! temporary files in a folder of the run's. nginx writes some header lines and a short page by itself; what is
//! missing to the length of the redirector's answer is filled up with one more line, the cheapest way there is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hyper::StatusCode;

use super::certificate::Certificate;
use super::subject::Subject;
use crate::load::requests::Requests;
use crate::server::{self, Server};

/// What nginx's own page ends with.
const END_OF_PAGE: &[u8] = b"</html>\r\n";
/// The line that fills the answer up, without its value.
const FILL: &str = "x-fill: \r\n";

/// nginx in processes of its own.
pub(super) struct Nginx {
    server: Server,
    address: SocketAddr,
    tls_address: SocketAddr,
}

/// What its configuration says.
struct Site<'s> {
    folder: PathBuf,
    certificate: &'s Certificate,
    address: SocketAddr,
    tls_address: SocketAddr,
    workers: u8,
    location: &'s str,
}

impl Nginx {
    /// Whether there is an nginx to start.
    pub(super) fn is_installed() -> bool {
        let asked = Command::new("nginx").arg("-v").output();
        asked.is_ok_and(|output| output.status.success())
    }

    /// Starts it in this folder, to say as much as `answer` says.
    pub(super) async fn start(
        folder: &Path,
        answer: &str,
        certificate: &Certificate,
        requests: &Arc<Requests>,
        workers: u8,
    ) -> Result<Self> {
        let location = answer
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        let site = Site {
            folder: folder.to_owned(),
            certificate,
            address: server::free_address()?,
            tls_address: server::free_address()?,
            workers,
            location: location.context("the answer has no location")?,
        };
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let without = site.serve(0).await?;
        let own = without.subject().answer(requests).await?.len();
        without.server.stop()?;
        site.serve(answer.len().saturating_sub(own)).await
    }

    /// The server as the load sees it.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            server: &self.server,
            address: self.address,
            tls_address: Some(self.tls_address),
            tail: END_OF_PAGE,
        }
    }
}

impl Site<'_> {
    /// Starts nginx with so many bytes to fill its answer up.
    async fn serve(&self, fill: usize) -> Result<Nginx> {
        let path = self.folder.join("nginx.conf");
        std::fs::write(&path, self.configuration(fill)?)?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&self.folder).arg("-c").arg(&path);
        // Before the configuration is read, it would complain about a log that it may not write.
        command.args(["-e", "stderr"]);
        let mut server = Server::start("nginx", command)?;
        server
            .until(&format!("http://{}/", self.address), StatusCode::FOUND)
            .await?;
        Ok(Nginx {
            server,
            address: self.address,
            tls_address: self.tls_address,
        })
    }

    fn configuration(&self, fill: usize) -> Result<String> {
        let folder = self.folder.display();
        let is_plain = |text: &str| !text.contains(['"', '$', '\\', '\n']);
        ensure!(
            is_plain(self.location) && is_plain(&folder.to_string()),
            "nginx cannot be told of {:?} in {folder}",
            self.location
        );
        let fill = match fill.checked_sub(FILL.len()) {
            Some(bytes) if bytes > 0 => format!("add_header x-fill \"{}\";", "x".repeat(bytes)),
            _ => String::new(),
        };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("    {what}_temp_path \"{folder}/{what}\";\n"))
            .collect();
        Ok(format!(
            "daemon off;\n\
             worker_processes {workers};\n\
             pid \"{folder}/nginx.pid\";\n\
             error_log stderr error;\n\
             events {{ worker_connections 16384; }}\n\
             http {{\n\
             {temporary}\
             \x20   access_log \"{folder}/access.log\" combined buffer=64k flush=1s;\n\
             \x20   server_tokens off;\n\
             \x20   keepalive_requests 1000000000;\n\
             \x20   server {{\n\
             \x20       listen {address} reuseport;\n\
             \x20       listen {tls_address} ssl reuseport;\n\
             \x20       ssl_certificate \"{certificate}\";\n\
             \x20       ssl_certificate_key \"{key}\";\n\
             \x20       ssl_protocols TLSv1.3;\n\
             \x20       location / {{ {fill} return 302 \"{location}\"; }}\n\
             \x20   }}\n\
             }}\n",
            workers = self.workers,
            address = self.address,
            tls_address = self.tls_address,
            certificate = self.certificate.certificate().display(),
            key = self.certificate.key().display(),
            location = self.location,
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::open::{self, Arrivals};
    use crate::load::{Crowd, Way, closed};

    /// A redirector's answer, shortened.
    const ANSWER: &str = "HTTP/1.1 302 Found\r\nlocation: https://shop.example/products/1?wcid=x\r\n\
        set-cookie: whv=0123456789012345678901; path=/; max-age=31536000; secure; httponly; samesite=lax\r\n\
        set-cookie: whc=0123456789012345678901; path=/; max-age=31536000; secure; httponly; samesite=lax\r\n\
        cache-control: private, no-store\r\nreferrer-policy: strict-origin-when-cross-origin\r\n\
        date: Sat, 21 Nov 2026 22:00:00 GMT\r\ncontent-length: 0\r\n\r\n";

    #[tokio::test(flavor = "multi_thread")]
    async fn it_says_as_much_in_every_way() {
        if !Nginx::is_installed() {
            eprintln!("nginx is not installed: nothing is tested");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let certificate = Certificate::make(&dir.path().join("certificate")).unwrap();
        let requests = Arc::new(Requests::new(10));
        let folder = dir.path().join("nginx");
        let nginx = Nginx::start(&folder, ANSWER, &certificate, &requests, 2);
        let nginx = nginx.await.unwrap();
        let subject = nginx.subject();
        let answer = subject.answer(&requests).await.unwrap();
        assert_eq!(answer.len(), ANSWER.len(), "{answer}");

        let connector = certificate.connector().unwrap();
        let crowd = Crowd {
            browsers: 4,
            threads: 2,
            cores: None,
        };
        for way in [Way::KeepAlive, Way::NewConnection, Way::Tls] {
            let aim = subject.aim(way, &connector).unwrap();
            let time = Duration::from_millis(300);
            let rush = closed::ask(crowd, &nginx.server, &aim, &requests, time).unwrap();
            assert!(rush.errors == 0 && rush.answers > 50, "{way:?}");
            // Its workers have done the work, not the process that was started.
            assert!(rush.cpu.total() > 0.0, "{way:?}");
            let arrivals = Arrivals {
                rate: 200.0,
                time,
                stop: Arc::default(),
            };
            let waits = open::ask(crowd, &aim, &requests, &arrivals).unwrap();
            assert_eq!(waits.errors, 0, "{way:?}");
            assert!((20..300).contains(&waits.counted.len()), "{way:?}");
        }
    }
}
