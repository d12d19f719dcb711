//! What can be wrong with files that were dropped, in a sentence each.

use std::fmt;

/// Why files cannot be opened as log directories. `Display` says it in English.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are what the sentence names")]
pub enum Problem {
    /// Its name says that it is an archive, and its bytes that it is none.
    NotAnArchive { name: String },
    /// An archive cannot be read.
    Damaged { archive: String, what: String },
    /// An archive ends in the middle of a file.
    Truncated { archive: String, path: String },
    /// A name of an archive leads out of it.
    BadName { archive: String, path: String },
    /// An archive holds a link, or something else that is no file.
    Link { archive: String, path: String },
    /// A zip holds something in a compression that nobody knows here.
    Method { archive: String, path: String },
    /// More bytes than are taken.
    TooLarge { limit: u64 },
    /// More files than are taken.
    TooMany { limit: usize },
    /// A file that is in no log directory of Kafka's.
    Unknown { path: String },
    /// A file of a partition that is in no partition's folder.
    NoFolder { path: String },
    /// No partition is there.
    Nothing,
    /// A segment's name says no offset.
    SegmentName { path: String },
    /// A segment does not begin with a record batch.
    NoBatches { path: String },
    /// A segment is of a time before record batches.
    OldFormat { path: String, magic: i8 },
    /// A segment begins with an offset below its name's.
    Offset { path: String, offset: i64 },
    /// Two partitions of one topic say that they are of different topics.
    TopicIds { topic: String },
    /// `meta.properties` cannot be read.
    Meta { path: String, what: &'static str },
    /// Two directories are of one node.
    SameNode { id: i32, one: String, other: String },
    /// Two directories are of different clusters.
    Clusters { one: String, other: String },
    /// More partitions than a cluster has here.
    Partitions { count: u64, limit: u64 },
    /// A folder of a data directory says that it is another broker's.
    OtherNode { folder: i32, id: i32 },
    /// A data directory's cluster has voters that it cannot have here.
    Voters { voters: Vec<i32>, wanted: Vec<i32> },
}

fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive { name } => {
                write!(f, "{name} is called an archive and is none: neither tar, gzip nor zip.")
            }
            Self::Damaged { archive, what } => write!(f, "{archive} cannot be read: {what}."),
            Self::Truncated { archive, path } if path.is_empty() => {
                write!(f, "{archive} is cut: it holds fewer files than it says.")
            }
            Self::Truncated { archive, path } => {
                write!(f, "{archive} is cut: it ends in the middle of {path}.")
            }
            Self::BadName { archive, path } => {
                write!(f, "{archive} holds \"{}\", a name that leads out of it.", path.escape_debug())
            }
            Self::Link { archive, path } => {
                write!(f, "{archive} holds {path}, which is a link or a device and no file.")
            }
            Self::Method { archive, path } => {
                write!(
                    f,
                    "{archive} holds {path} in a compression that is not read here: only stored and deflated files are."
                )
            }
            Self::TooLarge { limit } => {
                write!(f, "There is more in it than the {} MiB that are taken at once.", mib(*limit))
            }
            Self::TooMany { limit } => {
                write!(f, "There are more files in it than the {limit} that are taken at once.")
            }
            Self::Unknown { path } => write!(f, "{path} is no file of a log directory of Kafka's."),
            Self::NoFolder { path } => write!(
                f,
                "{path} lies in no folder of a partition, such as orders-0, so nothing says which partition it belongs to."
            ),
            Self::Nothing => {
                write!(f, "There is no partition in it: a folder such as orders-0 with a .log file.")
            }
            Self::SegmentName { path } => {
                write!(
                    f,
                    "{path} has no segment's name, which is the offset of its first record in 20 digits."
                )
            }
            Self::NoBatches { path } => {
                write!(f, "{path} does not begin with a record batch: it is no segment of a log.")
            }
            Self::OldFormat { path, magic } => write!(
                f,
                "{path} has records of format {magic}, which Kafka wrote before 0.11; only format 2 is read here."
            ),
            Self::Offset { path, offset } => {
                write!(f, "{path} begins with offset {offset}, which lies before the offset in its name.")
            }
            Self::TopicIds { topic } => {
                write!(
                    f,
                    "The partitions of {topic} have different topic ids: they are of two topics that had the same name."
                )
            }
            Self::Meta { path, what } => write!(f, "{path} cannot be read: {what} is missing or is none."),
            Self::SameNode { id, one, other } => {
                write!(f, "{} and {} are both directories of node {id}.", name(one), name(other))
            }
            Self::Clusters { one, other } => {
                write!(f, "{} and {} belong to different clusters.", name(one), name(other))
            }
            Self::Partitions { count, limit } => {
                write!(f, "The topics have {count} partitions in all; {limit} can be here.")
            }
            Self::OtherNode { folder, id } => {
                write!(f, "broker-{folder} is the log directory of node {id}, as its meta.properties says.")
            }
            Self::Voters { voters, wanted } => write!(
                f,
                "the voters of the cluster's quorum are {voters:?}; with these directories they have to be {wanted:?} here \
                 (blumfeld-gateway import makes a cluster of what is there)"
            ),
        }
    }
}

/// A directory's name in a sentence.
fn name(path: &str) -> &str {
    if path.is_empty() { "The folder itself" } else { path }
}

impl Problem {
    /// The sentence in Korean.
    pub fn korean(&self) -> String {
        match self {
            Self::NotAnArchive { name } => {
                format!("{name}: 이름은 압축 파일이지만 tar, gzip, zip 가운데 어느 것도 아닙니다.")
            }
            Self::Damaged { archive, what } => format!("{archive}: 읽을 수 없습니다({what})."),
            Self::Truncated { archive, path } if path.is_empty() => {
                format!("{archive}: 잘려 있습니다. 적힌 것보다 파일이 적습니다.")
            }
            Self::Truncated { archive, path } => {
                format!("{archive}: 잘려 있습니다. {path} 중간에서 끝납니다.")
            }
            Self::BadName { archive, path } => {
                format!("{archive}: 밖으로 나가는 이름 \"{}\"이 들어 있습니다.", path.escape_debug())
            }
            Self::Link { archive, path } => {
                format!("{archive}: {path} 항목은 파일이 아니라 링크나 장치입니다.")
            }
            Self::Method { archive, path } => {
                format!("{archive}: {path}의 압축 방식은 읽지 못합니다. store와 deflate만 읽습니다.")
            }
            Self::TooLarge { limit } => format!("한 번에 받는 {} MiB보다 많습니다.", mib(*limit)),
            Self::TooMany { limit } => format!("한 번에 받는 {limit}개보다 파일이 많습니다."),
            Self::Unknown { path } => format!("{path}: Kafka 로그 디렉터리의 파일이 아닙니다."),
            Self::NoFolder { path } => {
                format!(
                    "{path}: orders-0과 같은 파티션 폴더에 들어 있지 않아 어느 파티션의 것인지 알 수 없습니다."
                )
            }
            Self::Nothing => {
                "파티션이 없습니다. .log 파일이 든 orders-0과 같은 폴더가 있어야 합니다.".to_owned()
            }
            Self::SegmentName { path } => {
                format!(
                    "{path}: 세그먼트 이름이 아닙니다. 첫 레코드의 오프셋을 20자리로 적은 이름이어야 합니다."
                )
            }
            Self::NoBatches { path } => {
                format!("{path}: 레코드 배치로 시작하지 않습니다. 로그 세그먼트가 아닙니다.")
            }
            Self::OldFormat { path, magic } => {
                format!("{path}: Kafka 0.11 이전의 레코드 형식 {magic}입니다. 형식 2만 읽습니다.")
            }
            Self::Offset { path, offset } => {
                format!("{path}: 이름에 적힌 오프셋보다 앞선 오프셋 {offset}에서 시작합니다.")
            }
            Self::TopicIds { topic } => {
                format!("{topic}: 파티션들의 토픽 ID가 다릅니다. 이름이 같았던 두 토픽의 것입니다.")
            }
            Self::Meta { path, what } => format!("{path}: 읽을 수 없습니다. {what} 값이 없거나 틀렸습니다."),
            Self::SameNode { id, one, other } => {
                format!("{}, {}: 둘 다 노드 {id}의 디렉터리입니다.", korean_name(one), korean_name(other))
            }
            Self::Clusters { one, other } => {
                format!("{}, {}: 서로 다른 클러스터의 것입니다.", korean_name(one), korean_name(other))
            }
            Self::Partitions { count, limit } => {
                format!("파티션이 모두 {count}개입니다. 여기에는 {limit}개까지 둘 수 있습니다.")
            }
            Self::OtherNode { folder, id } => {
                format!("broker-{folder}: meta.properties에 따르면 노드 {id}의 로그 디렉터리입니다.")
            }
            Self::Voters { voters, wanted } => {
                format!("쿼럼의 투표자가 {voters:?}입니다. 이 디렉터리들로는 {wanted:?}이어야 합니다.")
            }
        }
    }
}

fn korean_name(path: &str) -> &str {
    if path.is_empty() { "이 폴더" } else { path }
}
