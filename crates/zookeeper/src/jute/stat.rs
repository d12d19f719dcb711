//! What a znode carries besides its data.

use super::{JuteError, Reader, Writer};

/// All rights (`ZooDefs.Perms.ALL`): read, write, create, delete, admin.
pub const PERMS_ALL: i32 = 31;

/// What is told of a znode (`org.apache.zookeeper.data.Stat`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stat {
    /// zxid of the transaction that made it. Kafka's broker epoch is the one of `/brokers/ids/N`.
    pub czxid: i64,
    /// zxid of the transaction that last wrote its data.
    pub mzxid: i64,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub ctime: i64,
    /// When its data was last written, in the same unit.
    pub mtime: i64,
    /// How often its data was written since it was made.
    pub version: i32,
    /// How often its children changed.
    pub cversion: i32,
    /// How often its access rights changed.
    pub aversion: i32,
    /// The session whose end takes it away; 0 if it stays.
    pub ephemeral_owner: i64,
    /// Bytes of its data.
    pub data_length: i32,
    /// How many children it has.
    pub num_children: i32,
    /// zxid of the transaction that last made or took away a child.
    pub pzxid: i64,
}

impl Stat {
    pub(super) fn read(r: &mut Reader) -> Result<Stat, JuteError> {
        Ok(Stat {
            czxid: r.long("czxid")?,
            mzxid: r.long("mzxid")?,
            ctime: r.long("ctime")?,
            mtime: r.long("mtime")?,
            version: r.int("version")?,
            cversion: r.int("cversion")?,
            aversion: r.int("aversion")?,
            ephemeral_owner: r.long("ephemeralOwner")?,
            data_length: r.int("dataLength")?,
            num_children: r.int("numChildren")?,
            pzxid: r.long("pzxid")?,
        })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.long(self.czxid).long(self.mzxid).long(self.ctime).long(self.mtime);
        w.int(self.version).int(self.cversion).int(self.aversion).long(self.ephemeral_owner);
        w.int(self.data_length).int(self.num_children).long(self.pzxid);
    }
}

/// Who is meant by a list of rights (`org.apache.zookeeper.data.Id`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Id {
    /// How they are known: `world`, `auth`, `digest`, `sasl`.
    pub scheme: String,
    /// Their name in that scheme: `anyone`.
    pub id: String,
}

/// Who may do what (`org.apache.zookeeper.data.ACL`). The ensemble keeps it and asks nobody for it: a cluster without
/// `zookeeper.set.acl` leaves all znodes open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acl {
    /// The rights, as bits: read 1, write 2, create 4, delete 8, admin 16.
    pub perms: i32,
    /// Whose they are.
    pub id: Id,
}

impl Acl {
    /// Everybody may do everything (`ZooDefs.Ids.OPEN_ACL_UNSAFE`).
    pub fn open() -> Vec<Acl> {
        vec![Acl { perms: PERMS_ALL, id: Id { scheme: "world".to_owned(), id: "anyone".to_owned() } }]
    }

    pub(super) fn read(r: &mut Reader) -> Result<Acl, JuteError> {
        Ok(Acl { perms: r.int("perms")?, id: Id { scheme: r.string("scheme")?, id: r.string("id")? } })
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.int(self.perms).string(&self.id.scheme).string(&self.id.id);
    }
}

/// How long a znode stays, and who names it (`org.apache.zookeeper.CreateMode`); containers and znodes with a time to
/// live are not served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CreateMode {
    /// Until somebody takes it away.
    Persistent,
    /// Until its session ends.
    Ephemeral,
    /// Stays; the server puts a number of ten digits behind its name.
    PersistentSequential,
    /// Goes with its session; with such a number.
    EphemeralSequential,
}

impl CreateMode {
    /// Its number on the wire (`flags`).
    pub const fn flags(self) -> i32 {
        match self {
            CreateMode::Persistent => 0,
            CreateMode::Ephemeral => 1,
            CreateMode::PersistentSequential => 2,
            CreateMode::EphemeralSequential => 3,
        }
    }

    /// The mode with this number.
    pub const fn of(flags: i32) -> Option<CreateMode> {
        match flags {
            0 => Some(CreateMode::Persistent),
            1 => Some(CreateMode::Ephemeral),
            2 => Some(CreateMode::PersistentSequential),
            3 => Some(CreateMode::EphemeralSequential),
            _ => None,
        }
    }

    /// Whether it goes with its session.
    pub const fn is_ephemeral(self) -> bool {
        matches!(self, CreateMode::Ephemeral | CreateMode::EphemeralSequential)
    }

    /// Whether the server numbers it.
    pub const fn is_sequential(self) -> bool {
        matches!(self, CreateMode::PersistentSequential | CreateMode::EphemeralSequential)
    }
}
