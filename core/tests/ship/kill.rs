//! A process that journals and ships is killed with `kill -9` at random moments, while the other side takes some
//! blocks, refuses others and leaves some without an answer. What it was told to be stored has arrived or is set
//! aside, once and unchanged, and nothing else is.
//!
//! The test starts itself anew as the process to be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use whence_core::account::LaneAccount;
use whence_core::journal::{self, Block, BlockId, LaneWriter, Seq};
use whence_core::ship::aside::Aside;
use whence_core::ship::{self, DeliverError, Records, Settings, ShipMetrics, Shipping, Sink};

use crate::support::{options, quick};

const ROUNDS: u64 = 40;
/// Where the child finds lane and socket.
const CHILD: &str = "WHENCE_TEST_SHIP_KILL";
const APPENDS: u8 = b'A';
const BLOCKS: u8 = b'B';
const TAKEN: u8 = 0;
const LATER: u8 = 1;
const NEVER: u8 = 2;

fn payload(seq: Seq) -> Vec<u8> {
    seq.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .to_le_bytes()
        .repeat(1 + seq as usize % 5)
}

fn settings() -> Settings {
    Settings {
        gather: Duration::from_millis(1),
        block_records: 20,
        first_pause: Duration::from_micros(100),
        longest_pause: Duration::from_micros(500),
        refusals: 2,
        refused_for: Duration::ZERO,
        look: Duration::from_millis(2),
        ..quick()
    }
}

#[test]
fn what_was_appended_arrives_or_is_set_aside_through_kill_9() {
    match env::var(CHILD) {
        Ok(dir) => child(Path::new(&dir)),
        Err(_) => parent(),
    }
}

/// The parent, as the child delivers to it.
struct Parent(Arc<Mutex<UnixStream>>);

impl Sink for Parent {
    async fn deliver(&self, block: &Block) -> Result<(), DeliverError> {
        let (socket, wire) = (Arc::clone(&self.0), block.wire().clone());
        let asked = tokio::task::spawn_blocking(move || {
            let mut socket = socket.lock().unwrap();
            socket.write_all(&(wire.len() as u32).to_le_bytes())?;
            socket.write_all(&wire)?;
            let mut answer = [0];
            socket.read_exact(&mut answer)?;
            io::Result::Ok(answer[0])
        });
        match asked.await.unwrap() {
            Ok(TAKEN) => Ok(()),
            Ok(NEVER) => Err(DeliverError::Refused("never".into())),
            _ => Err(DeliverError::Retry("later".into())),
        }
    }

    async fn account(&self, _: &[LaneAccount]) -> Result<(), DeliverError> {
        Ok(())
    }
}

fn child(dir: &Path) {
    let connect = |purpose| {
        let mut socket = UnixStream::connect(dir.join("socket")).unwrap();
        socket.write_all(&[purpose]).unwrap();
        socket
    };
    let (appends, blocks) = (connect(APPENDS), connect(BLOCKS));
    let (writer, reader) = journal::open(&dir.join("lane-0"), options()).unwrap();
    thread::spawn(move || append(writer, appends));
    let shipping = Shipping {
        service: "redirector",
        records: Records::Clicks,
        sink: Arc::new(Parent(Arc::new(Mutex::new(blocks)))),
        metrics: ShipMetrics::default(),
        settings: settings(),
    };
    let stop = CancellationToken::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let shipping = ship::run(reader, shipping, stop, Duration::ZERO);
    runtime.unwrap().block_on(shipping).unwrap();
}

fn append(mut writer: LaneWriter, mut told: UnixStream) {
    loop {
        let seq = writer.append(&payload(writer.next_seq())).unwrap();
        told.write_all(&seq.to_le_bytes()).unwrap();
        thread::sleep(Duration::from_micros(100));
    }
}

/// Kills its process when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the parent has.
#[derive(Default)]
struct Heard {
    stored: Vec<Seq>,
    taken: BTreeMap<BlockId, Block>,
    /// Every block that was set aside at some time.
    aside: BTreeSet<BlockId>,
    again: u64,
    random: u64,
}

impl Heard {
    fn random(&mut self) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(2026);
        self.random >> 33
    }

    /// What becomes of a block; none where the answer is lost.
    fn answer(&mut self, block: Block) -> Option<u8> {
        if let Some(before) = self.taken.get(&block.id()) {
            assert_eq!(before.wire(), block.wire(), "a block changed");
            self.again += 1;
            return Some(TAKEN);
        }
        // What is refused once is refused always, mostly.
        let is_poisoned = !block.id().first.is_multiple_of(3);
        match self.random() % 10 {
            0 => Some(LATER),
            1 => {
                self.taken.insert(block.id(), block);
                None
            }
            2.. if is_poisoned => Some(NEVER),
            _ => {
                self.taken.insert(block.id(), block);
                Some(TAKEN)
            }
        }
    }
}

fn hear(socket: UnixStream, heard: &Mutex<Heard>) {
    let mut answers = socket.try_clone().unwrap();
    let mut socket = BufReader::new(socket);
    let mut purpose = [0];
    let mut word = [0; 8];
    socket.read_exact(&mut purpose).unwrap();
    if purpose[0] == APPENDS {
        while socket.read_exact(&mut word).is_ok() {
            heard.lock().unwrap().stored.push(Seq::from_le_bytes(word));
        }
        return;
    }
    let mut length = [0; 4];
    while socket.read_exact(&mut length).is_ok() {
        let mut wire = vec![0; u32::from_le_bytes(length) as usize];
        // The last one may be cut off.
        if socket.read_exact(&mut wire).is_err() {
            return;
        }
        let block = Block::parse(Bytes::from(wire)).unwrap();
        let answer = heard.lock().unwrap().answer(block);
        if let Some(answer) = answer {
            let _ = answers.write_all(&[answer]);
        }
    }
}

fn parent() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
    let aside = Aside::of(&dir.path().join("lane-0"));
    let heard = Mutex::new(Heard::default());
    for round in 0..ROUNDS {
        let entries = aside.list().unwrap();
        let ids = entries.iter().map(|entry| entry.id);
        heard.lock().unwrap().aside.extend(ids);
        if round % 4 == 3 {
            for entry in entries {
                aside.request(entry.id).unwrap();
            }
        }
        let mut command = Command::new(env::current_exe().unwrap());
        let name = "kill::what_was_appended_arrives_or_is_set_aside_through_kill_9";
        command.args(["--exact", name]).env(CHILD, dir.path());
        let mut child = Killed(command.stdout(Stdio::null()).spawn().unwrap());
        thread::scope(|scope| {
            for _ in 0..2 {
                let (socket, _) = listener.accept().unwrap();
                scope.spawn(|| hear(socket, &heard));
            }
            let before = heard.lock().unwrap().stored.len();
            let more = 5 + heard.lock().unwrap().random() as usize % 200;
            let deadline = Instant::now() + Duration::from_secs(30);
            while heard.lock().unwrap().stored.len() < before + more {
                assert!(Instant::now() < deadline, "it is stuck");
                thread::sleep(Duration::from_micros(200));
            }
            assert!(child.0.try_wait().unwrap().is_none(), "it died by itself");
            child.0.kill().unwrap();
            child.0.wait().unwrap();
        });
    }
    check(dir.path(), heard.into_inner().unwrap());
}

fn check(dir: &Path, mut heard: Heard) {
    let path = dir.join("lane-0");
    let (_writer, mut reader) = journal::open(&path, options()).unwrap();
    let aside = Aside::of(&path);
    let kept: Vec<Block> = aside
        .list()
        .unwrap()
        .iter()
        .map(|entry| aside.read(entry.id).unwrap())
        .collect();
    // What was cut off between arriving, or being set aside, and its ack.
    while let Some(block) = reader.next_block(1 << 20, 1000).unwrap() {
        reader.ack(block.id()).unwrap();
        if !kept.contains(&block) {
            heard.taken.insert(block.id(), block);
        }
    }
    let mut found: BTreeMap<Seq, Vec<u8>> = BTreeMap::new();
    let mut both = 0;
    for block in &kept {
        // Only what was on its way in the last moment may be in both places: the oldest in the lane that was
        // set aside and not yet acked, and one that was sent again.
        both += u64::from(heard.taken.contains_key(&block.id()));
    }
    assert!(both <= 2, "{both} blocks have arrived and are set aside");
    let kept_count = kept.len();
    let kept = kept.into_iter().map(|block| (block.id(), block));
    heard.taken.extend(kept);
    for (seq, payload) in heard.taken.values().flat_map(Block::records) {
        let before = found.insert(seq, payload.to_vec());
        assert_eq!(before, None, "record {seq} is in two blocks");
    }
    assert!(
        heard.stored.len() > 1_000,
        "only {} appends",
        heard.stored.len()
    );
    let aside = heard.aside.len();
    assert!(aside > 5, "only {aside} were ever set aside");
    assert!(
        heard.again > 0,
        "no kill came between an arrival and its ack"
    );
    for seq in &heard.stored {
        assert_eq!(found.get(seq), Some(&payload(*seq)), "record {seq}");
    }
    // A kill between an append and its message leaves one record a round that nobody was told of.
    let unheard = found.len() - heard.stored.len();
    assert!(unheard as u64 <= ROUNDS, "{unheard} records were invented");
    println!(
        "{ROUNDS} kills, {} appended, {} blocks arrived, {aside} were set aside, {kept_count} are, {} offered again",
        heard.stored.len(),
        heard.taken.len() - kept_count,
        heard.again
    );
}
