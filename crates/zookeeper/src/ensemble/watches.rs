//! Who is told of what, once (`org.apache.zookeeper.server.WatchManager`).

use std::collections::{BTreeMap, BTreeSet};

use blumfeld_kernel::ConnectionId;

use crate::jute::{EventType, SetWatches};

use super::tree::{Change, DataTree, split};

/// Watches of one sort: by path, the connections that wait.
type Table = BTreeMap<String, BTreeSet<ConnectionId>>;

/// What a connection is told: what happened, and to which znode.
pub(super) type Told = (ConnectionId, EventType, String);

/// The watches that stand. They belong to a connection, and go with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    /// Left by getData and exists.
    data: Table,
    /// Left by getChildren.
    child: Table,
}

impl Watches {
    pub fn watch_data(&mut self, path: &str, conn: ConnectionId) {
        self.data.entry(path.to_owned()).or_default().insert(conn);
    }

    pub fn watch_children(&mut self, path: &str, conn: ConnectionId) {
        self.child.entry(path.to_owned()).or_default().insert(conn);
    }

    pub fn forget(&mut self, conn: ConnectionId) {
        for table in [&mut self.data, &mut self.child] {
            table.retain(|_, conns| {
                conns.remove(&conn);
                !conns.is_empty()
            });
        }
    }

    /// How many stand.
    pub fn len(&self) -> usize {
        self.data.values().chain(self.child.values()).map(BTreeSet::len).sum()
    }

    /// Who is told of a change. Those watches are gone.
    pub fn trigger(&mut self, change: &Change) -> Vec<Told> {
        let mut told = Vec::new();
        let mut tell = |conns: BTreeSet<ConnectionId>, event, path: &str| {
            told.extend(conns.into_iter().map(|conn| (conn, event, path.to_owned())));
        };
        let data = |this: &mut Watches, path: &str| this.data.remove(path).unwrap_or_default();
        match change {
            Change::DataChanged(path) => tell(data(self, path), EventType::NodeDataChanged, path),
            Change::Created(path) => {
                tell(data(self, path), EventType::NodeCreated, path);
                if let Some((parent, _)) = split(path) {
                    tell(
                        self.child.remove(parent).unwrap_or_default(),
                        EventType::NodeChildrenChanged,
                        parent,
                    );
                }
            }
            Change::Deleted(path) => {
                // Who watches a znode's data and its children is told once that it is gone.
                let mut conns = data(self, path);
                conns.extend(self.child.remove(path).unwrap_or_default());
                tell(conns, EventType::NodeDeleted, path);
                if let Some((parent, _)) = split(path) {
                    tell(
                        self.child.remove(parent).unwrap_or_default(),
                        EventType::NodeChildrenChanged,
                        parent,
                    );
                }
            }
        }
        told
    }

    /// Watches again for a client that came back; what it missed meanwhile is told at once
    /// (`DataTree.setWatches`).
    pub fn set(&mut self, conn: ConnectionId, asked: &SetWatches, tree: &DataTree) -> Vec<Told> {
        let mut told = Vec::new();
        for path in &asked.data_watches {
            match tree.get(path).map(|node| node.stat().mzxid) {
                None => told.push((conn, EventType::NodeDeleted, path.clone())),
                Some(mzxid) if mzxid > asked.relative_zxid => {
                    told.push((conn, EventType::NodeDataChanged, path.clone()));
                }
                Some(_) => self.watch_data(path, conn),
            }
        }
        for path in &asked.exist_watches {
            match tree.get(path) {
                Some(_) => told.push((conn, EventType::NodeCreated, path.clone())),
                None => self.watch_data(path, conn),
            }
        }
        for path in &asked.child_watches {
            match tree.get(path).map(|node| node.stat().pzxid) {
                None => told.push((conn, EventType::NodeDeleted, path.clone())),
                Some(pzxid) if pzxid > asked.relative_zxid => {
                    told.push((conn, EventType::NodeChildrenChanged, path.clone()));
                }
                Some(_) => self.watch_children(path, conn),
            }
        }
        told
    }
}
