//! A block that is refused for good is set aside, those behind it go on, and it is sent again when somebody asks.

use std::sync::Arc;
use std::time::Duration;

use whence_core::account::GapReason;
use whence_core::journal::{Block, BlockId, LaneWriter};
use whence_core::ship::aside::{Aside, AsideError, Entry};
use whence_core::ship::{DeliverError, Records, Settings};

use crate::support::{Other, Running, append, lane, quick, until};

/// Holds the record with this number.
fn holds(block: &Block, poison: u64) -> bool {
    let poison = poison.to_le_bytes();
    block.records().any(|(_, payload)| payload == poison)
}

fn refuses(poison: u64) -> impl Fn(&Block) -> Result<(), DeliverError> + Send + Sync {
    move |block| match holds(block, poison) {
        true => Err(DeliverError::Refused("TYPE_MISMATCH in row 3".into())),
        false => Ok(()),
    }
}

fn by_tens() -> Settings {
    Settings {
        block_records: 10,
        ..quick()
    }
}

struct Scene {
    dir: tempfile::TempDir,
    _writer: LaneWriter,
    other: Arc<Other>,
    running: Running,
}

impl Scene {
    /// Fifty records in blocks of ten, of which the second is set aside.
    async fn with_one_aside() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, reader) = lane(dir.path());
        append(&mut writer, 0, 50);
        let other = Other::new(refuses(13));
        let running = Running::start(reader, &other, by_tens());
        until("the others arrived", || other.payloads().len() == 40).await;
        Self {
            dir,
            _writer: writer,
            other,
            running,
        }
    }

    fn aside(&self) -> Aside {
        Aside::of(&self.dir.path().join("lane-0"))
    }

    fn entries(&self) -> Vec<Entry> {
        self.aside().list().unwrap()
    }

    fn poisoned(&self) -> BlockId {
        self.entries()[0].id
    }
}

#[tokio::test]
async fn a_refused_block_is_set_aside_and_those_behind_it_arrive() {
    let scene = Scene::with_one_aside().await;
    let entries = scene.entries();
    assert_eq!(entries.len(), 1);
    let (id, note) = (entries[0].id, entries[0].note.clone().unwrap());
    assert_eq!((id.first, id.last, note.count), (11, 20, 10));
    assert_eq!(note.reason, "TYPE_MISMATCH in row 3");
    assert_eq!(note.records, Records::Clicks);
    let offered = scene.other.offers();
    let tries = offered.iter().filter(|offer| **offer == id).count();
    assert!(tries >= 3, "offered {tries} times before");
    let first_offer = scene.other.offered.lock().unwrap()[1].clone();
    assert_eq!(
        scene.aside().read(id).unwrap(),
        first_offer,
        "byte for byte"
    );
    assert_eq!(scene.running.figure("blocks_set_aside_total"), 1.0);
    assert_eq!(scene.running.figure("journal_blocks_aside"), 1.0);
    until("the account tells", || {
        let accounts = scene.other.accounts.lock().unwrap();
        let gaps = accounts.iter().flat_map(|account| &account.gaps);
        let mut aside = gaps.filter(|gap| gap.reason == GapReason::SetAside);
        aside.any(|gap| (gap.first, gap.last) == (11, 20) && gap.detail.contains("TYPE"))
    })
    .await;
    scene.running.stop().await;
}

#[tokio::test]
async fn what_some_refuse_and_others_cannot_be_asked_waits_longer() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    append(&mut writer, 0, 10);
    let other = Other::new(|_| Err(DeliverError::Disputed("one refuses, one is away".into())));
    let settings = Settings {
        disputed_for: Duration::from_secs(600),
        ..quick()
    };
    let running = Running::start(reader, &other, settings);
    until("it is offered often", || other.offers().len() > 20).await;
    assert_eq!(running.figure("blocks_set_aside_total"), 0.0);
    other.answers(|_| Ok(()));
    until("it arrives", || other.payloads().len() == 10).await;
    running.stop().await;
}

#[tokio::test]
async fn it_is_sent_again_by_a_running_shipper() {
    let scene = Scene::with_one_aside().await;
    let id = scene.poisoned();
    // It is still refused: it stays, and is not tried again and again.
    scene.other.answers(|block| match holds(block, 13) {
        true => Err(DeliverError::Refused("still".into())),
        false => Ok(()),
    });
    scene.aside().request(id).unwrap();
    until("it was tried", || {
        let entry = scene.entries().remove(0);
        !entry.is_requested && entry.note.is_some_and(|note| note.reason == "still")
    })
    .await;
    // Ingest is away: the wish stays until it is back.
    scene
        .other
        .answers(|_| Err(DeliverError::Retry("away".into())));
    scene.aside().request(id).unwrap();
    let before = scene.other.offers().len();
    until("it is tried", || scene.other.offers().len() > before + 1).await;
    assert!(scene.entries()[0].is_requested);
    scene.other.answers(|_| Ok(()));
    until("it arrived", || scene.other.payloads().len() == 50).await;
    until("it is gone", || scene.entries().is_empty()).await;
    until("it is counted", || {
        scene.running.figure("blocks_resent_total") == 1.0
    })
    .await;
    let aside = || scene.running.figure("journal_blocks_aside");
    until("none is aside", || aside() == 0.0).await;
    let missing = scene.aside().request(id).unwrap_err();
    assert!(matches!(missing, AsideError::Missing { .. }), "{missing}");
    scene.running.stop().await;
}

#[tokio::test]
async fn it_is_sent_again_by_the_next_start_which_tells_of_it_anew() {
    let scene = Scene::with_one_aside().await;
    let id = scene.poisoned();
    let aside = scene.aside();
    let Scene {
        dir,
        other,
        running,
        _writer,
    } = scene;
    running.stop().await;
    drop(_writer);
    aside.request(id).unwrap();
    other.answers(|_| Ok(()));
    other.accounts.lock().unwrap().clear();
    let (_writer, reader) = lane(dir.path());
    let running = Running::start(reader, &other, by_tens());
    until("it arrived", || other.payloads().len() == 50).await;
    until("its reason is told once more", || {
        let accounts = other.accounts.lock().unwrap();
        let mut gaps = accounts.iter().flat_map(|account| &account.gaps);
        gaps.any(|gap| gap.reason == GapReason::SetAside && gap.first == id.first)
    })
    .await;
    running.stop().await;
    assert!(aside.list().unwrap().is_empty());
}

#[tokio::test]
async fn set_aside_just_before_a_crash_and_then_taken_it_is_in_one_place() {
    let dir = tempfile::tempdir().unwrap();
    let aside = Aside::of(&dir.path().join("lane-0"));
    let (mut writer, mut reader) = lane(dir.path());
    append(&mut writer, 0, 10);
    // The files are there, the ack is not.
    let block = reader.next_block(1 << 20, 10).unwrap().unwrap();
    let note = whence_core::ship::aside::Note::of(&block, "redirector", Records::Clicks, "no");
    aside.put(&block, &note).unwrap();
    reader.rewind();
    let other = Other::new(|_| Ok(()));
    let running = Running::start(reader, &other, quick());
    until("it arrived", || other.payloads().len() == 10).await;
    until("it is set aside no more", || {
        aside.list().unwrap().is_empty()
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn where_there_is_no_room_for_it_the_block_holds_up_its_lane_until_one_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let aside = Aside::of(&dir.path().join("lane-0"));
    let (mut writer, reader) = lane(dir.path());
    // A quarter of 16 MiB is room for four blocks of 1 MB, and not for a fifth.
    for n in 0..5_500_u64 {
        let mut payload = vec![0; 1000];
        payload[..8].copy_from_slice(&n.to_le_bytes());
        writer.append(&payload).unwrap();
    }
    let other = Other::new(|_| Err(DeliverError::Refused("no".into())));
    let settings = Settings {
        block_records: 1_000,
        ..quick()
    };
    let running = Running::start(reader, &other, settings);
    until("four are set aside", || aside.list().unwrap().len() == 4).await;
    let before = other.offers().len();
    until("the fifth is offered", || other.offers().len() > before + 5).await;
    assert_eq!(aside.list().unwrap().len(), 4);
    assert!(aside.remove(aside.list().unwrap()[0].id).unwrap());
    until("the fifth is set aside", || {
        running.figure("blocks_set_aside_total") == 5.0
    })
    .await;
    let is_there = |last| {
        aside
            .list()
            .unwrap()
            .iter()
            .any(|entry| entry.id.last == last)
    };
    assert!(is_there(5_000) && !is_there(1_000));
    other.answers(|_| Ok(()));
    until("what is left arrived", || other.payloads().len() == 500).await;
    running.stop().await;
}
