//! Directories that Apache Kafka 4.3.1 wrote are opened, whole and in parts, and a cluster runs on them. What they
//! hold, Kafka's own clients told before Kafka was stopped (`kafka/*.txt`); tests/conformance/java/Directories.java
//! wrote and told it.

#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use blumfeld_kernel::{Disk, Endpoint, NodeId};
use blumfeld_logdirs::{Files, How, Limits, Note, Opened, Problem, Why, export, open, unpack};
use blumfeld_sim::{World, WorldConfig};
use bytes::Bytes;

const STANDALONE: &[u8] = include_bytes!("kafka/standalone.tar.gz");
const THREE: &[u8] = include_bytes!("kafka/three.tar.gz");
/// Some minutes after the directories were written: the open transaction has ten.
const NOW_MS: i64 = 1_795_931_000_000;

fn files(archive: &[u8]) -> BTreeMap<String, Bytes> {
    let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(archive));
    let entries = tar.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (path, Bytes::from(bytes))
    });
    entries.filter(|(path, _)| !path.ends_with('/')).collect()
}

fn open_files(all: &BTreeMap<String, Bytes>) -> Result<Opened, Vec<Problem>> {
    let mut files = Files::new(Limits::default());
    for (path, bytes) in all {
        unpack(path, bytes.clone(), &mut files).map_err(|problem| vec![problem])?;
    }
    open(&files, 1, NOW_MS)
}

fn open_archive(name: &str, archive: &[u8]) -> Result<Opened, Vec<Problem>> {
    open_files(&BTreeMap::from([(name.to_owned(), Bytes::copy_from_slice(archive))]))
}

/// Runs a cluster on the disks until it serves.
fn run(opened: &Opened) -> World {
    let ids: Vec<i32> = opened.disks.keys().copied().collect();
    let advertised: Vec<Endpoint> =
        ids.iter().map(|id| Endpoint::new("localhost", 9_090 + *id as u16)).collect();
    let mut config = WorldConfig::reached_at(&advertised, [], 7, NOW_MS).unwrap();
    config.boot = 1;
    let disks = opened.disks.iter().map(|(id, disk)| (NodeId(*id), disk.clone())).collect();
    let mut world = World::new(config, disks);
    for _ in 0..600 {
        world.run_for(Duration::from_millis(100));
        if world.is_settled() {
            break;
        }
    }
    assert!(world.is_settled(), "the brokers do not start");
    // Leaders are elected and coordinators loaded.
    world.run_for(Duration::from_secs(2));
    world
}

/// What a cluster holds, in the lines of `Directories tell`, as far as they can be told from its brokers' state.
fn told(world: &World, epochs: bool) -> Vec<String> {
    let broker = |id: i32| world.broker(NodeId(id)).unwrap();
    let any = broker(1);
    let (mut topics, mut uncommitted, mut committed) = (Vec::new(), Vec::new(), Vec::new());
    for (name, topic) in any.image().topics().iter().filter(|(name, _)| !name.starts_with("__")) {
        topics.push(format!("topic {name} {}", blumfeld_protocol::uuid_text::to_text(topic.id)));
        for (number, registration) in &topic.partitions {
            assert!(!epochs || registration.leader_epoch > 0, "{name}-{number}");
            let partition = broker(registration.leader).replicas().get(name, *number).unwrap();
            let log = partition.log();
            let count: usize = (log.browse(0).filter(|(_, _, batch)| !batch.is_control()))
                .map(|(_, _, batch)| batch.records().unwrap().map(Result::unwrap).count())
                .sum();
            uncommitted.push(format!(
                "read_uncommitted {name}-{number} {} {} {count}",
                log.log_start(),
                log.log_end()
            ));
            let stable = partition.last_stable_offset();
            committed.push(format!("read_committed {name}-{number} {} {stable}", log.log_start()));
        }
    }
    let mut lines: Vec<String> = topics.into_iter().chain(uncommitted).chain(committed).collect();
    for group in world.group_views() {
        let offsets = group.offsets.iter().filter(|offset| offset.committed >= 0);
        lines.extend(
            offsets.map(|o| format!("group {} {}-{} {}", group.id, o.topic, o.partition, o.committed)),
        );
    }
    lines
}

/// Kafka's lines, without what only a client sees: digests, what committed readers count, groups' metadata,
/// transactions.
fn kafka(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("transaction "));
    let words = |line: &str| match line.split(' ').next() {
        Some("read_uncommitted") => 5,
        Some("read_committed" | "group") => 4,
        _ => 3,
    };
    lines.map(|line| line.split(' ').take(words(line)).collect::<Vec<_>>().join(" ")).collect()
}

fn transactional_ids(world: &World) -> Vec<String> {
    let all = world
        .nodes()
        .filter_map(|node| world.broker(node))
        .flat_map(|broker| broker.transactions().transactions());
    let mut ids: Vec<String> = all.map(|(id, _)| id.to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn a_whole_cluster_of_kafkas_is_opened_as_it_is() {
    for (name, archive, text, brokers) in [
        ("standalone.tar.gz", STANDALONE, include_str!("kafka/standalone.txt"), 1),
        ("three.tar.gz", THREE, include_str!("kafka/three.txt"), 3),
    ] {
        let opened = open_archive(name, archive).unwrap();
        assert_eq!((opened.how.clone(), opened.voters), (How::AsItIs, brokers), "{name}");
        assert_eq!((opened.topics, opened.partitions), (7, 14), "{name}");
        assert_eq!(opened.notes, [], "{name}");
        let world = run(&opened);
        assert_eq!(told(&world, false), kafka(text), "{name}");
        assert_eq!(transactional_ids(&world), ["commits", "left-open"], "{name}");
    }
}

#[test]
fn one_broker_of_three_becomes_a_cluster_of_its_own() {
    let all = files(THREE);
    let one: BTreeMap<_, _> = all.into_iter().filter(|(path, _)| path.starts_with("broker-2/")).collect();
    let opened = open_files(&one).unwrap();
    assert_eq!(opened.how, How::Formatted(Why::Missing(vec![1, 3])));
    let world = run(&opened);
    assert_eq!(told(&world, true), kafka(include_str!("kafka/three.txt")));
    let image = world.broker(NodeId(1)).unwrap().image();
    assert_eq!(image.topic("__consumer_offsets").unwrap().partitions.len(), 50);
    let config = |topic, name| image.config(blumfeld_broker::ResourceType::Topic, topic, name);
    assert_eq!(config("compacted", "cleanup.policy"), Some("compact"));
    assert_eq!(config("moved", "retention.ms"), None);
}

#[test]
fn partitions_alone_become_a_cluster() {
    let all = files(STANDALONE);
    let partitions = |wanted: &[&str]| -> BTreeMap<String, Bytes> {
        let within = |path: &String| wanted.iter().any(|one| path.contains(&format!("/{one}-")));
        all.iter()
            .filter(|(path, _)| within(path))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect()
    };
    let opened =
        open_files(&partitions(&["moved", "__consumer_offsets", "__transaction_state", "codec-gzip"]))
            .unwrap();
    assert_eq!(opened.how, How::Formatted(Why::NoMetadata));
    assert_eq!(opened.notes, [Note::NoConfigs]);
    let world = run(&opened);
    let image = world.broker(NodeId(1)).unwrap().image();
    let config = |topic, name| image.config(blumfeld_broker::ResourceType::Topic, topic, name);
    assert_eq!(config("moved", "retention.ms"), Some("-1"));
    assert_eq!(config("__consumer_offsets", "cleanup.policy"), Some("compact"));
    // No metadata says that this cluster had three of each: groups are found where Kafka's default has them, if at all.
    assert_eq!(image.topic("__consumer_offsets").unwrap().partitions.len(), 50);
    let want: Vec<String> = (kafka(include_str!("kafka/standalone.txt")).into_iter())
        .filter(|line| line.contains("moved") || line.contains("codec-gzip"))
        .filter(|line| !line.starts_with("group "))
        .collect();
    let have: Vec<String> =
        told(&world, true).into_iter().filter(|line| !line.starts_with("group ")).collect();
    assert_eq!(have, want);
    // A new producer's id is none that the logs know.
    assert!(image.next_producer_id() >= 1_000);
}

#[test]
fn an_export_is_what_it_was_made_of() {
    let opened = open_archive("three.tar.gz", THREE).unwrap();
    let world = run(&opened);
    let disks: BTreeMap<i32, &Disk> =
        world.nodes().map(|node| (node.0, world.disk(node).unwrap().disk())).collect();
    let exported = export(&world.config().brokers, &disks, NOW_MS).unwrap();
    assert_eq!(exported.name, "cluster.tar");
    let again = open_archive(&exported.name, &exported.bytes).unwrap();
    assert_eq!(again.how, How::AsItIs);
    for (id, disk) in disks {
        let plain = |disk: &Disk| -> Vec<(String, Bytes)> {
            disk.files().map(|(path, file)| (path.to_string(), file.read_all())).collect()
        };
        assert_eq!(plain(disk), plain(&again.disks[&id]), "broker {id}");
    }
    let second = run(&again);
    assert_eq!(told(&second, false), kafka(include_str!("kafka/three.txt")));
}

/// A zip of files, of which each second one is stored as it is.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
    for (at, (name, bytes)) in files.iter().enumerate() {
        let method =
            if at % 2 == 0 { rawzip::CompressionMethod::DEFLATE } else { rawzip::CompressionMethod::STORE };
        let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
        let descriptor = if at % 2 == 0 {
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
            let mut writer = config.wrap(encoder);
            writer.write_all(bytes).unwrap();
            let (encoder, descriptor) = writer.finish().unwrap();
            encoder.finish().unwrap();
            descriptor
        } else {
            let mut writer = config.wrap(&mut entry);
            writer.write_all(bytes).unwrap();
            writer.finish().unwrap().1
        };
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    out
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // The builder refuses names that lead out of an archive; whoever means harm writes them all the same.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn a_zip_is_opened_like_a_tar() {
    let all = files(STANDALONE);
    let list: Vec<(&str, &[u8])> = all.iter().map(|(path, bytes)| (path.as_str(), &bytes[..])).collect();
    let opened = open_archive("kafka.zip", &zip(&list)).unwrap();
    assert_eq!(opened, open_archive("kafka.zip", &tar_of(&list)).unwrap());
}

/// Files that are dropped, and a part of what is said of them.
type Case<'a> = (&'a [(&'a str, &'a [u8])], &'a str);

#[test]
fn what_is_wrong_is_said_and_nothing_is_opened() {
    let all = files(STANDALONE);
    let log = "kafka-logs/moved-0/00000000000000000000.log";
    let whole = &all[log][..];
    let mut old = whole.to_vec();
    old[16] = 1;
    let tar = tar_of(&[(log, whole)]);
    let cut = &tar[..1_024];
    let packed = zip(&[(log, whole)]);
    let mut torn = packed.clone();
    torn[200] ^= 0xff;
    // The writer puts names in order; whoever means harm does not.
    let mut renamed = zip(&[("d/aa/aa/x", b"x")]);
    for at in 0..renamed.len() - 9 {
        if renamed[at..].starts_with(b"d/aa/aa/x") {
            renamed[at..at + 9].copy_from_slice(b"d/../../x");
        }
    }
    let meta = b"version=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nnode.id=1\n";
    let other = b"version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=2\n";
    let first = "d/orders-0/00000000000000000000.log";
    let id = |id: &str| format!("version: 0\ntopic_id: {id}");
    let (one, two) = (id("AAAAAAAAAAAAAAAAAAAAEQ"), id("AAAAAAAAAAAAAAAAAAAAEg"));
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..640 {
        bomb.write_all(&tar_of(&[("x/orders-0/00000000000000000000.log", &[0; 1 << 20])])[..512 + (1 << 20)])
            .unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let cases: &[Case<'_>] = &[
        (&[("a.tar", b"no archive")], "a.tar is called an archive and is none"),
        (&[("a.zip", b"PK\x03\x04 and no more")], "a.zip cannot be read"),
        (&[("a.tar", cut)], "a.tar is cut: it ends in the middle of kafka-logs/moved-0/"),
        (&[("a.zip", &packed[..packed.len() - 30])], "a.zip cannot be read"),
        (&[("a.zip", &torn)], "a.zip cannot be read"),
        (&[("a.tgz", &STANDALONE[..STANDALONE.len() / 2])], "a.tgz cannot be read"),
        (
            &[("a.tar", &tar_of(&[("../orders-0/00000000000000000000.log", whole)]))],
            "a name that leads out of it",
        ),
        (&[("a.tar", &tar_of(&[("/etc/passwd", b"x")]))], "a name that leads out of it"),
        (&[("a.zip", &renamed)], "a name that leads out of it"),
        (&[("bomb.tgz", &bomb)], "more in it than the 512 MiB"),
        (&[("holiday.jpg", b"\xff\xd8\xff\xe0")], "holiday.jpg is no file of a log directory"),
        (&[("00000000000000000000.log", whole)], "lies in no folder of a partition"),
        (&[("d/orders-0/first.log", whole)], "d/orders-0/first.log has no segment's name"),
        (&[(first, b"\xff\xd8\xff\xe0 a picture of a holiday")], "does not begin with a record batch"),
        (&[(first, &old)], "records of format 1"),
        (&[("d/orders-0/00000000000000000005.log", whole)], "begins with offset 0"),
        (&[("d/meta.properties", b"version=1\n"), (first, whole)], "cluster.id is missing"),
        (&[("d/meta.properties", b"version=0\nbroker.id=1\n"), (first, whole)], "version=1 is missing"),
        (
            &[("d/meta.properties", meta), ("e/meta.properties", meta), (first, whole)],
            "both directories of node 1",
        ),
        (
            &[("d/meta.properties", meta), ("e/meta.properties", other), (first, whole)],
            "belong to different clusters",
        ),
        (
            &[
                ("d/orders-0/partition.metadata", one.as_bytes()),
                ("d/orders-1/partition.metadata", two.as_bytes()),
            ],
            "The partitions of orders have different topic ids",
        ),
        (&[("d/orders-2147483647/00000000000000000000.log", whole)], "partitions in all; 5000 can be here"),
        (&[("d/meta.properties", meta)], "There is no partition in it"),
        (&[], "There is no partition in it"),
    ];
    for (files, want) in cases {
        let all =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), Bytes::copy_from_slice(bytes))).collect();
        let problems = open_files(&all).expect_err(want);
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|said| said.contains(want)), "{said:?}, wanted {want}");
        assert!(problems.iter().all(|problem| !problem.korean().is_empty()));
    }
    // Everything that is wrong is said at once.
    let two = BTreeMap::from([("a.txt".to_owned(), Bytes::new()), ("b.txt".to_owned(), Bytes::new())]);
    assert_eq!(open_files(&two).unwrap_err().len(), 2);
}

#[test]
fn a_tail_that_is_no_batch_is_said_and_cut_off() {
    let mut all = files(STANDALONE);
    let path = "kafka-logs/moved-0/00000000000000000000.log";
    let mut bytes = all[path].to_vec();
    bytes.extend([7; 40]);
    all.insert(path.to_owned(), bytes.into());
    all.remove("kafka-logs/.kafka_cleanshutdown");
    let opened = open_files(&all).unwrap();
    assert_eq!(opened.notes, [Note::Cut { path: path.to_owned(), bytes: 40 }]);
    assert_eq!(told(&run(&opened), false), kafka(include_str!("kafka/standalone.txt")));
}

#[test]
fn litter_of_operating_systems_is_passed_over() {
    let mut all = files(STANDALONE);
    for path in ["kafka-logs/.DS_Store", "__MACOSX/kafka-logs/._moved-0", "kafka-logs/moved-0/._x.log"] {
        all.insert(path.to_owned(), Bytes::from_static(b"x"));
    }
    assert_eq!(open_files(&all).unwrap(), open_files(&files(STANDALONE)).unwrap());
}

#[test]
fn bytes_that_rot_are_said_or_recovered_from() {
    let whole = files(STANDALONE);
    let paths: Vec<&String> = whole.keys().filter(|path| !path.ends_with("index")).collect();
    let mut rng = blumfeld_kernel::Prng::new(15, "rot");
    let mut pick = |end: usize| usize::try_from(rng.below(end as u64)).unwrap();
    let mut run_once = 0;
    for round in 0..400 {
        let mut all = whole.clone();
        for _ in 0..=round % 4 {
            let path = paths[pick(paths.len())];
            let mut bytes = all[path].to_vec();
            match (round % 5, bytes.is_empty()) {
                (_, true) => bytes = vec![0xff; 100],
                (0, _) => bytes.truncate(pick(bytes.len())),
                (1, _) => bytes.extend((0..pick(200)).map(|at| at as u8)),
                _ => (0..=pick(6)).for_each(|_| {
                    let at = pick(bytes.len());
                    bytes[at] ^= 1 << pick(8);
                }),
            }
            all.insert(path.clone(), bytes.into());
        }
        // Either way it comes to its end.
        let opened = match open_files(&all) {
            Ok(opened) => opened,
            Err(problems) => {
                assert!(!problems.is_empty());
                continue;
            }
        };
        // Brokers start on what was opened, whatever has become of it.
        if round % 40 == 7 {
            run(&opened);
            run_once += 1;
        }
    }
    assert!(run_once > 3, "{run_once}");
}
