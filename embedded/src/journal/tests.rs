//! The commands against real lanes, with a writer that has them open.

use std::fs;

use whence_core::click::Click;
use whence_core::journal::{self, LaneOptions, LaneReader, LaneWriter};
use whence_core::ship::Records;
use whence_core::ship::aside::{Aside, Note};
use whence_core::test_support;
use whence_core::wire;

use super::*;

struct Scene {
    dir: tempfile::TempDir,
    config: Config,
    _lane: (LaneWriter, LaneReader),
    ids: Vec<String>,
}

fn click(slug: &str) -> Click<'_> {
    Click {
        slug: slug.into(),
        ..test_support::click()
    }
}

/// A lane with six records, of which the first four are set aside in two blocks and two wait.
fn scene() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("redirector");
    let lane = journal.join("lane-0");
    let options = LaneOptions {
        segment_bytes: 1 << 20,
        ..LaneOptions::default()
    };
    let (mut writer, mut reader) = journal::open(&lane, options).unwrap();
    for slug in ["a", "b", "", "d", "e", "f"] {
        let mut bytes = Vec::new();
        match slug {
            "" => bytes.extend(b"\x02garbage"),
            slug => wire::encode(&click(slug), &mut bytes),
        }
        writer.append(&bytes).unwrap();
    }
    let aside = Aside::of(&lane);
    let mut ids = Vec::new();
    for reason in ["first reason", "second\nreason"] {
        let block = reader.next_block(1 << 20, 2).unwrap().unwrap();
        let note = Note::of(&block, "redirector", Records::Clicks, reason);
        aside.put(&block, &note).unwrap();
        reader.ack(block.id()).unwrap();
        ids.push(block.id().to_string());
    }
    let mut config = Config::default();
    config.redirector.journal.dir = Some(journal);
    config.ingest.journal.dir = Some(dir.path().join("ingest"));
    Scene {
        dir,
        config,
        _lane: (writer, reader),
        ids,
    }
}

impl Scene {
    fn block(&self, id: &str) -> Block {
        Block {
            block: id.into(),
            place: Place { dir: None },
        }
    }

    fn lanes(&self) -> Vec<Lane> {
        lanes(&self.config, &Place { dir: None }).unwrap()
    }

    fn run(&self, journal: Journal) -> Result<(), Failure> {
        run(&self.config, journal)
    }
}

#[test]
fn lanes_are_found_by_configuration_and_by_directory() {
    let scene = scene();
    assert_eq!(scene.lanes().len(), 1);
    let lane = scene.dir.path().join("redirector/lane-0");
    for dir in [
        scene.dir.path(),
        &scene.dir.path().join("redirector"),
        &lane,
    ] {
        let found = find::lanes(&Config::default(), Some(dir)).unwrap();
        assert_eq!(found[0].dir, lane, "{}", dir.display());
    }
    let empty = tempfile::tempdir().unwrap();
    let error = find::lanes(&scene.config, Some(empty.path())).unwrap_err();
    assert!(error.to_string().contains("no journal lane"), "{error}");
    for json in [false, true] {
        list::run(&scene.lanes(), json).unwrap();
    }
    fs::write(lane.join("lane"), "broken").unwrap();
    let error = list::run(&scene.lanes(), false).unwrap_err();
    assert!(error.to_string().contains("1 lanes cannot"), "{error}");
}

#[test]
fn a_block_is_named_by_what_tells_it_from_others() {
    let scene = scene();
    let lanes = scene.lanes();
    let id = |text: &str| find::block(&lanes, text).map(|found| found.entry.id.to_string());
    assert_eq!(id(&scene.ids[1]).unwrap(), scene.ids[1]);
    let beginning = &scene.ids[1][..scene.ids[1].len() - 2];
    assert_eq!(id(beginning).unwrap(), scene.ids[1]);
    let error = id(&scene.ids[0][..16]).unwrap_err().to_string();
    assert!(error.starts_with("2 blocks"), "{error}");
    let error = id("ffff").unwrap_err().to_string();
    assert!(error.contains("journal list"), "{error}");
}

#[test]
fn a_block_is_exported_as_it_travels_and_as_lines() {
    let scene = scene();
    let export = |format| {
        let file = scene.dir.path().join("out");
        let block = scene.block(&scene.ids[1]);
        let file_of = file.clone();
        scene
            .run(Journal::Export {
                block,
                file,
                format,
            })
            .unwrap();
        fs::read(file_of).unwrap()
    };
    let found = find::block(&scene.lanes(), &scene.ids[1]).unwrap();
    assert_eq!(export(Format::Wire), &found.read().unwrap().wire()[..]);
    let lines = String::from_utf8(export(Format::Jsonl)).unwrap();
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["seq"], 3);
    assert_eq!(lines[0]["base64"], "AmdhcmJhZ2U=");
    assert!(lines[0]["error"].as_str().unwrap().contains("click"));
    assert_eq!(
        (&lines[1]["seq"], &lines[1]["click"]["slug"]),
        (&4.into(), &"d".into())
    );
    scene
        .run(Journal::Show {
            block: scene.block(&scene.ids[0]),
        })
        .unwrap();
}

#[test]
fn resending_asks_and_dropping_wants_to_be_sure() {
    let scene = scene();
    let requested = || {
        let found = find::blocks(&scene.lanes()).unwrap();
        found
            .iter()
            .map(|it| it.entry.is_requested)
            .collect::<Vec<_>>()
    };
    let resend = |block: Option<&str>| {
        scene.run(Journal::Resend(Resend {
            block: block.map(String::from),
            all: block.is_none(),
            place: Place { dir: None },
        }))
    };
    resend(Some(&scene.ids[1])).unwrap();
    assert_eq!(requested(), [false, true]);
    resend(None).unwrap();
    assert_eq!(requested(), [true, true]);
    let drop = |yes| {
        let block = scene.block(&scene.ids[0]);
        scene.run(Journal::Drop { block, yes })
    };
    let error = drop(false).unwrap_err().to_string();
    assert!(
        error.contains("2 clicks") && error.contains("--yes"),
        "{error}"
    );
    assert_eq!(requested().len(), 2);
    drop(true).unwrap();
    assert_eq!(requested(), [true]);
    assert!(drop(true).unwrap_err().to_string().contains("list"));
}
