//! HTTP/1 by hand: what is plain, what is not, and what only looks as if.

mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config as Runs, RngAlgorithm, TestRng, TestRunner};
use support::Edge;
use support::raw::{Parts, exchange, exchange_text, parts, read_one};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const GET: &str = "GET /x HTTP/1.1\r\nHost: go.example\r\n\r\n";

/// An edge with the link `/x` and no limit.
async fn edge() -> Edge {
    let edge = Edge::start(|config| config.redirector.client_rate = 0).await;
    edge.link("x", "https://shop.example/").await;
    edge
}

async fn statuses(edge: &Edge, bytes: &str) -> Vec<u16> {
    let answers = exchange(edge.address(), bytes.as_bytes()).await;
    answers.iter().map(|answer| answer.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_at_once_are_answered_in_order() {
    let edge = edge().await;
    let mut requests = String::new();
    for number in 0..100 {
        let slug = if number % 3 == 0 { "x" } else { "y" };
        requests += &format!("GET /{slug}?n={number} HTTP/1.1\r\nHost: go.example\r\n\r\n");
    }
    let expected: Vec<u16> = (0..100)
        .map(|n| if n % 3 == 0 { 302 } else { 404 })
        .collect();
    assert_eq!(statuses(&edge, &requests).await, expected);
    assert_eq!(edge.stop().await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_one_at_a_time_make_a_request() {
    let edge = edge().await;
    let mut stream = TcpStream::connect(edge.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for _ in 0..2 {
        for byte in GET.as_bytes() {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(read_one(&mut stream).await.unwrap().status, 302);
    }
    drop(stream);
    assert_eq!(edge.stop().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_stay_and_close_as_each_version_has_it() {
    let edge = edge().await;
    for (request, stays, says) in [
        (GET.to_owned(), true, None),
        (
            GET.replace("Host", "Connection: close\r\nHost"),
            false,
            Some("connection: close"),
        ),
        (GET.replace("1.1", "1.0"), false, Some("connection: close")),
        (
            GET.replace("1.1", "1.0")
                .replace("Host", "Connection: Keep-Alive\r\nHost"),
            true,
            Some("connection: keep-alive"),
        ),
    ] {
        let mut stream = TcpStream::connect(edge.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_one(&mut stream).await.unwrap();
        assert_eq!(answer.status, 302);
        let said = answer
            .headers
            .iter()
            .find(|line| line.starts_with("connection"));
        assert_eq!(said.map(String::as_str), says, "{request}");
        // What is written to a closed connection is not answered.
        let _ = stream.write_all(request.as_bytes()).await;
        assert_eq!(read_one(&mut stream).await.is_some(), stays, "{request}");
    }
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_read_in_two_ways_is_400_and_ends_the_connection() {
    let edge = edge().await;
    let second = "GET /second HTTP/1.1\r\nHost: go.example\r\n\r\n";
    for first in [
        "GET /x HTTP/1.1\nHost: go.example\n\n",
        "GET /x HTTP/1.1\r\nHost: go.example\nX: y\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: go.example\r\nX: y\r\n folded\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: go.example\r\nX: a\rb\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: go.example\r\nX : y\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: go.example\r\nHost: b.example\r\n\r\n",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET  /x HTTP/1.1\r\nHost: go.example\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: go.example\r\n\r\n",
        "GET /x HTTP/9.9\r\nHost: go.example\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: +5\r\n\r\nabcde",
        "POST /x HTTP/1.1\r\nHost: go.example\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &GET.replace("Host", &format!("{}Host", "X: y\n".repeat(80))),
        "\u{16}\u{3}\u{1}\u{2}garbage\r\n\r\n",
    ] {
        let answered = statuses(&edge, &format!("{first}{second}")).await;
        assert_eq!(answered, [400], "{first:?}");
    }
    assert_eq!(edge.stop().await.len(), 0, "none of it was a click");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_follows_a_body_is_taken_for_a_request() {
    let edge = edge().await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: go.example\r\n\r\n";
    for first in [
        // A body that is a request; bodies that two readers end in different places.
        format!("POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: {}\r\n\r\n", hidden.len()),
        "POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        "GET /x HTTP/1.1\r\nHost: go.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
        "GET /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: 3\r\n\r\nabc".into(),
        "POST /x HTTP/1.1\r\nHost: go.example\r\nContent-Length: 0\r\n\r\n".into(),
    ] {
        let text = exchange_text(edge.address(), format!("{first}{hidden}").as_bytes()).await;
        let answers = parts(&text).unwrap_or_default();
        assert!(answers.len() <= 1, "{first:?}: {answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.status, 302 | 400)), "{first:?}");
    }
    let clicks = edge.stop().await;
    assert!(clicks.iter().all(|click| click.slug == "x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_strange_and_right_is_answered() {
    let edge = edge().await;
    for (request, status) in [
        (
            "GET http://go.example/x HTTP/1.1\r\nHost: go.example\r\n\r\n",
            302,
        ),
        (
            "GET http://go.example/x HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
            302,
        ),
        ("\r\nGET /x HTTP/1.1\r\nHost: go.example\r\n\r\n", 302),
        ("GET /x HTTP/1.1\r\nhOsT: go.example \t\r\n\r\n", 302),
        (
            "GET /x HTTP/1.1\r\nHost: go.example\r\nExpect: 100-continue\r\n\r\n",
            302,
        ),
        ("GET /x#fragment HTTP/1.1\r\nHost: go.example\r\n\r\n", 302),
        ("OPTIONS * HTTP/1.1\r\nHost: go.example\r\n\r\n", 405),
        ("BREW /x HTTP/1.1\r\nHost: go.example\r\n\r\n", 405),
        (
            "CONNECT go.example:443 HTTP/1.1\r\nHost: go.example\r\n\r\n",
            405,
        ),
    ] {
        assert_eq!(statuses(&edge, request).await, [status], "{request:?}");
    }
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_told_so() {
    let edge = edge().await;
    let long = |length: usize| "a".repeat(length);
    for (request, status) in [
        (
            GET.replace("Host", &format!("X: {}\r\nHost", long(12 << 10))),
            302,
        ),
        (
            GET.replace("Host", &format!("X: {}\r\nHost", long(17 << 10))),
            431,
        ),
        (
            GET.replace("Host", &format!("X: {}\r\nHost", long(200 << 10))),
            431,
        ),
        (
            GET.replace("Host", &format!("X:{}y\r\nHost", " ".repeat(17 << 10))),
            431,
        ),
        (GET.replace("/x", &format!("/{}", long(17 << 10))), 414),
        (
            GET.replace("Host", &format!("{}Host", "X: y\r\n".repeat(90))),
            302,
        ),
        (
            GET.replace("Host", &format!("{}Host", "X: y\r\n".repeat(200))),
            431,
        ),
        (GET.replace("/x", &format!("/{}", long(9 << 10))), 414),
        (GET.replace("/x", &format!("/x?{}", long(9 << 10))), 414),
        (GET.replace("/x", &format!("/x?{}", long(7 << 10))), 302),
    ] {
        let answered = statuses(&edge, &request).await;
        assert_eq!(answered, [status], "{} bytes", request.len());
    }
    let form = |length| {
        format!(
            "POST /x HTTP/1.1\r\nHost: go.example\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\
             Content-Length: {length}\r\n\r\n{}",
            long(length)
        )
    };
    assert_eq!(statuses(&edge, &form(4096)).await, [302]);
    // A form in which no password is looked for is a click all the same.
    assert_eq!(statuses(&edge, &form(4097)).await, [302]);
    let chunked = format!(
        "POST /x HTTP/1.1\r\nHost: go.example\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n1800\r\n{}\r\n0\r\n\r\n",
        long(0x1800)
    );
    assert_eq!(statuses(&edge, &chunked).await, [302]);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_nobody_asks_for_any_more_is_not_handed_on() {
    let edge = edge().await;
    let mut plain = whence_core::link::LinkSpec::to("https://shop.example/".parse().unwrap());
    plain.status = whence_core::link::RedirectStatus::TemporaryRedirect;
    edge.link_with("once", plain).await;
    for (form, status) in [("password=secret", 303), ("name=somebody", 307)] {
        let request = format!(
            "POST /once HTTP/1.1\r\nHost: go.example\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        );
        assert_eq!(statuses(&edge, &request).await, [status], "{form}");
    }
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_asked_becomes_a_header() {
    let edge = Edge::start(|config| config.redirector.client_rate = 0).await;
    let mut link = whence_core::link::LinkSpec::to("https://shop.example/".parse().unwrap());
    link.forward_query = whence_core::link::QueryForwarding::Keep;
    link.forward_path = true;
    edge.link_with("x", link).await;
    for evil in [
        "%0d%0aevil:%20yes",
        "%0Aevil:%20yes",
        "%00%7f",
        "%E5%98%8A%E5%98%8Devil:yes",
    ] {
        for target in ["/{}", "/x/{}", "/x?a={}", "/x?{}=b", "/x/{}+", "/{}.qr"] {
            for agent in ["plain", "facebookexternalhit/1.1"] {
                let target = target.replace("{}", evil);
                for strange in ["", "Expect: 100-continue\r\n"] {
                    let request = format!(
                        "GET {target} HTTP/1.1\r\nHost: go.example\r\nUser-Agent: {agent}\r\n{strange}\r\n"
                    );
                    let answers = exchange(edge.address(), request.as_bytes()).await;
                    assert_eq!(answers.len(), 1, "{request}");
                    let is_evil = |line: &String| line.to_lowercase().starts_with("evil");
                    assert!(!answers[0].headers.iter().any(is_evil), "{answers:?}");
                }
            }
        }
    }
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_said_everything_is_still_answered() {
    let edge = edge().await;
    assert_eq!(statuses(&edge, &GET.repeat(3)).await, [302; 3]);
    // Half a request is none.
    assert_eq!(statuses(&edge, &format!("{GET}GET /x HT")).await, [302]);
    assert_eq!(statuses(&edge, "").await, [0; 0]);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_where_the_client_knows_of_it() {
    let edge = edge().await;
    let stream = TcpStream::connect(edge.address()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = hyper::Request::get("http://go.example/x")
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 302);
    }
    connection.abort();
    assert_eq!(edge.stop().await.len(), 3);
}

/// A request as clients could send it, usual or not.
fn request() -> impl Strategy<Value = String> {
    let method =
        prop_oneof![5 => Just("GET"), 2 => Just("HEAD"), 1 => Just("POST"), 1 => Just("PUT")];
    let path = prop_oneof![3 => Just("/x".to_owned()), 3 => "/[ -~&&[^ ]]{0,12}", 1 => "/[a-z%0-9A-F+.]{0,12}"];
    let query = prop_oneof![Just(String::new()), "\\?[!-~]{0,20}"];
    let header = prop_oneof![
        "(Cookie|cookie): whv=[0-9A-Za-z]{22}(; a=b)?",
        "(User-Agent|Referer|Accept-Language|X-Moz|DNT|Sec-GPC|Purpose): ?[!-~]{0,12}",
        "(sec-gpc|dnt): 1",
        "[A-Za-z-]{1,12}:[ -~]{0,20}",
        "Connection: (close|keep-alive|upgrade|, close)",
        "Content-Length: [0-3]",
        "Host: [ -~]{0,12}",
        "X-Forwarded-For: [0-9., ]{0,12}",
    ];
    let version = prop_oneof![9 => Just("1.1"), 1 => Just("1.0")];
    let headers = prop::collection::vec(header, 0..6);
    (method, path, query, version, headers).prop_map(|(method, path, query, version, headers)| {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        format!("{method} {path}{query} HTTP/{version}\r\nHost: go.example\r\n{headers}\r\n")
    })
}

/// The same cases at each run.
fn runner(cases: u32) -> TestRunner {
    let config = Runs {
        cases,
        failure_persistence: None,
        ..Runs::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Without what the two fronts may say in different ways: how the connection goes on, of which version the
/// answer is, and to HEAD how long nothing is.
fn essence(text: &str) -> Vec<Parts> {
    let text = text.replace("HTTP/1.0 ", "HTTP/1.1 ");
    let mut answers = parts(&text).unwrap_or_else(|| panic!("no answers: {text:?}"));
    for answer in &mut answers {
        let differs = |line: &str| line.starts_with("connection") || line == "content-length: 0";
        answer.headers.retain(|line| !differs(line));
        if answer.status == 400 {
            // hyper has no words for it.
            (answer.headers, answer.body) = (Vec::new(), String::new());
        }
    }
    answers
}

#[test]
fn both_fronts_answer_any_request_alike() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let edge = runtime.block_on(edge());
    let mut runner = runner(600);
    runner
        .run(&request(), |request| {
            // To expect something sends even a plain request to hyper, and says nothing else.
            let for_hyper = request.replacen("\r\n", "\r\nExpect: 100-continue\r\n", 1);
            let (ours, hypers) = runtime.block_on(async {
                tokio::join!(
                    exchange_text(edge.address(), request.as_bytes()),
                    exchange_text(edge.address(), for_hyper.as_bytes()),
                )
            });
            let hypers = hypers.replacen("HTTP/1.1 100 Continue\r\n\r\n", "", 1);
            prop_assert_eq!(essence(&ours), essence(&hypers));
            Ok(())
        })
        .unwrap();
    runtime.block_on(edge.stop());
}

#[test]
fn garbage_gets_no_more_answers_than_it_has_requests() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let edge = runtime.block_on(edge());
    let mut runner = runner(400);
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6);
    let requests = (prop::collection::vec(request(), 1..4), damage);
    runner
        .run(&requests, |(requests, damage)| {
            // Answers to HEAD cannot be told apart without knowing what was asked.
            let mut bytes = requests.concat().replace("HEAD ", "GET ").into_bytes();
            for (at, byte, how) in damage {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            // Nothing is a request that does not end in an empty line.
            let ends = bytes.windows(2).filter(|pair| pair == b"\n\n").count()
                + bytes.windows(3).filter(|three| three == b"\n\r\n").count();
            let answered = runtime.block_on(exchange_text(edge.address(), &bytes));
            let answered = answered.replace("HTTP/1.0 ", "HTTP/1.1 ");
            let answers = parts(&answered);
            prop_assert!(answers.is_some(), "{answered:?}");
            let good = answers.unwrap().iter().filter(|a| a.status < 400).count();
            prop_assert!(good <= ends, "{good} of {ends}");
            Ok(())
        })
        .unwrap();
    runtime.block_on(edge.stop());
}
