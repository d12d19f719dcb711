//! A broker's log directory as an archive on which Apache Kafka starts.
//!
//! In the archive lie `broker-N/`, byte for byte what the disk holds at that moment, and `server-N.properties`. A
//! running broker's directory is what a killed Kafka would leave; Kafka recovers it as it recovers from a crash.
//! Brokers that are exported at one moment fit each other.

use std::collections::BTreeMap;
use std::io;

use blumfeld_broker::BrokerConfig;
use blumfeld_kernel::Disk;

/// The port of the first broker's clients, and that of its controller, on the machine on which Kafka is to run.
const PORTS: (i32, i32) = (9_092, 19_092);

/// An archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// What to call it: `broker-1.tar`, `cluster.tar`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The directories of brokers in one archive, whose files bear the time `now_ms`, in milliseconds since 1970-01-01
/// UTC. `brokers` are all of the cluster, as their configs say how they find each other.
///
/// # Errors
/// A path does not fit into an archive.
pub fn export(brokers: &[BrokerConfig], disks: &BTreeMap<i32, &Disk>, now_ms: i64) -> io::Result<Exported> {
    let mtime = u64::try_from(now_ms / 1_000).unwrap_or(0);
    let mut tar = tar::Builder::new(Vec::new());
    let mut put = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(mtime);
        // A path that is too long for the header gets an entry of its own before it.
        tar.append_data(&mut header, path, bytes)
    };
    for (id, disk) in disks {
        if let Some(config) = brokers.iter().find(|config| config.node_id == *id) {
            put(&format!("server-{id}.properties"), properties(config, brokers).as_bytes())?;
        }
        for (path, file) in disk.files() {
            put(&format!("broker-{id}/{path}"), &file.read_all())?;
        }
    }
    let name = match disks.len() {
        1 => disks.keys().map(|id| format!("broker-{id}.tar")).collect(),
        _ => "cluster.tar".to_owned(),
    };
    Ok(Exported { name, bytes: tar.into_inner()? })
}

/// The `server.properties` with which Kafka starts on the directory, from the folder in which both lie. The voters are
/// static ones: so the metadata has them (kraft.version 0).
pub(crate) fn properties(config: &BrokerConfig, brokers: &[BrokerConfig]) -> String {
    let id = config.node_id;
    let host = "127.0.0.1";
    let client = |id: i32| PORTS.0 + id - 1;
    let controller = |id: i32| PORTS.1 + id - 1;
    let voters: Vec<i32> =
        brokers.iter().filter(|broker| broker.roles.controller).map(|broker| broker.node_id).collect();
    let list: Vec<String> = voters.iter().map(|id| format!("{id}@{host}:{}", controller(*id))).collect();
    let votes = voters.contains(&id);
    let (roles, listener) = match votes {
        true => ("broker,controller", format!(",CONTROLLER://{host}:{}", controller(id))),
        false => ("broker", String::new()),
    };
    let replicas = brokers.len().min(3);
    let rack = config.rack.iter().map(|rack| format!("broker.rack={rack}\n")).collect::<String>();
    format!(
        "# Apache Kafka 4.3 starts on this with bin/kafka-server-start.sh, called in the folder that holds this file and broker-{id}.\n\
         # It is not to be formatted: the directory is. A quorum needs most of its voters: start {}.\n\
         process.roles={roles}\n\
         node.id={id}\n\
         controller.quorum.voters={}\n\
         listeners=PLAINTEXT://{host}:{}{listener}\n\
         advertised.listeners=PLAINTEXT://{host}:{}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs=broker-{id}\n\
         {rack}num.partitions={}\n\
         default.replication.factor={}\n\
         offsets.topic.replication.factor={replicas}\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr={}\n",
        voters.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        list.join(","),
        client(id),
        client(id),
        config.num_partitions,
        config.default_replication_factor,
        replicas.min(2),
    )
}
