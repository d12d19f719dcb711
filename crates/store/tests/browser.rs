//! The store in a real browser: IndexedDB and Web Locks, in a worker as the engine uses them. Every test has a cluster
//! of its own, in a profile that begins empty.
#![cfg(target_arch = "wasm32")]

use std::cell::Cell;
use std::rc::Rc;

use blumfeld_kernel::{Disk, File, FilePath};
use blumfeld_store::{Batch, ClusterLock, IndexedDb, LARGE, LockError, Meta, Mirror, Port, StoreError};
use bytes::Bytes;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn batch(puts: &[(&str, &'static [u8])], deletes: &[&str], manifest: &'static str) -> Batch {
    Batch {
        puts: puts.iter().map(|(key, bytes)| ((*key).to_owned(), Bytes::from_static(bytes))).collect(),
        deletes: deletes.iter().map(|key| (*key).to_owned()).collect(),
        manifest: Bytes::copy_from_slice(manifest.as_bytes()).into(),
        durable: false,
    }
}

async fn read(port: &IndexedDb, keys: &[&str]) -> Vec<Option<Bytes>> {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    port.read(&keys).await.unwrap()
}

#[wasm_bindgen_test]
async fn what_is_committed_is_read_back_relaxed_and_durable() {
    let port = IndexedDb::open("commit").await.unwrap();
    assert_eq!(port.manifest().await, Ok(None));
    assert_eq!(port.claim().await, Ok(1));
    port.commit(1, batch(&[("a", b"one"), ("b", b"")], &[], "first")).await.unwrap();
    assert_eq!(read(&port, &["b", "a", "c"]).await, [Some("".into()), Some("one".into()), None]);

    let durable = Batch { durable: true, ..batch(&[("a", b"two"), ("c", b"\0\xff")], &["b"], "second") };
    port.commit(1, durable).await.unwrap();
    // Another connection, as the next page has one.
    let again = IndexedDb::open("commit").await.unwrap();
    assert_eq!(again.manifest().await, Ok(Some("second".into())));
    let want = [Some("two".into()), None, Some(Bytes::from_static(b"\0\xff"))];
    assert_eq!(read(&again, &["a", "b", "c"]).await, want);
}

#[wasm_bindgen_test]
async fn clusters_do_not_see_each_other() {
    let (one, two) = (IndexedDb::open("one").await.unwrap(), IndexedDb::open("two").await.unwrap());
    one.commit(one.claim().await.unwrap(), batch(&[("a", b"1")], &[], "of one")).await.unwrap();
    assert_eq!(two.manifest().await, Ok(None));
    assert_eq!(read(&two, &["a"]).await, [None]);
}

#[wasm_bindgen_test]
async fn an_older_claimant_changes_nothing() {
    let (old, new) = (IndexedDb::open("fence").await.unwrap(), IndexedDb::open("fence").await.unwrap());
    assert_eq!((old.claim().await, new.claim().await), (Ok(1), Ok(2)));
    new.commit(2, batch(&[("a", b"new")], &[], "new")).await.unwrap();
    let fenced = StoreError::Fenced { ours: 1, theirs: 2 };
    assert_eq!(old.commit(1, batch(&[("a", b"old")], &[], "old")).await, Err(fenced.clone()));
    assert_eq!(old.clear(1).await, Err(fenced));
    assert_eq!(read(&old, &["a"]).await, [Some("new".into())]);
    assert_eq!(old.manifest().await, Ok(Some("new".into())));
}

#[wasm_bindgen_test]
async fn clearing_keeps_the_epoch_alone() {
    let port = IndexedDb::open("clear").await.unwrap();
    assert_eq!(port.claim().await, Ok(1));
    port.commit(1, batch(&[("a", b"1")], &[], "m")).await.unwrap();
    port.clear(1).await.unwrap();
    assert_eq!(port.manifest().await, Ok(None));
    assert_eq!(read(&port, &["a"]).await, [None]);
    assert_eq!(port.claim().await, Ok(2));
}

/// Commits every file of `disk` that `changes` names with the first byte that changed.
async fn commit(
    mirror: &mut Mirror<IndexedDb>,
    disk: &Disk,
    changes: &[(&str, u64)],
    durable: bool,
) -> Result<(), StoreError> {
    let paths: Vec<(FilePath, u64)> = changes.iter().map(|(path, from)| ((*path).into(), *from)).collect();
    let changes = paths.iter().map(|(path, from)| (1, path, *from));
    let meta = Meta { seed: u64::MAX, now: 5, ..Meta::default() };
    let prepared = mirror.prepare(meta, changes, |_, path| disk.file(path), durable);
    mirror.commit(prepared).await
}

async fn open(cluster: &str) -> (Mirror<IndexedDb>, blumfeld_store::Loaded) {
    Mirror::open(IndexedDb::open(cluster).await.unwrap(), |_, _| {}).await.unwrap()
}

#[wasm_bindgen_test]
async fn a_mirror_opened_again_gives_the_same_disks() {
    let (mut mirror, loaded) = open("mirror").await;
    assert_eq!(loaded.meta, None);
    let mut disk = Disk::default();
    let log: FilePath = "주문-0/00000000000000000000.log".into();
    let bytes: Vec<u8> = (0..LARGE * 3 + 17).map(|at| (at % 251) as u8).collect();
    disk.insert(log.clone(), File::new(bytes.into(), LARGE + 1));
    disk.insert("meta.properties".into(), File::new("version=1\n".into(), 10));
    disk.insert("empty".into(), File::new(Bytes::new(), 0));
    commit(&mut mirror, &disk, &[(&log, 0), ("meta.properties", 0), ("empty", 0)], true).await.unwrap();

    let len = disk.file(&log).unwrap().len();
    disk.file_mut(&log).append(vec![7; 300_000].into());
    disk.delete("empty");
    commit(&mut mirror, &disk, &[(&log, len), ("empty", 0)], false).await.unwrap();
    disk.file_mut(&log).truncate(LARGE * 2 + 3);
    commit(&mut mirror, &disk, &[(&log, LARGE * 2 + 3)], false).await.unwrap();

    let mut seen = Vec::new();
    let port = IndexedDb::open("mirror").await.unwrap();
    let (_, loaded) = Mirror::open(port, |done, total| seen.push((done, total))).await.unwrap();
    assert_eq!(loaded.meta, Some(Meta { seed: u64::MAX, now: 5, ..Meta::default() }));
    assert_eq!(loaded.damaged, [""; 0]);
    let back = &loaded.disks[&1];
    assert_eq!(back.files().count(), 2);
    for (path, file) in disk.files() {
        let found = back.file(path).unwrap();
        assert_eq!((found.read_all(), found.durable()), (file.read_all(), file.durable()), "{path}");
    }
    let total = LARGE * 2 + 3 + 10;
    assert_eq!(seen.last(), Some(&(total, total)));

    // The tab that opened it later is the writer now.
    let error = commit(&mut mirror, &disk, &[(&log, 0)], false).await;
    assert_eq!(error, Err(StoreError::Fenced { ours: 1, theirs: 2 }));
}

#[wasm_bindgen_test]
async fn a_cleared_mirror_is_new() {
    let (mut mirror, _) = open("mirror-clear").await;
    let mut disk = Disk::default();
    disk.insert("a".into(), File::new("1".into(), 1));
    commit(&mut mirror, &disk, &[("a", 0)], false).await.unwrap();
    assert_eq!(mirror.stored_bytes(), 1);
    mirror.clear().await.unwrap();
    assert_eq!(mirror.stored_bytes(), 0);
    let (_, loaded) = open("mirror-clear").await;
    assert_eq!((loaded.meta, loaded.disks.len()), (None, 0));
}

#[wasm_bindgen_test]
async fn a_manifest_that_is_not_ours_is_told_and_left_alone() {
    let port = IndexedDb::open("foreign").await.unwrap();
    for (manifest, want) in
        [("{", "EOF"), (r#"{"version":99,"meta":{"seed":1,"now":2},"files":{}}"#, "version 99")]
    {
        let epoch = port.claim().await.unwrap();
        port.commit(epoch, batch(&[("a", b"1")], &[], manifest)).await.unwrap();
        let error = Mirror::open(port.clone(), |_, _| {}).await.unwrap_err();
        assert!(matches!(&error, StoreError::Damaged(what) if what.contains(want)), "{error}");
        assert_eq!(port.manifest().await, Ok(Some(manifest.into())));
    }
}

/// Lets the browser's own tasks run: a message to oneself comes back after those that are due.
async fn turn() {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let channel = js_sys::Reflect::get(&js_sys::global(), &"MessageChannel".into()).unwrap();
        let channel = js_sys::Reflect::construct(&channel.into(), &js_sys::Array::new()).unwrap();
        let port = |name: &str| js_sys::Reflect::get(&channel, &name.into()).unwrap();
        let (one, two) = (port("port1"), port("port2"));
        js_sys::Reflect::set(&one, &"onmessage".into(), &resolve).unwrap();
        let post: js_sys::Function = js_sys::Reflect::get(&two, &"postMessage".into()).unwrap().into();
        post.call1(&two, &0.into()).unwrap();
    });
    JsFuture::from(promise).await.unwrap();
}

#[wasm_bindgen_test]
async fn one_at_a_time_has_the_lock() {
    let first = ClusterLock::take("lock", false, || panic!("nobody steals it")).await.unwrap();
    assert!(!first.is_lost());
    let second = ClusterLock::take("lock", false, || {}).await;
    assert_eq!(second.err(), Some(LockError::Taken));
    // Another cluster has another lock.
    drop(ClusterLock::take("other-lock", false, || {}).await.unwrap());

    drop(first);
    // The browser frees it a few tasks later.
    for _ in 0..10_000 {
        match ClusterLock::take("lock", false, || {}).await {
            Ok(_) => return,
            Err(error) => assert_eq!(error, LockError::Taken),
        }
        turn().await;
    }
    panic!("the lock was not freed");
}

#[wasm_bindgen_test]
async fn a_tab_whose_lock_is_stolen_is_told() {
    let told = Rc::new(Cell::new(0));
    let count = Rc::clone(&told);
    let first = ClusterLock::take("stolen", false, move || count.set(count.get() + 1)).await.unwrap();
    let second = ClusterLock::take("stolen", true, || panic!("it is not stolen back")).await.unwrap();
    for _ in 0..10_000 {
        if told.get() > 0 {
            break;
        }
        turn().await;
    }
    assert_eq!((told.get(), first.is_lost(), second.is_lost()), (1, true, false));
    // That the first one lets go of what it no longer has frees nothing.
    drop(first);
    turn().await;
    assert_eq!(ClusterLock::take("stolen", false, || {}).await.err(), Some(LockError::Taken));
}
