//! What fails, what is said of it, and how to go on.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Installation, run};

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_fail_are_told_by_line_and_field_and_kept() {
    let acme = Installation::start().await;
    let csv = "domain,slug,destination,status,notes\n\
        go.example,/good,https://shop.example/,302,\n\
        go.example,/bad,https://shop.example/,200,\"two\nlines\"\n\
        go.example,/worse,nowhere,302,\n\
        go.example,/good,https://other.example/,302,again\n";
    let file = acme.write("links.csv", csv);
    let failed = acme.path("failed.csv").display().to_string();
    let ended = acme.links(&["import", &file, "--failed", &failed]).await;
    assert_eq!(ended.code, 70, "{ended:?}");
    for said in [
        "line 3: status: must be 301, 302, 307 or 308",
        "line 5: destination: ",
        "line 6: ",
        "4 rows: 1 made, 0 replaced, 0 unchanged, 0 skipped, 3 failed",
        "3 of 4 rows failed",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("line 2:"), "{}", ended.stderr);
    let kept = acme.read("failed.csv");
    let metadata = acme.path("failed.csv").metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(!acme.path("failed.csv.part").exists());
    let names = csv.lines().next().unwrap();
    assert!(
        kept.starts_with(names) && !kept.contains("/good,https://shop.example"),
        "{kept}"
    );

    // Mended, they are made.
    let mended = kept
        .replace(",200,", ",301,")
        .replace("nowhere", "https://shop.example/")
        .replace("/good", "/better");
    let file = acme.write("mended.csv", &mended);
    let ended = acme.links(&["import", &file]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut slugs: Vec<_> = acme
        .stored()
        .await
        .iter()
        .map(|link| link.slug.to_string())
        .collect();
    slugs.sort_unstable();
    assert_eq!(slugs, ["bad", "better", "good", "worse"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_kept_beside_the_file_that_is_read_and_added_to() {
    let acme = Installation::start().await;
    let csv = "slug,destination\na,nowhere\nb,nowhere\n";
    let file = acme.write("links.csv", csv);
    let same = acme.path("./links.csv").display().to_string();
    let ended = acme.links(&["import", &file, "--failed", &same]).await;
    assert_eq!(ended.code, 64, "{ended:?}");
    assert!(ended.stderr.contains("links.csv"), "{}", ended.stderr);
    assert_eq!(acme.read("links.csv"), csv);
    let device = acme
        .links(&["import", &file, "--failed", "/dev/null"])
        .await;
    assert_eq!(device.code, 64, "{device:?}");

    let failed = acme.path("failed.csv").display().to_string();
    let (data, nobody) = (acme.path(""), "http://127.0.0.1:1");
    let import = ["import", &file, "--failed", &failed];
    acme.links(&import).await;
    assert_eq!(acme.read("failed.csv"), csv);
    // An import that comes to nothing leaves the file, and one that goes on adds to it.
    run(&data, &[&import[..], &["--url", nobody]].concat(), &[], "").await;
    assert_eq!(acme.read("failed.csv"), csv);
    let go_on = [&import[..], &["--from-line", "3"]].concat();
    acme.links(&go_on).await;
    assert_eq!(acme.read("failed.csv"), format!("{csv}b,nowhere\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_goes_in_parts_and_on_from_a_line() {
    let acme = Installation::start().await;
    let mut text = String::new();
    for n in 0..10_001 {
        let _ = writeln!(
            text,
            r#"{{"slug":"link-{n}","destination":"https://shop.example/"}}"#
        );
    }
    // The part before it is imported all the same.
    text.push_str(&"x".repeat(9 << 20));
    let file = acme.write("links.jsonl", &text);
    let ended = acme.links(&["import", &file]).await;
    assert_eq!(ended.code, 70);
    assert!(
        ended.stderr.contains("imported 10000 links …"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("10000 rows: 10000 made"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("line 10002: is longer than 8 MiB"),
        "{}",
        ended.stderr
    );
    assert_eq!(acme.stored().await.len(), 10_000);

    let whole = text.split_once("xx").unwrap().0;
    let file = acme.write("links.jsonl", whole.trim_end_matches('x'));
    let ended = acme.links(&["import", &file, "--from-line", "10001"]).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("1 rows: 1 made"), "{}", ended.stderr);
    assert_eq!(acme.stored().await.len(), 10_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_away_is_named_with_the_way_on() {
    let acme = Installation::start().await;
    let file = acme.write("links.csv", "slug,destination\na,https://shop.example/\n");
    let data = acme.path("");
    // Nobody listens there.
    let nobody = ["import", &file, "--url", "http://127.0.0.1:1"];
    let ended = run(&data, &nobody, &[], "").await;
    assert_eq!(ended.code, 70, "{ended:?}");
    for said in [
        "http://127.0.0.1:1/api/v1/links/import",
        "--from-line 2",
        "neither a slug nor an external_id",
        "--on-conflict skip",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    let target = acme.path("export.csv").display().to_string();
    let ended = run(
        &data,
        &["export", &target, "--url", "http://127.0.0.1:1"],
        &[],
        "",
    )
    .await;
    assert_eq!(ended.code, 70, "{ended:?}");
    assert!(!acme.path("export.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named_before_anything_is_asked() {
    let acme = Installation::start().await;
    let url = format!("http://{}", acme.address);
    let empty = tempfile::tempdir().unwrap();
    for (args, said) in [
        (&["export"][..], "--format"),
        (&["import", "links.txt", "--url", &url], "--format"),
        (&["export", "x.csv", "--url", "ftp://h"], "--url"),
        (&["export", "x.csv", "--url", "h:80"], "--url"),
        (
            &["export", "x.csv", "--key-file", "/nowhere/key"],
            "/nowhere/key",
        ),
    ] {
        let ended = run(&acme.path(""), args, &[], "").await;
        assert_eq!(ended.code, 64, "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{args:?}: {}", ended.stderr);
    }
    let keyless = run(empty.path(), &["export", "x.csv", "--url", &url], &[], "").await;
    assert_eq!(keyless.code, 64);
    for said in ["api-key", "--key-file", "WHENCE_API_KEY"] {
        assert!(keyless.stderr.contains(said), "{said}: {}", keyless.stderr);
    }
    let missing = run(
        &acme.path(""),
        &["import", "/nowhere.csv", "--url", &url],
        &[],
        "",
    )
    .await;
    assert_eq!(missing.code, 70);
    assert!(
        missing.stderr.contains("/nowhere.csv"),
        "{}",
        missing.stderr
    );
    let names = acme.write("names.csv", "slug,colour\na,red\n");
    let ended = acme.links(&["import", &names]).await;
    assert_eq!(ended.code, 70);
    assert!(ended.stderr.contains("colour"), "{}", ended.stderr);
}
