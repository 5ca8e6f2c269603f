//! Sends the visits: those of one client in their order, those of many at once.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, LOCATION, REFERER, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::plan::Visit;
use crate::http::retry_after;

/// How long a redirect may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a visit that has come too early is sent again.
const TRIES: usize = 30;
/// The largest body of an answer: a redirect has none, a refusal a line.
const LARGEST_BODY: usize = 64 << 10;

/// Where the visits go.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// The redirector's host and port.
    pub(super) authority: String,
    /// The short domain that is asked for.
    pub(super) domain: String,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Redirects.
    pub(super) redirects: u64,
    /// Times that the redirector said to come again later.
    pub(super) told_to_wait: u64,
    /// Whatever else there was, by what it was.
    pub(super) others: BTreeMap<String, u64>,
}

/// Sends all visits over `connections` connections.
pub(super) async fn all(visits: &[Visit], to: &Destination, connections: usize) -> Result<Answers> {
    let mut workers = JoinSet::new();
    for visits in dealt(visits, connections) {
        let to = to.clone();
        workers.spawn(async move { one_after_the_other(visits, &to).await });
    }
    let mut answers = Answers::default();
    while let Some(done) = workers.join_next().await {
        answers.add(done??);
    }
    Ok(answers)
}

/// Deals clients out as they come, so that each has all its visits in one hand.
fn dealt(visits: &[Visit], hands: usize) -> Vec<Vec<Visit>> {
    let mut dealt = vec![Vec::new(); hands];
    let mut hand_of: HashMap<Option<IpAddr>, usize> = HashMap::new();
    for visit in visits {
        let next = hand_of.len() % hands;
        let hand = *hand_of.entry(visit.client).or_insert(next);
        dealt[hand].push(visit.clone());
    }
    dealt
}

async fn one_after_the_other(visits: Vec<Visit>, to: &Destination) -> Result<Answers> {
    let mut answers = Answers::default();
    let mut connection = None;
    for visit in &visits {
        let mut tries = 0;
        loop {
            // A connection that was closed between two visits has carried neither.
            let mut sender = match usable(connection.take()).await {
                Some(sender) => sender,
                None => connect(&to.authority).await?,
            };
            let exchange = timeout(PATIENCE, exchange(&mut sender, visit, to)).await;
            let answer =
                match exchange.unwrap_or_else(|_| Err(anyhow!("no answer in {PATIENCE:?}"))) {
                    Ok(answer) => answer,
                    Err(error) => {
                        // Whether it was counted, only the reports can tell; sent again it might count twice.
                        answers.other(format!("{error:#}"));
                        break;
                    }
                };
            connection = Some(sender);
            tries += 1;
            let wait = retry_after(answer.headers()).filter(|_| tries < TRIES);
            match (answer.status(), wait) {
                (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => {
                    answers.told_to_wait += 1;
                    sleep(wait).await;
                    continue;
                }
                (status, _)
                    if status.is_redirection() && answer.headers().contains_key(LOCATION) =>
                {
                    answers.redirects += 1;
                }
                (status, _) => answers.other(status.to_string()),
            }
            break;
        }
    }
    Ok(answers)
}

async fn exchange(sender: &mut Sender, visit: &Visit, to: &Destination) -> Result<Response<()>> {
    let (head, body) = sender.send_request(request(visit, to)).await?.into_parts();
    // Read to its end, so that the connection can be used again.
    Limited::new(body, LARGEST_BODY)
        .collect()
        .await
        .map_err(anyhow::Error::from_boxed)?;
    Ok(Response::from_parts(head, ()))
}

type Sender = SendRequest<Empty<Bytes>>;

async fn usable(connection: Option<Sender>) -> Option<Sender> {
    let mut sender = connection?;
    sender.ready().await.is_ok().then_some(sender)
}

async fn connect(authority: &str) -> Result<Sender> {
    let failed = || format!("the redirector at {authority}");
    let stream = TcpStream::connect(authority).await.with_context(failed)?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .with_context(failed)?;
    // Its end is seen by the sender.
    tokio::spawn(connection);
    Ok(sender)
}

/// The request as a proxy in front of the redirector would pass it on.
fn request(visit: &Visit, to: &Destination) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = visit.method.clone();
    *request.uri_mut() = visit.target.clone();
    let headers = request.headers_mut();
    let text = |text: &str| text.parse().expect("hosts and addresses are header values");
    headers.insert(HOST, text(&to.domain));
    if let Some(client) = visit.client {
        headers.insert("x-forwarded-for", text(&client.to_string()));
    }
    for (name, value) in [(REFERER, &visit.referrer), (USER_AGENT, &visit.agent)] {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
    request
}

impl Answers {
    fn other(&mut self, what: String) {
        *self.others.entry(what).or_default() += 1;
    }

    fn add(&mut self, more: Self) {
        self.redirects += more.redirects;
        self.told_to_wait += more.told_to_wait;
        for (what, count) in more.others {
            *self.others.entry(what).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;

    fn visit(client: &str, target: &str) -> Visit {
        Visit {
            client: client.parse().ok(),
            method: Method::HEAD,
            target: target.parse().unwrap(),
            slug: "a".parse().unwrap(),
            referrer: None,
            agent: Some("Agent/1.0".parse().unwrap()),
        }
    }

    #[test]
    fn a_clients_visits_stay_in_order_in_one_hand() {
        let visits: Vec<_> = (0..100)
            .map(|n| visit(&format!("192.0.2.{}", n % 7), &format!("/{n}")))
            .collect();
        let hands = dealt(&visits, 3);
        assert_eq!(hands.iter().map(Vec::len).sum::<usize>(), 100);
        for client in 0..7 {
            let client = format!("192.0.2.{client}").parse().ok();
            let of_client = |hand: &Vec<Visit>| -> Vec<_> {
                hand.iter()
                    .filter(|visit| visit.client == client)
                    .map(|visit| visit.target.clone())
                    .collect()
            };
            let has: Vec<_> = hands
                .iter()
                .map(of_client)
                .filter(|targets| !targets.is_empty())
                .collect();
            let meant: Vec<_> = visits
                .iter()
                .filter(|visit| visit.client == client)
                .map(|visit| visit.target.clone())
                .collect();
            assert_eq!(has, [meant]);
        }
    }

    #[test]
    fn a_request_says_what_the_log_says_and_no_more() {
        let to = Destination {
            authority: "127.0.0.1:1".into(),
            domain: "go.example".into(),
        };
        let request = request(&visit("192.0.2.1", "/a?b=c"), &to);
        assert_eq!(
            (request.method(), request.uri().to_string().as_str()),
            (&Method::HEAD, "/a?b=c")
        );
        let mut headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(n, v)| format!("{n}: {}", v.to_str().unwrap()))
            .collect();
        headers.sort();
        assert_eq!(
            headers,
            [
                "host: go.example",
                "user-agent: Agent/1.0",
                "x-forwarded-for: 192.0.2.1"
            ]
        );
    }
}
