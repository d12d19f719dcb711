//! The znodes (`org.apache.zookeeper.server.DataTree`), and how requests change them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::jute::{Acl, Code, Create, CreateMode, Op, OpResult, Request, Response, Stat};

/// One znode.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Znode {
    /// Its data; null and empty are two things.
    pub data: Option<Bytes>,
    /// Who may do what. Kept, and asked by nobody.
    pub acl: Vec<Acl>,
    /// The names of its children.
    pub children: BTreeSet<String>,
    czxid: i64,
    mzxid: i64,
    pzxid: i64,
    ctime: i64,
    mtime: i64,
    version: i32,
    /// How many children were made: what a sequential child is named after.
    created: i32,
    owner: i64,
}

impl Znode {
    /// What is told of it. `cversion` counts changes, made from how many children were made and how many there are, as
    /// `DataNode.copyStat` does.
    pub fn stat(&self) -> Stat {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let num_children = count(self.children.len());
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            cversion: self.created.wrapping_mul(2).wrapping_sub(num_children),
            aversion: 0,
            ephemeral_owner: self.owner,
            data_length: count(self.data.as_ref().map_or(0, Bytes::len)),
            num_children,
            pzxid: self.pzxid,
        }
    }
}

/// What a transaction did to a znode: watches are told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A znode was made.
    Created(
        /// Its path.
        String,
    ),
    /// A znode was taken away.
    Deleted(
        /// Its path.
        String,
    ),
    /// A znode was written.
    DataChanged(
        /// Its path.
        String,
    ),
}

/// Who changes something, as what transaction, and when.
#[derive(Clone, Copy, Debug)]
pub struct Transaction {
    /// The session.
    pub session: i64,
    /// The transaction's number.
    pub zxid: i64,
    /// Wall clock, in milliseconds since 1970-01-01 UTC.
    pub time: i64,
}

/// The znodes by their paths.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataTree {
    nodes: BTreeMap<String, Znode>,
    /// Paths of ephemeral znodes by their session.
    ephemerals: BTreeMap<i64, BTreeSet<String>>,
}

impl Default for DataTree {
    fn default() -> DataTree {
        let mut tree = DataTree { nodes: BTreeMap::new(), ephemerals: BTreeMap::new() };
        // What every ensemble has from its beginning.
        for (path, children) in
            [("/", &["zookeeper"][..]), ("/zookeeper", &["quota"]), ("/zookeeper/quota", &[])]
        {
            let children = children.iter().map(|&name| name.to_owned()).collect();
            tree.nodes.insert(path.to_owned(), Znode { acl: Acl::open(), children, ..Znode::default() });
        }
        tree
    }
}

/// The path above, and the name in it; `None` for the root.
pub fn split(path: &str) -> Option<(&str, &str)> {
    let (parent, name) = path.rsplit_once('/')?;
    if name.is_empty() {
        return None;
    }
    Some((if parent.is_empty() { "/" } else { parent }, name))
}

/// Whether a path can be one (`org.apache.zookeeper.common.PathUtils`): it begins with a slash, does not end with one,
/// and has no empty part, no `.` and no `..`, and no control characters.
fn is_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let bad = |c: char| c.is_control() || ('\u{f000}'..='\u{f8ff}').contains(&c) || c >= '\u{fff0}';
    rest.is_empty() || rest.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(bad))
}

impl DataTree {
    /// A znode.
    pub fn get(&self, path: &str) -> Option<&Znode> {
        self.nodes.get(path)
    }

    /// All znodes with their paths, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Znode)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// How many znodes there are, the root too.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: the root stays.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The ephemeral znodes of a session, in order.
    pub fn ephemerals(&self, session: i64) -> impl Iterator<Item = &str> {
        self.ephemerals.get(&session).into_iter().flatten().map(String::as_str)
    }

    fn node(&self, path: &str) -> Result<&Znode, Code> {
        self.nodes.get(path).ok_or(Code::NoNode)
    }

    /// A znode of that version; -1 is any.
    fn versioned(&mut self, path: &str, version: i32) -> Result<&mut Znode, Code> {
        let node = self.nodes.get_mut(path).ok_or(Code::NoNode)?;
        if version != -1 && version != node.version {
            return Err(Code::BadVersion);
        }
        Ok(node)
    }

    fn create(&mut self, create: &Create, txn: Transaction) -> Result<(String, Change), Code> {
        let mode = CreateMode::of(create.flags).ok_or(Code::BadArguments)?;
        if create.acl.is_empty() {
            return Err(Code::InvalidAcl);
        }
        // A sequential name may be the number alone, so the path is looked at once it has it.
        let parent_path = match create.path.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((parent, _)) => parent,
            None => return Err(Code::BadArguments),
        };
        let parent = self.node(parent_path)?;
        let path = match mode.is_sequential() {
            true => format!("{}{:010}", create.path, parent.created),
            false => create.path.clone(),
        };
        let Some((_, name)) = split(&path).filter(|_| is_path(&path)) else { return Err(Code::BadArguments) };
        let name = name.to_owned();
        if self.nodes.contains_key(&path) {
            return Err(Code::NodeExists);
        }
        if self.node(parent_path)?.owner != 0 {
            return Err(Code::NoChildrenForEphemerals);
        }
        if let Some(parent) = self.nodes.get_mut(parent_path) {
            parent.children.insert(name);
            parent.created = parent.created.wrapping_add(1);
            parent.pzxid = txn.zxid;
        }
        let owner = if mode.is_ephemeral() { txn.session } else { 0 };
        if owner != 0 {
            self.ephemerals.entry(owner).or_default().insert(path.clone());
        }
        let node = Znode {
            data: create.data.clone(),
            acl: create.acl.clone(),
            czxid: txn.zxid,
            mzxid: txn.zxid,
            pzxid: txn.zxid,
            ctime: txn.time,
            mtime: txn.time,
            owner,
            ..Znode::default()
        };
        self.nodes.insert(path.clone(), node);
        Ok((path.clone(), Change::Created(path)))
    }

    fn delete(&mut self, path: &str, version: i32, txn: Transaction) -> Result<Change, Code> {
        let Some((parent_path, name)) = split(path) else { return Err(Code::BadArguments) };
        let node = self.versioned(path, version)?;
        if !node.children.is_empty() {
            return Err(Code::NotEmpty);
        }
        let owner = node.owner;
        self.nodes.remove(path);
        if let Some(owned) = self.ephemerals.get_mut(&owner) {
            owned.remove(path);
            if owned.is_empty() {
                self.ephemerals.remove(&owner);
            }
        }
        if let Some(parent) = self.nodes.get_mut(parent_path) {
            parent.children.remove(name);
            parent.pzxid = txn.zxid;
        }
        Ok(Change::Deleted(path.to_owned()))
    }

    fn set_data(
        &mut self,
        path: &str,
        data: Option<Bytes>,
        version: i32,
        txn: Transaction,
    ) -> Result<(Stat, Change), Code> {
        let node = self.versioned(path, version)?;
        node.data = data;
        node.version = node.version.wrapping_add(1);
        node.mzxid = txn.zxid;
        node.mtime = txn.time;
        Ok((node.stat(), Change::DataChanged(path.to_owned())))
    }

    /// Does a request that changes something. What it changed comes with the answer.
    ///
    /// # Errors
    /// Nothing was changed.
    pub fn write(&mut self, request: &Request, txn: Transaction) -> Result<(Response, Vec<Change>), Code> {
        match request {
            Request::Create(create) => {
                let (path, change) = self.create(create, txn)?;
                Ok((Response::Create { path }, vec![change]))
            }
            Request::Create2(create) => {
                let (path, change) = self.create(create, txn)?;
                let stat = self.node(&path)?.stat();
                Ok((Response::Create2 { path, stat }, vec![change]))
            }
            Request::Delete { path, version } => {
                Ok((Response::Delete, vec![self.delete(path, *version, txn)?]))
            }
            Request::SetData { path, data, version } => {
                let (stat, change) = self.set_data(path, data.clone(), *version, txn)?;
                Ok((Response::SetData { stat }, vec![change]))
            }
            Request::Multi(ops) => {
                let (results, changes) = self.multi(ops, txn);
                Ok((Response::Multi(results), changes))
            }
            Request::CloseSession => Ok((Response::CloseSession, self.close(txn))),
            _ => Err(Code::Unimplemented),
        }
    }

    /// All operations or none. What they touch is kept aside, and put back if one fails.
    fn multi(&mut self, ops: &[Op], txn: Transaction) -> (Vec<OpResult>, Vec<Change>) {
        let mut before: BTreeMap<String, Option<Znode>> = BTreeMap::new();
        let mut results = Vec::with_capacity(ops.len());
        let mut changes = Vec::new();
        for (at, op) in ops.iter().enumerate() {
            let parent = op.path().rsplit_once('/').map_or("/", |(parent, _)| parent);
            for path in [op.path(), if parent.is_empty() { "/" } else { parent }] {
                if !before.contains_key(path) {
                    before.insert(path.to_owned(), self.nodes.get(path).cloned());
                }
            }
            match self.one_of_multi(op, txn) {
                Ok((result, change)) => {
                    if let OpResult::Create { path } = &result {
                        before.entry(path.clone()).or_insert(None);
                    }
                    results.push(result);
                    changes.extend(change);
                }
                Err(code) => {
                    before.into_iter().for_each(|(path, node)| self.put_back(path, node));
                    let err = |place: usize| match place.cmp(&at) {
                        std::cmp::Ordering::Less => Code::Ok.number(),
                        std::cmp::Ordering::Equal => code.number(),
                        std::cmp::Ordering::Greater => Code::RuntimeInconsistency.number(),
                    };
                    return (
                        (0..ops.len()).map(|place| OpResult::Error { err: err(place) }).collect(),
                        Vec::new(),
                    );
                }
            }
        }
        (results, changes)
    }

    fn one_of_multi(&mut self, op: &Op, txn: Transaction) -> Result<(OpResult, Option<Change>), Code> {
        Ok(match op {
            Op::Check { path, version } => {
                self.versioned(path, *version)?;
                (OpResult::Check, None)
            }
            Op::Create(create) => {
                let (path, change) = self.create(create, txn)?;
                (OpResult::Create { path }, Some(change))
            }
            Op::Delete { path, version } => (OpResult::Delete, Some(self.delete(path, *version, txn)?)),
            Op::SetData { path, data, version } => {
                let (stat, change) = self.set_data(path, data.clone(), *version, txn)?;
                (OpResult::SetData { stat }, Some(change))
            }
        })
    }

    fn put_back(&mut self, path: String, node: Option<Znode>) {
        let owner = node.as_ref().map_or(0, |node| node.owner);
        let replaced = match node {
            Some(node) => self.nodes.insert(path.clone(), node),
            None => self.nodes.remove(&path),
        };
        let had = replaced.map_or(0, |node| node.owner);
        if had != owner && had != 0 {
            let owned = self.ephemerals.entry(had).or_default();
            owned.remove(&path);
            if owned.is_empty() {
                self.ephemerals.remove(&had);
            }
        }
        if owner != 0 {
            self.ephemerals.entry(owner).or_default().insert(path);
        }
    }

    /// Takes a session's ephemeral znodes away.
    fn close(&mut self, txn: Transaction) -> Vec<Change> {
        let owned: Vec<String> = self.ephemerals(txn.session).map(str::to_owned).collect();
        owned.iter().filter_map(|path| self.delete(path, -1, txn).ok()).collect()
    }

    /// Answers a request that changes nothing. Watches are the caller's.
    ///
    /// # Errors
    /// There is no such znode, or it is no such request.
    pub fn read(&self, request: &Request) -> Result<Response, Code> {
        match request {
            Request::Exists { path, .. } => Ok(Response::Exists { stat: self.node(path)?.stat() }),
            Request::GetData { path, .. } => {
                let node = self.node(path)?;
                Ok(Response::GetData { data: node.data.clone(), stat: node.stat() })
            }
            Request::GetChildren2 { path, .. } => {
                let node = self.node(path)?;
                Ok(Response::GetChildren2 {
                    children: node.children.iter().cloned().collect(),
                    stat: node.stat(),
                })
            }
            Request::Ping => Ok(Response::Ping),
            Request::SetWatches(_) => Ok(Response::SetWatches),
            _ => Err(Code::Unimplemented),
        }
    }
}
