//! Links that were changed: by accident, and on purpose with a right checksum. None makes the program panic.

use miniz_oxide::deflate::compress_to_vec;

use super::generate::Chance;
use crate::encoding::encode;
use crate::hash::seal;
use crate::{FILE_LIMIT, Link, LinkError, PACKED_LIMIT, from_file, from_hash, to_file, to_hash};

/// How many are changed in a test's run; `BLUMFELD_LONG=1` changes a million.
fn count() -> u32 {
    let long = std::env::var_os("BLUMFELD_LONG").is_some_and(|value| value == "1");
    if long { 1_000_000 } else { 20_000 }
}

/// Changes some bytes: flips a bit, takes a piece out, puts one in, swaps two, or writes a byte anew.
fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance, letters: &[u8]) {
    for _ in 0..1 + chance.below(3) {
        if bytes.is_empty() {
            return;
        }
        let (at, other) = (chance.index(bytes.len()), chance.index(bytes.len()));
        match chance.below(6) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at.min(other)..at.max(other))),
            3 => bytes.swap(at, other),
            4 => bytes[at] = chance.pick(letters),
            _ => {
                let piece: Vec<u8> = (0..1 + chance.below(4)).map(|_| chance.pick(letters)).collect();
                bytes.splice(at..at, piece);
            }
        }
    }
}

/// It is an error in words, or a link that can be and that is packed as the same again.
fn look(found: Result<Link, LinkError>) -> bool {
    match found {
        Ok(link) => {
            assert_eq!(link.check(), Ok(()));
            // It may not be packed as small as it came.
            if let Ok(hash) = to_hash(&link) {
                assert_eq!(from_hash(&hash).as_ref(), Ok(&link));
            }
            true
        }
        Err(error) => {
            assert!(!error.told(false).is_empty() && !error.told(true).is_empty());
            assert!(error.told(false).len() < 600, "{error}");
            false
        }
    }
}

#[test]
fn a_link_that_was_changed_on_its_way_is_an_error() {
    let mut chance = Chance(2);
    let letters = b"ABCzyx0189-_/#s.=%+ \n\xed";
    let mut link = chance.link();
    let mut hash = to_hash(&link).unwrap();
    for number in 0..count() {
        if number % 200 == 0 {
            link = chance.link();
            hash = to_hash(&link).unwrap();
        }
        let mut bytes = hash.clone().into_bytes();
        match chance.below(20) {
            // Another version, and the whole of it a second time.
            0 => bytes = format!("#s/{}/{}", chance.below(300), &hash[5..]).into_bytes(),
            1 => bytes.extend_from_within(..),
            _ => mutate(&mut bytes, &mut chance, letters),
        }
        let text = String::from_utf8_lossy(&bytes);
        let found = from_hash(&text);
        // Not another session. (Without its `#`, and with changes that undid themselves, it is the same.)
        if let Ok(found) = &found {
            assert_eq!(found, &link, "{text}");
        }
        look(found);
    }
}

#[test]
fn what_lies_behind_a_right_checksum_is_an_error_or_a_link() {
    let mut chance = Chance(3);
    let letters = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x7f, 0x80, 0xff, b'\n', b'-', b'a', 0xed];
    let (mut opened, mut refused) = (0, 0);
    for number in 0..count() {
        let mut bytes = encode(&chance.link());
        // Long ones take long and say little more.
        if bytes.len() > 2_000 {
            continue;
        }
        let packed = if number % 4 == 0 {
            let mut packed = compress_to_vec(&bytes, 6);
            mutate(&mut packed, &mut chance, &letters);
            packed
        } else {
            mutate(&mut bytes, &mut chance, &letters);
            compress_to_vec(&bytes, 1)
        };
        let counted = if look(from_hash(&seal(packed))) { &mut opened } else { &mut refused };
        *counted += 1;
    }
    assert!(opened > refused / 100 && refused > opened / 100, "{opened} opened, {refused} refused");
}

#[test]
fn a_file_that_was_changed_is_an_error_or_a_link() {
    let mut chance = Chance(4);
    let letters = b"{}[]\":,09-.s\\ \nael\xed";
    let mut file = to_file(&chance.link()).unwrap();
    for number in 0..count() / 4 {
        if number % 50 == 0 {
            file = to_file(&chance.link()).unwrap();
        }
        let mut bytes = file.clone().into_bytes();
        // Long ones take long and say little more.
        bytes.truncate(3_000);
        mutate(&mut bytes, &mut chance, letters);
        look(from_file(&String::from_utf8_lossy(&bytes)));
    }
}

#[test]
fn what_inflates_without_end_is_refused_while_it_does() {
    // 40 MiB in 40 KiB.
    let bomb = compress_to_vec(&vec![0; 40 << 20], 9);
    assert!(bomb.len() < PACKED_LIMIT);
    let told = from_hash(&seal(bomb)).unwrap_err().to_string();
    assert_eq!(told, "it is larger than 1 MiB");
    let noise: Vec<u8> = (0..PACKED_LIMIT as u64 + 1).map(|number| Chance(number).next() as u8).collect();
    assert_eq!(from_hash(&seal(noise)).unwrap_err().to_string(), "it is larger than 64 KiB");
    let long = format!("#s/1/{}", "A".repeat(10 << 20));
    assert_eq!(from_hash(&long).unwrap_err().to_string(), "it is larger than 64 KiB");
    assert_eq!(from_file(&" ".repeat(FILE_LIMIT + 1)).unwrap_err().to_string(), "it is larger than 4 MiB");
}

#[test]
fn a_session_that_is_too_large_is_not_made_a_link() {
    let mut chance = Chance(5);
    let mut link = Link::new(1, 1);
    let deeds = &mut link.branches[0].deeds;
    deeds.extend((0..100).map(|at| crate::Deed { at, events: None, line: String::new() }));
    for deed in deeds.iter_mut() {
        deed.line = (0..4_000).map(|_| char::from(b'!' + chance.below(90) as u8)).collect();
    }
    assert_eq!(to_hash(&link).unwrap_err().to_string(), "it is larger than 64 KiB");
    assert_eq!(from_file(&to_file(&link).unwrap()), Ok(link.clone()));
    for deed in &mut link.branches[0].deeds {
        deed.line = "x".repeat(4_096);
    }
    let last = link.branches[0].deeds.last().unwrap().clone();
    link.branches[0].deeds.resize(1_200, last);
    assert_eq!(to_hash(&link).unwrap_err().to_string(), "it is larger than 1 MiB");
    assert_eq!(to_file(&link).unwrap_err().to_string(), "it is larger than 4 MiB");
}
