//! Packed bodies both ways, where a client asks for them.

use std::io::{Read, Write};

use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;

use crate::support::{Engine, escape};

const MANY: &str = "SELECT number FROM numbers(500000)";

#[tokio::test]
async fn responses_are_packed_as_the_client_accepts() {
    let engine = Engine::start();
    let plain = engine.run(MANY).await;
    assert_eq!(plain.header("content-encoding"), "");
    for sql in ["SELECT 1", MANY] {
        let expected = engine.run(sql).await.body;
        for coding in ["gzip", "deflate", "lz4", "zstd"] {
            let answer = engine
                .send("POST", "/", &[("accept-encoding", coding)], sql)
                .await;
            assert_eq!(answer.header("content-encoding"), coding);
            let packed = &answer.body[..];
            let mut unpacked = Vec::new();
            match coding {
                "gzip" => GzDecoder::new(packed).read_to_end(&mut unpacked),
                "deflate" => ZlibDecoder::new(packed).read_to_end(&mut unpacked),
                "lz4" => lz4_flex::frame::FrameDecoder::new(packed).read_to_end(&mut unpacked),
                _ => zstd::stream::read::Decoder::new(packed)
                    .unwrap()
                    .read_to_end(&mut unpacked),
            }
            .unwrap();
            assert!(unpacked == expected, "{coding}: {sql}");
        }
    }
    let off = engine
        .send(
            "POST",
            "/?enable_http_compression=0",
            &[("accept-encoding", "gzip")],
            "SELECT 1",
        )
        .await;
    assert_eq!(
        (off.header("content-encoding"), off.text().as_str()),
        ("", "1\n")
    );
    let failed = engine
        .send("POST", "/", &[("accept-encoding", "gzip")], "SELECT nope")
        .await;
    let mut text = String::new();
    GzDecoder::new(&failed.body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(
        failed.status == 404 && text.starts_with("Code: 47."),
        "{text}"
    );
}

#[tokio::test]
async fn bodies_are_unpacked_as_their_header_says() {
    let engine = Engine::start();
    engine
        .ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        .await;
    let data = engine.run(MANY).await.body;
    let gzip = {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&data).unwrap();
        encoder.finish().unwrap()
    };
    let lz4 = {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(&data).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = zstd::stream::encode_all(&data[..], 1).unwrap();
    let target = format!("/?query={}", escape("INSERT INTO t FORMAT TSV"));
    for (coding, packed) in [
        ("gzip", gzip.clone()),
        ("lz4", lz4),
        ("zstd", zstd),
        ("identity", data.to_vec()),
    ] {
        let answer = engine
            .send("POST", &target, &[("content-encoding", coding)], packed)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.summary("written_rows")),
            (200, 500_000),
            "{coding}: {}",
            answer.text()
        );
    }
    assert_eq!(
        engine.ask("SELECT count(), uniqExact(a) FROM t").await,
        "2000000\t500000"
    );
    let half = gzip[..gzip.len() / 2].to_vec();
    engine
        .send("POST", &target, &[("content-encoding", "gzip")], half)
        .await
        .is_exception(400, 117, "Cannot decompress the body");
    engine
        .send("POST", &target, &[("content-encoding", "br")], gzip.clone())
        .await
        .is_exception(501, 48, "'br'");
    engine
        .send(
            "POST",
            &format!("{target}&decompress=1"),
            &[],
            "not a frame at all, not even nearly",
        )
        .await
        .is_exception(400, 117, "frame");
    assert_eq!(engine.ask("SELECT count() FROM t").await, "2000000");
}
