//! What only a file can suffer: a second process, a kill in the middle of a write, a wrong file.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::SignalKind;
use whence_core::id::LinkId;
use whence_core::store::{Change, CreateError, FileStore, LinkStore, StoreError, open};

use crate::backend::{changed, link, workspace};

/// Names the file to the child.
const FILE: &str = "WHENCE_TEST_LINK_STORE";
/// What the child writes before each id that was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged ";
/// How often the child is killed, each time at another moment of a write.
const KILLS: u64 = 8;

/// A child that writes; killed when the test ends, however it ends.
struct Writer(Child);

impl Writer {
    /// Writes links into `file` until it is killed.
    fn start(file: &Path) -> Self {
        Self::run("file_only::writes_until_it_is_killed", file)
    }

    /// Runs one of the ignored tests below in another process.
    fn run(test: &str, file: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FILE, file)
            .stdout(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// The ids that it had acknowledged before and while it was killed after `count` of them.
    fn kill_after(mut self, count: usize) -> Vec<u64> {
        let lines = BufReader::new(self.0.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        // What a line of the test harness precedes on the same line counts too.
        let mut ids = lines.filter_map(|line| line.split_once(ACKNOWLEDGED)?.1.parse::<u64>().ok());
        let mut acknowledged: Vec<u64> = ids.by_ref().take(count).collect();
        self.0.kill().unwrap();
        acknowledged.extend(ids);
        acknowledged
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "the child of what_was_acknowledged_survives_kill_9"]
async fn writes_until_it_is_killed() {
    let file = std::env::var_os(FILE).expect("only another test starts this, and names the file");
    let store = FileStore::open(Path::new(&file)).unwrap();
    let written = store.links(&workspace("acme"), None, 1).await.unwrap();
    for id in written.first().map_or(0, |link| link.id.0 + 1).. {
        let made = link(id, &format!("s{id}"));
        store.create_link(&made).await.unwrap();
        store
            .change_link(&changed(&made, "https://a.example/"))
            .await
            .unwrap();
        println!("{ACKNOWLEDGED}{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.redb");
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        acknowledged.extend(Writer::start(&file).kill_after(3 + kill as usize));
    }
    assert!(acknowledged.len() >= (3 * KILLS) as usize);
    let store = FileStore::open(&file).unwrap();
    let listed = store
        .links(&workspace("acme"), None, usize::MAX)
        .await
        .unwrap();
    for id in &acknowledged {
        let expected = changed(&link(*id, &format!("s{id}")), "https://a.example/");
        assert_eq!(
            store
                .link(&expected.workspace, LinkId(*id))
                .await
                .unwrap()
                .as_ref(),
            Some(&expected)
        );
        assert!(listed.contains(&expected));
    }
    // A write that was killed is done or not done; it is never half a link.
    assert!(
        listed.len() <= acknowledged.len() + KILLS as usize,
        "{} listed",
        listed.len()
    );
    for link in &listed {
        assert_eq!(
            store
                .link_at(link.domain.as_str(), link.slug.as_str())
                .await
                .unwrap()
                .as_ref(),
            Some(link)
        );
        assert_eq!(
            store.link(&link.workspace, link.id).await.unwrap().as_ref(),
            Some(link)
        );
    }
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.redb");
    let mut writer = Writer::start(&file);
    let mut lines = BufReader::new(writer.0.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(ACKNOWLEDGED)));
    let error = FileStore::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    let text = error.to_string();
    assert!(text.contains(&*file.to_string_lossy()), "{text}");
    assert!(
        text.contains("another process") && text.contains("redis://"),
        "{text}"
    );
    drop(writer);
    FileStore::open(&file).unwrap();
}

/// A limit on the size of files fails writes as a full disk does, and can be lifted again.
#[tokio::test]
#[ignore = "the child of a_full_disk_takes_no_link_away"]
async fn runs_into_a_full_disk() {
    let file = std::env::var_os(FILE).expect("only another test starts this, and names the file");
    let store = FileStore::open(Path::new(&file)).unwrap();
    // With a handler in place the signal of the limit does not end the process.
    let signal = SignalKind::from_raw(Signal::XFSZ.as_raw());
    let _handled = tokio::signal::unix::signal(signal).unwrap();
    let no_limit = getrlimit(Resource::Fsize);
    let size = std::fs::metadata(&file).unwrap().len();
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(size),
            ..no_limit
        },
    )
    .unwrap();

    let large = |id| {
        changed(
            &link(id, &format!("s{id}")),
            &format!("https://a.example/{}", "x".repeat(4000)),
        )
    };
    let mut id = 0;
    let mut changes = store.changes();
    let full = loop {
        match store.create_link(&large(id)).await {
            Ok(()) => id += 1,
            Err(error) => break error,
        }
        assert!(id < 10_000, "the limit stops nobody");
    };
    assert!(
        matches!(full, CreateError::Store(StoreError::Unavailable(_))),
        "{full:?}"
    );
    // What that write was to change may be on the disk or not: whoever remembers anything is to ask again.
    let told: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok()).collect();
    assert_eq!(told.last(), Some(&Change::Everything));
    assert_eq!(told.len(), id as usize + 1);
    assert!(store.create_link(&large(id)).await.is_err());
    for id in 0..id {
        assert_eq!(
            store
                .link_at("go.example.com", &format!("s{id}"))
                .await
                .unwrap(),
            Some(large(id))
        );
    }
    setrlimit(Resource::Fsize, no_limit).unwrap();
    store.create_link(&large(id)).await.unwrap();
    println!("{ACKNOWLEDGED}{id}");
}

#[tokio::test]
async fn a_full_disk_takes_no_link_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.redb");
    let acknowledged = Writer::run("file_only::runs_into_a_full_disk", &file).kill_after(1);
    let [last] = acknowledged[..] else {
        panic!("the child failed")
    };
    let store = FileStore::open(&file).unwrap();
    assert_eq!(
        store
            .links(&workspace("acme"), None, usize::MAX)
            .await
            .unwrap()
            .len() as u64,
        last + 1
    );
}

#[tokio::test]
async fn a_file_that_is_no_store_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    let text = "my notes\n".repeat(1000);
    std::fs::write(&file, &text).unwrap();
    let error = open(&format!("file:{}", file.display()))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("notes.txt") && error.contains("not a link store"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below = folder.path().join("file/below/links.redb");
    let error = FileStore::open(&below).unwrap_err().to_string();
    assert!(error.contains(&*below.to_string_lossy()), "{error}");
    let error = FileStore::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains(&*folder.path().to_string_lossy()), "{error}");
}

#[tokio::test]
async fn all_is_there_again_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("links.redb");
    let store = FileStore::open(&file).unwrap();
    for id in 0..10 {
        store
            .create_link(&link(id, &format!("s{id}")))
            .await
            .unwrap();
    }
    drop(store);
    let store = FileStore::open(&file).unwrap();
    assert_eq!(
        store
            .links(&workspace("acme"), None, 100)
            .await
            .unwrap()
            .len(),
        10
    );
    assert_eq!(
        store.link_at("go.example.com", "s7").await.unwrap(),
        Some(link(7, "s7"))
    );
}
