//! The mirror over a store in memory.

use blumfeld_kernel::{Instant, Prng};
use futures_executor::block_on;

use super::*;
use crate::{Memory, StoredBranch, StoredPast};

fn open(memory: &Memory) -> (Mirror<Memory>, Loaded) {
    block_on(Mirror::open(memory.clone(), |_, _| {})).unwrap()
}

fn meta() -> Meta {
    Meta { seed: 3, now: 4, ..Meta::default() }
}

type Disks = BTreeMap<i32, Disk>;
type Changes = BTreeMap<(i32, FilePath), u64>;

/// Commits the files that `changes` names; gives the bytes that were written.
fn store(mirror: &mut Mirror<Memory>, disks: &Disks, changes: &Changes) -> Result<u64, StoreError> {
    let list = changes.iter().map(|((node, path), from)| (*node, path, *from));
    let prepared = mirror.prepare(meta(), list, |node, path| disks.get(&node)?.file(path), false);
    let bytes = prepared.bytes();
    block_on(mirror.commit(prepared)).map(|()| bytes)
}

/// The same of one node's disk.
fn commit(mirror: &mut Mirror<Memory>, disk: &Disk, changes: &[(&str, u64)]) -> Result<u64, StoreError> {
    let disks = BTreeMap::from([(1, disk.clone())]);
    let changes = changes.iter().map(|(path, from)| ((1, (*path).into()), *from)).collect();
    store(mirror, &disks, &changes)
}

fn bytes(len: u64, fill: u8) -> Bytes {
    vec![fill; usize::try_from(len).unwrap()].into()
}

/// What a disk holds, be it in one piece or in many.
fn content(disk: &Disk) -> Vec<(FilePath, Bytes, u64, Option<Instant>)> {
    disk.files()
        .map(|(path, file)| (path.clone(), file.read_all(), file.durable(), file.dirty_since()))
        .collect()
}

#[test]
fn only_new_bytes_are_written_and_everything_comes_back() {
    let memory = Memory::new();
    let (mut mirror, loaded) = open(&memory);
    assert_eq!(loaded.meta, None);
    let mut disk = Disk::default();
    let log: FilePath = "t-0/0.log".into();
    disk.insert(log.clone(), File::new(bytes(500_000, 1), 5));
    disk.file_mut(&log).set_dirty_since(Instant::from_micros(7));
    disk.insert("empty".into(), File::new(Bytes::new(), 0));
    assert_eq!(commit(&mut mirror, &disk, &[("t-0/0.log", 0), ("empty", 0)]), Ok(500_000));
    disk.file_mut(&log).append(bytes(10, 2));
    assert_eq!(commit(&mut mirror, &disk, &[("t-0/0.log", 500_000)]), Ok(10), "what was appended");
    disk.file_mut(&log).make_durable(400_000);
    let written = commit(&mut mirror, &disk, &[("t-0/0.log", 500_010)]);
    assert_eq!(written, Ok(0), "what is durable is in the manifest alone");

    let (_, loaded) = open(&memory);
    assert_eq!((loaded.meta, loaded.damaged.len()), (Some(meta()), 0));
    assert_eq!(content(&loaded.disks[&1]), content(&disk));
}

#[test]
fn replicas_are_stored_once_and_come_back_as_the_same_memory() {
    let memory = Memory::new();
    let (mut mirror, _) = open(&memory);
    let mut disks: Disks = (1..=3).map(|node| (node, Disk::default())).collect();
    let log: FilePath = "t-0/0.log".into();
    let all = (1..=3).map(|node| ((node, log.clone()), 0)).collect::<Changes>();
    for disk in disks.values_mut() {
        disk.file_mut(&log).append(bytes(5_000, 1));
    }
    assert_eq!(store(&mut mirror, &disks, &all), Ok(5_000));
    // The leader has more than its followers, which come after it in the next commit.
    disks.get_mut(&2).unwrap().file_mut(&log).append(bytes(700, 2));
    assert_eq!(store(&mut mirror, &disks, &[((2, log.clone()), 5_000)].into()), Ok(700));
    for node in [1, 3] {
        disks.get_mut(&node).unwrap().file_mut(&log).append(bytes(700, 2));
    }
    let followers = [1, 3].map(|node| ((node, log.clone()), 5_000));
    assert_eq!(store(&mut mirror, &disks, &followers.into()), Ok(0));
    // One that truncates and writes something else goes its own way, and the others keep theirs.
    let third = disks.get_mut(&3).unwrap().file_mut(&log);
    third.truncate(5_100);
    third.append(bytes(600, 3));
    assert_eq!(store(&mut mirror, &disks, &[((3, log.clone()), 5_100)].into()), Ok(600));

    let (_, loaded) = open(&memory);
    for (node, disk) in &disks {
        assert_eq!(content(&loaded.disks[node]), content(disk), "of node {node}");
    }
    let place = |node: i32| loaded.disks[&node].read(&log).unwrap().as_ptr();
    assert!(place(1) == place(2) && place(1) != place(3));
}

#[test]
fn what_goes_leaves_nothing_behind() {
    let memory = Memory::new();
    let (mut mirror, _) = open(&memory);
    let mut disk = Disk::default();
    disk.insert("t-0/0.log".into(), File::new(bytes(3_000, 1), 0));
    disk.insert("t-1/0.log".into(), File::new(bytes(10, 2), 0));
    commit(&mut mirror, &disk, &[("t-0/0.log", 0)]).unwrap();
    commit(&mut mirror, &disk, &[("t-1/0.log", 0)]).unwrap();
    disk.file_mut(&"t-0/0.log".into()).truncate(1_001);
    commit(&mut mirror, &disk, &[("t-0/0.log", 1_001)]).unwrap();
    assert_eq!(content(&open(&memory).1.disks[&1]), content(&disk));
    let (mut mirror, _) = open(&memory);
    disk.delete("t-0/0.log");
    commit(&mut mirror, &disk, &[("t-0/0.log", 0)]).unwrap();
    assert_eq!((memory.keys().len(), mirror.stored_bytes()), (1, 10));
    disk.delete("t-1/0.log");
    commit(&mut mirror, &disk, &[("t-1/0.log", 0)]).unwrap();
    assert_eq!(memory.keys(), [""; 0]);
}

#[test]
fn little_by_little_makes_few_extents_and_what_is_mostly_dead_goes() {
    let memory = Memory::new();
    let (mut mirror, _) = open(&memory);
    let mut disk = Disk::default();
    let (log, other): (FilePath, FilePath) = ("t-0/0.log".into(), "t-1/0.log".into());
    let mut written = 0;
    for round in 0..2_000_u64 {
        for (path, len) in [(&log, 100), (&other, 200)] {
            disk.file_mut(path).append(bytes(len, u8::try_from(round % 251).unwrap()));
        }
        written += commit(&mut mirror, &disk, &[(&log, round * 100), (&other, round * 200)]).unwrap();
    }
    let most = 8 * 5;
    assert!(memory.keys().len() < most, "{} extents", memory.keys().len());
    assert!(written < 6 * 600_000, "{written} bytes were written for 600000");
    let (mut mirror, loaded) = open(&memory);
    assert_eq!(content(&loaded.disks[&1]), content(&disk));
    disk.delete(&other);
    for round in 0..64 {
        disk.file_mut(&log).append(bytes(1, 9));
        commit(&mut mirror, &disk, &[(&log, 200_000 + round), (&other, 0)]).unwrap();
    }
    assert!(mirror.stored_bytes() < 300_000, "{} bytes are stored", mirror.stored_bytes());
    assert_eq!(content(&open(&memory).1.disks[&1]), content(&disk));
}

/// Any change of any disk, commits that fail, and openings: what is read back is always the disks as they were when the
/// last commit that did not fail was prepared.
#[test]
fn what_is_read_back_is_what_was_stored_last() {
    for seed in 0..60 {
        let mut rng = Prng::new(seed, "mirror");
        let memory = Memory::new();
        let (mut mirror, _) = open(&memory);
        let mut disks: Disks = (1..=3).map(|node| (node, Disk::default())).collect();
        let (mut changes, mut stored) = (Changes::new(), disks.clone());
        for _ in 0..300 {
            let node = 1 + i32::try_from(rng.below(3)).unwrap();
            let path: FilePath = format!("t-{}/0.log", rng.below(3)).into();
            let disk = disks.get_mut(&node).unwrap();
            let len = disk.file(&path).map_or(0, File::len);
            let mut change = |path: &FilePath, from: u64| {
                let first = changes.entry((node, path.clone())).or_insert(from);
                *first = (*first).min(from);
            };
            match rng.below(12) {
                0 => {
                    disk.delete(&path);
                    change(&path, 0);
                }
                1 => {
                    let to: FilePath = format!("t-{}/0.log", rng.below(3)).into();
                    disk.rename(&path, &to);
                    change(&path, 0);
                    change(&to, 0);
                }
                2 if len > 0 => {
                    let left = rng.below(len);
                    disk.file_mut(&path).truncate(left);
                    change(&path, left);
                }
                3 => {
                    disk.file_mut(&path).make_durable(rng.below(len + 1));
                    change(&path, len);
                }
                4 => {
                    // A follower takes what the leader has.
                    let from = disks.values().find_map(|disk| disk.file(&path)).cloned().unwrap_or_default();
                    let file = disks.get_mut(&node).unwrap().file_mut(&path);
                    let same = file.shared_with(&from, 0, u64::MAX);
                    file.truncate(same);
                    from.pieces(same, u64::MAX).for_each(|piece| file.append(piece));
                    change(&path, same);
                }
                5 | 6 => {
                    if rng.chance(1, 4) {
                        memory.set_limit(Some(0));
                    }
                    let result = store(&mut mirror, &disks, &changes);
                    memory.set_limit(None);
                    if result.is_ok() {
                        changes.clear();
                        stored.clone_from(&disks);
                    }
                }
                7 => {
                    let (again, loaded) = open(&memory);
                    mirror = again;
                    for (node, disk) in &stored {
                        let back = loaded.disks.get(node).cloned().unwrap_or_default();
                        assert_eq!(content(&back), content(disk), "seed {seed}, node {node}");
                    }
                    disks.clone_from(&stored);
                    changes.clear();
                }
                _ => {
                    let fill = u8::try_from(rng.below(4)).unwrap();
                    disk.file_mut(&path).append(bytes(1 + rng.below(2_000), fill));
                    change(&path, len);
                }
            }
        }
    }
}

#[test]
fn a_newer_writer_fences_off_the_older_one_and_is_a_later_life() {
    let memory = Memory::new();
    let (mut old, _) = open(&memory);
    let mut disk = Disk::default();
    disk.insert("a".into(), File::new(bytes(1, 1), 0));
    commit(&mut old, &disk, &[("a", 0)]).unwrap();
    let (mut new, _) = open(&memory);
    assert_eq!((old.boot(), new.boot()), (0, 1));
    disk.insert("a".into(), File::new(bytes(2, 2), 0));
    assert_eq!(commit(&mut old, &disk, &[("a", 0)]), Err(StoreError::Fenced { ours: 1, theirs: 2 }));
    assert_eq!(open(&memory).1.disks[&1].read("a"), Some(bytes(1, 1)));
    assert_eq!(commit(&mut new, &disk, &[("a", 0)]), Err(StoreError::Fenced { ours: 2, theirs: 3 }));
    let (mut last, _) = open(&memory);
    assert_eq!(last.boot(), 3);
    block_on(last.clear()).unwrap();
    assert_eq!(last.boot(), 0, "another cluster begins");
    commit(&mut last, &disk, &[("a", 0)]).unwrap();
    assert_eq!(open(&memory).0.boot(), 1);
}

#[test]
fn a_full_store_keeps_what_it_had_and_takes_it_later() {
    let memory = Memory::new();
    let (mut mirror, _) = open(&memory);
    let mut disk = Disk::default();
    disk.insert("a".into(), File::new(bytes(100, 1), 0));
    commit(&mut mirror, &disk, &[("a", 0)]).unwrap();
    memory.set_limit(Some(150));
    disk.insert("a".into(), File::new(bytes(200, 2), 0));
    assert!(matches!(commit(&mut mirror, &disk, &[("a", 0)]), Err(StoreError::Quota(_))));
    memory.set_limit(None);
    assert_eq!(commit(&mut mirror, &disk, &[("a", 0)]), Ok(200));
    assert_eq!(open(&memory).1.disks[&1].read("a"), Some(bytes(200, 2)));
}

#[test]
fn a_missing_extent_cuts_its_file_and_is_named() {
    let memory = Memory::new();
    let (mut mirror, _) = open(&memory);
    let mut disk = Disk::default();
    disk.insert("a".into(), File::new(bytes(1_000, 1), 0));
    commit(&mut mirror, &disk, &[("a", 0)]).unwrap();
    disk.file_mut(&"a".into()).append(bytes(500, 2));
    commit(&mut mirror, &disk, &[("a", 1_000)]).unwrap();
    let damage = Batch {
        deletes: vec!["00000001".into()],
        manifest: block_on(memory.manifest()).unwrap().unwrap().into(),
        ..Batch::default()
    };
    block_on(memory.commit(1, damage)).unwrap();
    let (mut mirror, loaded) = open(&memory);
    assert_eq!(loaded.damaged, ["a: 1000 of 1500 bytes are there"]);
    assert_eq!(loaded.disks[&1].file("a").unwrap().len(), 1_000);
    // It goes on from there.
    let mut disk = loaded.disks[&1].clone();
    disk.file_mut(&"a".into()).append(bytes(5, 3));
    commit(&mut mirror, &disk, &[("a", 1_000)]).unwrap();
    assert_eq!(content(&open(&memory).1.disks[&1]), content(&disk));
}

#[test]
fn the_values_of_branches_come_and_go_with_what_names_them() {
    let memory = Memory::new();
    let (mut mirror, _) = open(&memory);
    let branch = |key: &str, len: u64| StoredBranch {
        values: BTreeMap::from([(key.to_owned(), len)]),
        ..StoredBranch::default()
    };
    let mut commit = |branches: Vec<StoredBranch>, puts: &[(&str, u64)]| {
        let past = StoredPast { branches, ..StoredPast::default() };
        let mut prepared = mirror.prepare(Meta { past, ..meta() }, [], |_, _| None, false);
        for (key, len) in puts {
            prepared.put((*key).to_owned(), bytes(*len, 7));
        }
        assert_eq!(prepared.bytes(), puts.iter().map(|(_, len)| len).sum::<u64>());
        block_on(mirror.commit(prepared)).unwrap();
        let (_, loaded) = open(&memory);
        mirror = open(&memory).0;
        let lengths: Vec<(String, usize)> =
            loaded.past.into_iter().map(|(key, value)| (key, value.len())).collect();
        (lengths, mirror.stored_bytes())
    };
    let one = |key: &str, len: usize| (key.to_owned(), len);
    let both = vec![branch("past/0", 5), branch("past/1", 6)];
    let (found, stored) = commit(both.clone(), &[("past/0", 5), ("past/1", 6)]);
    assert_eq!((found, stored), (vec![one("past/0", 5), one("past/1", 6)], 11));
    assert_eq!(commit(both, &[]).0.len(), 2, "what is stored stays");
    assert_eq!(commit(vec![branch("past/1", 6)], &[]).0, [one("past/1", 6)]);
    let gone = commit(vec![branch("past/0", 5), branch("past/1", 6)], &[]).0;
    assert_eq!(gone, [one("past/1", 6)], "what was given up is deleted");
}
