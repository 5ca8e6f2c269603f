//! A small database of places or of networks' owners in MaxMind's format, with the networks that a test names.

use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use serde_json::{Value, json};

/// Marks where the metadata begins.
const METADATA: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// Zeros between the tree and the records.
const SEPARATOR: usize = 16;
/// The format's numbers for types.
const TEXT: u8 = 2;
/// A number of four bytes.
const UINT32: u8 = 6;
/// A map of texts to anything.
const MAP: u8 = 7;
/// A list.
const ARRAY: u8 = 11;

/// A branch of the tree: what stands at the next bit.
#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Record(usize),
}

/// Writes a database of `networks`, which do not overlap, each with its record: objects, lists, texts and numbers, such as
/// `{"country": {"iso_code": "DE"}}` or `{"autonomous_system_number": 64496}`.
///
/// # Panics
/// Where networks overlap, a record holds anything else, or the file cannot be written.
pub fn place_database(path: &Path, networks: &[(IpNet, Value)]) {
    let mut nodes = vec![[Branch::Nothing; 2]];
    let mut records = Vec::new();
    for (network, record) in networks {
        let leaf = Branch::Record(records.len());
        encode(record, &mut records);
        let (bits, length) = bits(network);
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                assert!(
                    matches!(nodes[node][side], Branch::Nothing),
                    "{network} overlaps"
                );
                nodes[node][side] = leaf;
                break;
            }
            node = match nodes[node][side] {
                Branch::Node(next) => next,
                Branch::Record(_) => panic!("{network} overlaps"),
                Branch::Nothing => {
                    nodes.push([Branch::Nothing; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][side] = Branch::Node(next);
                    next
                }
            };
        }
    }
    std::fs::write(path, file(&nodes, &records)).expect("the database can be written");
}

/// The tree is of IPv6; IPv4 stands below its first 96 bits.
fn bits(network: &IpNet) -> (u128, u8) {
    match network.network() {
        IpAddr::V4(address) => (address.to_bits().into(), 96 + network.prefix_len()),
        IpAddr::V6(address) => (address.to_bits(), network.prefix_len()),
    }
}

fn file(nodes: &[[Branch; 2]], records: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for branch in nodes.iter().flatten() {
        let value = match branch {
            Branch::Nothing => nodes.len(),
            Branch::Node(number) => *number,
            Branch::Record(at) => nodes.len() + SEPARATOR + at,
        };
        let value = u32::try_from(value).expect("a small database");
        bytes.extend_from_slice(&value.to_be_bytes());
    }
    bytes.extend_from_slice(&[0; SEPARATOR]);
    bytes.extend_from_slice(records);
    bytes.extend_from_slice(METADATA);
    metadata(nodes.len(), &mut bytes);
    bytes
}

/// What the file says of itself: a map whose numbers each have their own width.
fn metadata(nodes: usize, bytes: &mut Vec<u8>) {
    const UINT16: u8 = 5;
    const UINT64: u8 = 9;
    let nodes = u16::try_from(nodes).expect("a small database");
    let numbers = [
        ("node_count", UINT32, nodes),
        ("record_size", UINT16, 32),
        ("ip_version", UINT16, 6),
        ("binary_format_major_version", UINT16, 2),
        ("binary_format_minor_version", UINT16, 0),
        ("build_epoch", UINT64, 1),
    ];
    let others = [
        ("database_type", json!("Test")),
        ("languages", json!([])),
        ("description", json!({})),
    ];
    control(MAP, numbers.len() + others.len(), bytes);
    for (key, kind, number) in numbers {
        text(key, bytes);
        control(kind, 2, bytes);
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    for (key, value) in others {
        text(key, bytes);
        encode(&value, bytes);
    }
}

/// A value in the format's own form: a byte of type and size, then the content.
fn encode(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::String(value) => text(value, bytes),
        Value::Object(map) => {
            control(MAP, map.len(), bytes);
            for (key, value) in map {
                text(key, bytes);
                encode(value, bytes);
            }
        }
        Value::Array(list) => {
            control(ARRAY, list.len(), bytes);
            list.iter().for_each(|value| encode(value, bytes));
        }
        Value::Number(number) => {
            let number = number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok());
            let number = number.expect("a number of four bytes");
            control(UINT32, 4, bytes);
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        Value::Null | Value::Bool(_) => panic!("{value} has no place in a test's database"),
    }
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    control(TEXT, text.len(), bytes);
    bytes.extend_from_slice(text.as_bytes());
}

/// Types above 7 have a byte of their own, and so have sizes above 28.
fn control(kind: u8, size: usize, bytes: &mut Vec<u8>) {
    let (short, long) = match u8::try_from(size).expect("a short value") {
        size @ 0..29 => (size, None),
        size => (29, Some(size - 29)),
    };
    if kind > 7 {
        bytes.extend_from_slice(&[short, kind - 7]);
    } else {
        bytes.push(kind << 5 | short);
    }
    bytes.extend(long);
}
