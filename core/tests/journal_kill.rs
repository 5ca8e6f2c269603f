//! A process that appends, seals and acks is killed with `kill -9`, again and again, at random moments. What
//! it was told to be stored is there after it, once and unchanged; nothing else is.
//!
//! The test starts itself anew as the process to be killed and plays ingest for it: over a socket the child
//! tells each number it was given, and hands over each block before it acks it.
#![allow(clippy::unwrap_used)] // As in every test; the lint does not see that a helper belongs to one.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufReader, Read, Write},
    os::unix::{
        net::{UnixListener, UnixStream},
        process::ExitStatusExt,
    },
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bytes::Bytes;
use whence_core::journal::{
    self, AppendError, Block, BlockId, LaneOptions, LaneReader, LaneWriter, Seq,
};
use whence_core::test_support::Killed;

const ROUNDS: u64 = 40;

/// Where the child finds lane and socket.
const CHILD: &str = "WHENCE_TEST_JOURNAL_KILL";

/// Small, so that segments come and go many times in a round, and the lane is full now and then.
fn options() -> LaneOptions {
    LaneOptions {
        segment_bytes: 64 << 10,
        max_bytes: 1 << 20,
        max_record_bytes: 2000,
        sync_interval: Duration::from_millis(5),
        ..LaneOptions::default()
    }
}

/// Tells its number, in a length that depends on it.
fn payload(seq: Seq) -> Vec<u8> {
    let bytes = (seq.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 53) as usize % 700;
    seq.to_le_bytes()
        .into_iter()
        .chain((0..bytes).map(|place| (seq as usize + place) as u8))
        .collect()
}

#[test]
fn what_was_appended_survives_kill_9() {
    match env::var(CHILD) {
        Ok(dir) => child(Path::new(&dir)),
        Err(_) => parent(),
    }
}

fn child(dir: &Path) {
    let socket = UnixStream::connect(dir.join("socket")).unwrap();
    let socket = Arc::new(Mutex::new(socket));
    let (mut writer, reader) = journal::open(&dir.join("lane"), options()).unwrap();
    let ingest = Arc::clone(&socket);
    thread::spawn(move || ship(reader, &ingest));
    loop {
        append(&mut writer, &socket);
    }
}

fn append(writer: &mut LaneWriter, socket: &Mutex<UnixStream>) {
    let message = match writer.append(&payload(writer.next_seq())) {
        Ok(seq) => message(b'A', &seq.to_le_bytes()),
        Err(AppendError::Full { seq }) => {
            thread::sleep(Duration::from_millis(1));
            message(b'F', &seq.to_le_bytes())
        }
        Err(error) => panic!("{error}"),
    };
    socket.lock().unwrap().write_all(&message).unwrap();
}

fn ship(mut reader: LaneReader, socket: &Mutex<UnixStream>) {
    loop {
        match reader.next_block(20_000, 100).unwrap() {
            Some(block) => {
                socket
                    .lock()
                    .unwrap()
                    .write_all(&message(b'B', block.wire()))
                    .unwrap();
                // As long as an answer of ingest takes.
                thread::sleep(Duration::from_millis(2));
                reader.ack(block.id()).unwrap();
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend((body.len() as u32).to_le_bytes());
    message.extend(body);
    message
}

/// What the child said and gave.
#[derive(Default)]
struct Heard {
    stored: Vec<Seq>,
    refused: Vec<Seq>,
    blocks: BTreeMap<BlockId, Bytes>,
    repeated: u64,
}

impl Heard {
    /// Reads until the child is dead, whose last message may be cut off; kills it after so many messages, the
    /// last of which is a block in every second round, so that its ack is under way.
    fn listen(&mut self, socket: UnixStream, mut child: Killed, messages: u64, is_at_block: bool) {
        let mut socket = BufReader::new(socket);
        let mut heard = 0;
        while let Ok((kind, body)) = read_message(&mut socket) {
            heard += 1;
            if heard >= messages && (kind == b'B' || !is_at_block) {
                child.kill().unwrap();
            }
            let seq = || Seq::from_le_bytes(body[..].try_into().unwrap());
            match kind {
                b'A' => self.stored.push(seq()),
                b'F' => self.refused.push(seq()),
                b'B' => self.take(Block::parse(body.into()).unwrap()),
                kind => panic!("unknown message {kind}"),
            }
        }
        assert_eq!(
            child.wait().unwrap().signal(),
            Some(9),
            "the child died by itself"
        );
    }

    fn take(&mut self, block: Block) {
        let before = self.blocks.insert(block.id(), block.wire().clone());
        if let Some(before) = before {
            assert_eq!(before, block.wire(), "{} changed", block.id());
            self.repeated += 1;
        }
    }
}

fn read_message(socket: &mut impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    socket.read_exact(&mut head)?;
    let mut body = vec![0; u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize];
    socket.read_exact(&mut body)?;
    Ok((head[0], body))
}

fn parent() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("socket")).unwrap();
    let mut heard = Heard::default();
    let mut random = 2026_u64;
    for round in 0..ROUNDS {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "what_was_appended_survives_kill_9"])
            .env(CHILD, dir.path());
        let child = Killed(command.stdout(Stdio::null()).spawn().unwrap());
        let (socket, _) = listener.accept().unwrap();
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        heard.listen(socket, child, (random >> 33) % 1_500, round % 2 == 0);
    }
    check(dir.path(), heard);
}

fn check(dir: &Path, mut heard: Heard) {
    let (writer, mut reader) = journal::open(&dir.join("lane"), options()).unwrap();
    let next = writer.next_seq();
    while let Some(block) = reader.next_block(1 << 20, 1000).unwrap() {
        reader.ack(block.id()).unwrap();
        heard.take(block);
    }
    let mut found = BTreeMap::new();
    let mut covered = 0;
    for wire in heard.blocks.values() {
        let block = Block::parse(wire.clone()).unwrap();
        assert_eq!(
            block.id().first,
            covered + 1,
            "blocks overlap or leave a gap"
        );
        covered = block.id().last;
        found.extend(
            block
                .records()
                .map(|(seq, payload)| (seq, payload.to_vec())),
        );
    }
    assert!(
        heard.stored.len() > 10_000,
        "only {} appends",
        heard.stored.len()
    );
    assert!(
        heard.repeated > 0,
        "no kill came between a block and its ack"
    );
    assert!(heard.stored.is_sorted() && heard.stored.windows(2).all(|pair| pair[0] < pair[1]));
    for seq in &heard.stored {
        assert_eq!(
            found.get(seq),
            Some(&payload(*seq)),
            "record {seq} is lost or changed"
        );
    }
    for seq in &heard.refused {
        assert!(
            !found.contains_key(seq),
            "record {seq} was refused and is there"
        );
    }
    // A kill between an append and its message leaves one record a round that nobody was told of.
    let unheard = found
        .keys()
        .filter(|seq| heard.stored.binary_search(seq).is_err())
        .count() as u64;
    assert!(unheard <= ROUNDS, "{unheard} records were invented");
    assert!(found.keys().all(|seq| *seq < next));
    let told = (heard.stored.len() + heard.refused.len()) as u64;
    assert!(
        next > told && next - 1 <= told + ROUNDS,
        "numbers have gaps: {next} after {told}"
    );
    println!(
        "{ROUNDS} kills, {} appended, {} refused, {} blocks, {} handed out again, {unheard} unheard",
        heard.stored.len(),
        heard.refused.len(),
        heard.blocks.len(),
        heard.repeated
    );
}
