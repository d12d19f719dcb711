//! The numbers of operations, errors and special requests.

use std::fmt;

/// Numbers of requests that are no answer's (`org.apache.zookeeper.ClientCnxn`).
pub mod xid {
    /// An answer with it is a [`WatcherEvent`](super::super::WatcherEvent).
    pub const NOTIFICATION: i32 = -1;
    /// A ping.
    pub const PING: i32 = -2;
    /// A client that came back says what it watches.
    pub const SET_WATCHES: i32 = -8;
}

macro_rules! numbers {
    ($(#[$doc:meta])* $type:ident { $($(#[$each:meta])* $name:ident = $number:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $type {
            $($(#[$each])* $name,)*
        }

        impl $type {
            /// Each, in the order of the definition.
            pub const ALL: &[$type] = &[$($type::$name),*];

            /// Its number on the wire.
            pub const fn number(self) -> i32 {
                match self {
                    $($type::$name => $number,)*
                }
            }

            /// The one with this number.
            pub const fn of(number: i32) -> Option<$type> {
                match number {
                    $($number => Some($type::$name),)*
                    _ => None,
                }
            }

            /// As ZooKeeper writes it.
            pub const fn name(self) -> &'static str {
                match self {
                    $($type::$name => $text,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

numbers! {
    /// What is asked for (`org.apache.zookeeper.ZooDefs.OpCode`); those that a Kafka broker uses.
    OpCode {
        /// Makes a znode.
        Create = 1, "create";
        /// Takes a znode away.
        Delete = 2, "delete";
        /// Whether there is a znode.
        Exists = 3, "exists";
        /// Reads a znode.
        GetData = 4, "getData";
        /// Writes a znode.
        SetData = 5, "setData";
        /// Says that the session lives.
        Ping = 11, "ping";
        /// Lists a znode's children, with its stat.
        GetChildren2 = 12, "getChildren2";
        /// Compares a znode's version, within a multi.
        Check = 13, "check";
        /// Several operations that happen together or not at all.
        Multi = 14, "multi";
        /// Makes a znode and tells its stat.
        Create2 = 15, "create2";
        /// Watches anew what was watched on an earlier connection.
        SetWatches = 101, "setWatches";
        /// Ends the session.
        CloseSession = -11, "closeSession";
        /// Stands before an error in a multi's answer.
        Error = -1, "error";
    }
}

numbers! {
    /// How a request went (`org.apache.zookeeper.KeeperException.Code`); those that occur here.
    Code {
        /// It is done.
        Ok = 0, "OK";
        /// The server does not know what went wrong.
        SystemError = -1, "SYSTEMERROR";
        /// It stands behind the operation of a multi that failed, and was not looked at.
        RuntimeInconsistency = -2, "RUNTIMEINCONSISTENCY";
        /// The connection broke before the answer came.
        ConnectionLoss = -4, "CONNECTIONLOSS";
        /// The server does not understand the request.
        MarshallingError = -5, "MARSHALLINGERROR";
        /// The server does not do this.
        Unimplemented = -6, "UNIMPLEMENTED";
        /// It took too long.
        OperationTimeout = -7, "OPERATIONTIMEOUT";
        /// An argument that cannot be: a path that is none, a mode that is none.
        BadArguments = -8, "BADARGUMENTS";
        /// There is no such znode.
        NoNode = -101, "NONODE";
        /// The session may not do this.
        NoAuth = -102, "NOAUTH";
        /// The znode has another version.
        BadVersion = -103, "BADVERSION";
        /// An ephemeral znode has no children.
        NoChildrenForEphemerals = -108, "NOCHILDRENFOREPHEMERALS";
        /// There is such a znode.
        NodeExists = -110, "NODEEXISTS";
        /// The znode has children.
        NotEmpty = -111, "NOTEMPTY";
        /// The session is over.
        SessionExpired = -112, "SESSIONEXPIRED";
        /// The list of access rights is empty or makes no sense.
        InvalidAcl = -114, "INVALIDACL";
    }
}
