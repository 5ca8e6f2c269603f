//! Statements as clients send them, and as they might try to mislead the scanner.

use proptest::prelude::*;

use super::*;

fn known(text: &str) -> Statement<'_> {
    match scan(text.as_bytes(), true).unwrap() {
        Scan::Known(statement) => statement,
        Scan::NeedMore => panic!("a complete text needs no more"),
    }
}

fn select(text: &str) -> (String, Option<String>, String) {
    match known(text) {
        Statement::Select {
            text,
            format,
            settings,
        } => (
            String::from_utf8_lossy(text).trim().to_owned(),
            format.map(|format| String::from_utf8_lossy(format).into_owned()),
            String::from_utf8_lossy(settings).into_owned(),
        ),
        other => panic!("not a SELECT: {other:?}"),
    }
}

fn insert_of(text: &str) -> (String, String, String) {
    match known(text) {
        Statement::Insert {
            text: head,
            format,
            data,
        } => (
            String::from_utf8_lossy(head).into_owned(),
            String::from_utf8_lossy(format).into_owned(),
            text[data..].to_owned(),
        ),
        other => panic!("not an INSERT with data: {other:?}"),
    }
}

#[test]
fn a_select_gives_up_its_format() {
    let cases = [
        ("SELECT 1", "SELECT 1", None, ""),
        ("SELECT 1;\n -- done\n", "SELECT 1", None, ""),
        ("select 1 format JSON", "select 1", Some("JSON"), ""),
        (
            "SELECT 1 FORMAT JSON SETTINGS max_threads = 1;",
            "SELECT 1",
            Some("JSON"),
            "SETTINGS max_threads = 1",
        ),
        (
            "SELECT 1 SETTINGS a = 1 FORMAT CSV /* x */",
            "SELECT 1 SETTINGS a = 1",
            Some("CSV"),
            "",
        ),
        (
            "(SELECT 1) UNION ALL (SELECT 2 FORMAT x) FORMAT TSV",
            "(SELECT 1) UNION ALL (SELECT 2 FORMAT x)",
            Some("TSV"),
            "",
        ),
        (
            "WITH 1 AS x SELECT x FORMAT Null",
            "WITH 1 AS x SELECT x",
            Some("Null"),
            "",
        ),
        ("FROM t SELECT a", "FROM t SELECT a", None, ""),
        (
            "((WITH 1 AS x SELECT x))",
            "((WITH 1 AS x SELECT x))",
            None,
            "",
        ),
    ];
    for (text, head, format, settings) in cases {
        assert_eq!(
            select(text),
            (
                head.to_owned(),
                format.map(str::to_owned),
                settings.to_owned()
            ),
            "{text}"
        );
    }
}

#[test]
fn a_name_that_reads_like_a_keyword_is_a_name() {
    for text in [
        "SELECT format x",
        "SELECT a, format x",
        "SELECT format FROM format",
        "SELECT 1 FROM t WHERE format",
        "SELECT ' FORMAT JSON'",
        "SELECT 1 -- FORMAT JSON",
        "SELECT `FORMAT` JSON",
        "SELECT format(x, 'JSON') AS JSON",
    ] {
        assert_eq!(select(text).1, None, "{text}");
    }
    assert_eq!(
        insert_of("INSERT INTO values VALUES (1)").0,
        "INSERT INTO values"
    );
    assert_eq!(insert_of("INSERT INTO db.format FORMAT CSV 1").1, "CSV");
    assert_eq!(
        insert_of("INSERT INTO t (values, format) VALUES (1, 2)").2,
        " (1, 2)"
    );
}

#[test]
fn an_insert_is_cut_where_its_data_starts() {
    let cases = [
        (
            "INSERT INTO t VALUES (1)",
            "INSERT INTO t",
            "Values",
            " (1)",
        ),
        (
            "insert into t (a, b) values(1, ';')",
            "insert into t (a, b)",
            "values",
            "(1, ';')",
        ),
        (
            "INSERT INTO t FORMAT CSV\n1\n",
            "INSERT INTO t",
            "CSV",
            "1\n",
        ),
        (
            "INSERT INTO t FORMAT CSV \t\r\n1\n",
            "INSERT INTO t",
            "CSV",
            "1\n",
        ),
        (
            "INSERT INTO t FORMAT CSV 1\n",
            "INSERT INTO t",
            "CSV",
            "1\n",
        ),
        (
            "INSERT INTO t FORMAT CSV\n\n1",
            "INSERT INTO t",
            "CSV",
            "\n1",
        ),
        (
            "INSERT INTO t FORMAT RowBinary",
            "INSERT INTO t",
            "RowBinary",
            "",
        ),
        (
            "/* x */ INSERT INTO t SETTINGS a = 'VALUES' FORMAT TSV\n",
            "/* x */ INSERT INTO t SETTINGS a = 'VALUES'",
            "TSV",
            "",
        ),
        (
            "INSERT INTO FUNCTION null('a UInt8') FORMAT CSV 1",
            "INSERT INTO FUNCTION null('a UInt8')",
            "CSV",
            "1",
        ),
    ];
    for (text, head, format, data) in cases {
        let (found_head, found_format, found_data) = insert_of(text);
        assert!(found_format.eq_ignore_ascii_case(format), "{text}");
        assert_eq!(
            (found_head.as_str(), found_data.as_str()),
            (head, data),
            "{text}"
        );
    }
}

#[test]
fn everything_else_goes_to_the_engine_as_it_stands() {
    for (text, kept) in [
        (
            "CREATE TABLE t (a Int8) ENGINE = Memory;",
            "CREATE TABLE t (a Int8) ENGINE = Memory",
        ),
        ("INSERT INTO t SELECT 1", "INSERT INTO t SELECT 1"),
        (
            "INSERT INTO t (a) (SELECT 1)",
            "INSERT INTO t (a) (SELECT 1)",
        ),
        (
            "INSERT INTO t WITH 1 AS x SELECT x",
            "INSERT INTO t WITH 1 AS x SELECT x",
        ),
        (
            "WITH 1 AS x INSERT INTO t SELECT x",
            "WITH 1 AS x INSERT INTO t SELECT x",
        ),
        ("SHOW TABLES FORMAT JSON", "SHOW TABLES FORMAT JSON"),
        ("nonsense 'never closed", "nonsense 'never closed"),
    ] {
        match known(text) {
            Statement::Other { text: found, .. } => assert_eq!(found, kept.as_bytes(), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn what_a_server_refuses_is_refused_by_name() {
    for (text, code) in [
        ("SELECT 1 INTO OUTFILE '/tmp/x'", 358),
        ("SHOW TABLES into outfile 'x'", 358),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", 78),
        ("INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV", 48),
        ("SELECT 1; SELECT 2", 62),
        ("INSERT INTO t FORMAT CSV;", 62),
        ("INSERT INTO t FORMAT", 62),
        ("", 62),
        (" -- nothing", 62),
        (";", 62),
    ] {
        assert_eq!(
            scan(text.as_bytes(), true).unwrap_err().code,
            code,
            "{text}"
        );
    }
}

#[test]
fn a_piece_is_not_judged_before_enough_of_it_is_there() {
    for text in [
        "INSERT INTO t FORM",
        "INSERT INTO t FORMAT",
        "INSERT INTO t FORMAT CS",
        "INSERT INTO t FORMAT CSV ",
        "INSERT INTO t FORMAT CSV\r",
        "INSERT INTO t VALUES",
        "SELECT 1",
    ] {
        assert_eq!(
            scan(text.as_bytes(), false).unwrap(),
            Scan::NeedMore,
            "{text}"
        );
    }
    assert!(matches!(
        scan(b"INSERT INTO t FORMAT CSV\n1", false).unwrap(),
        Scan::Known(_)
    ));
}

/// What statements, and attacks on a scanner, are made of.
const PIECES: &[&[u8]] = &[
    b"INSERT INTO ",
    b"SELECT ",
    b"WITH ",
    b"FORMAT ",
    b"VALUES",
    b"INTO OUTFILE ",
    b"FROM INFILE ",
    b"input",
    b"SETTINGS ",
    b"(",
    b")",
    b"'",
    b"`",
    b"\"",
    b";",
    b"--",
    b"# ",
    b"/*",
    b"*/",
    b"$a$",
    b"\\",
    b"t ",
    b"\n",
    b"\r",
    b" ",
    b"\xff",
    b"\0",
];

proptest! {
    #[test]
    fn no_text_makes_the_scanner_panic(
        text in proptest::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat()),
        complete in any::<bool>(),
    ) {
        let _ = scan(&text, complete);
    }

    #[test]
    fn a_longer_text_confirms_what_a_piece_said(data in "\\PC{0,12}", cut in 0_usize..60) {
        let whole = format!("INSERT INTO t (a) SETTINGS x = 1 FORMAT CSV\n{data}");
        let piece = &whole.as_bytes()[..cut.min(whole.len())];
        if let Scan::Known(Statement::Insert { data: at, .. }) = scan(piece, false).unwrap() {
            prop_assert_eq!(&whole[at..], data.as_str());
        }
    }
}
