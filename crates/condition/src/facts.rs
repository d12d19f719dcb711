//! What a condition can ask, and what an answer is.

use std::fmt;

use blumfeld_protocol::error::ErrorCode;

/// What sort of value something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// Several numbers.
    Numbers,
    /// Several texts.
    Texts,
    /// A time since the cluster's beginning, or a span.
    Time,
    /// True or false.
    Truth,
}

impl Kind {
    pub(crate) fn english(self) -> &'static str {
        match self {
            Kind::Number => "a number",
            Kind::Text => "a text",
            Kind::Numbers => "a list of numbers",
            Kind::Texts => "a list of texts",
            Kind::Time => "a time",
            Kind::Truth => "true or false",
        }
    }

    pub(crate) fn korean(self) -> &'static str {
        match self {
            Kind::Number => "숫자",
            Kind::Text => "텍스트",
            Kind::Numbers => "숫자 목록",
            Kind::Texts => "텍스트 목록",
            Kind::Time => "시간",
            Kind::Truth => "참/거짓",
        }
    }
}

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Numbers; their order does not count when they are compared.
    Numbers(Vec<i64>),
    /// Texts; neither does theirs.
    Texts(Vec<String>),
    /// Microseconds.
    Time(u64),
    /// True or false.
    Truth(bool),
}

impl Value {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::Number(_) => Kind::Number,
            Value::Text(_) => Kind::Text,
            Value::Numbers(_) => Kind::Numbers,
            Value::Texts(_) => Kind::Texts,
            Value::Time(_) => Kind::Time,
            Value::Truth(_) => Kind::Truth,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Numbers(numbers) => write!(f, "{numbers:?}"),
            Value::Texts(texts) => write!(f, "{texts:?}"),
            Value::Time(micros) => {
                let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
                write!(f, "{seconds}.{rest:06}s")
            }
            Value::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

/// A partition: its topic and number.
pub type Partition = (String, i32);

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "FACTS has a sentence for each")]
pub enum Question {
    Leader(Partition),
    Epoch(Partition),
    Isr(Partition),
    Replicas(Partition),
    HighWatermark(Partition, Option<i32>),
    LogEnd(Partition, Option<i32>),
    LogStart(Partition),
    Partitions(String),
    UnderReplicated(Option<String>),
    State(String),
    Generation(String),
    Members(String),
    Coordinator(String),
    Committed(String, Partition),
    Accumulated(String, Partition),
    Counted(ClientCount, String),
    LastStable(Partition),
    Segments(Partition),
    Size(Partition),
    Cleaned(Partition),
    Codec(Partition),
    Config(String, String),
    Idle(String),
    Assignor(String),
    Owner(String, Partition),
    Transaction(String),
    DiskReads(i32),
    Elapsed,
    Printed(String),
    Lag(String, Option<String>, Option<i32>),
    Up(i32),
    Broker(i32),
    Brokers,
    Controller,
    Topics,
    Groups,
    InFlight,
    Time,
    Saw(Sight, Option<String>),
}

macro_rules! client_counts {
    ($($(#[$doc:meta])* $count:ident = $name:literal, $english:literal, $korean:literal;)*) => {
        /// What a client counts since it began.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum ClientCount { $($(#[$doc])* $count,)* }

        impl ClientCount {
            /// The count of a fact's name.
            pub(crate) fn named(name: &str) -> Option<ClientCount> {
                match name { $($name => Some(ClientCount::$count),)* _ => None }
            }
        }

        /// The facts that are counts of clients.
        const CLIENT_COUNTS: &[(&str, &str, &str)] = &[$(($name, $english, $korean),)*];
    };
}

client_counts! {
    /// Records that were acknowledged.
    Acknowledged = "acknowledged", "records of a producer that were acknowledged", "프로듀서가 확인 응답을 받은 레코드 수";
    /// Records that were given up.
    Failed = "failed", "records that a producer gave up", "프로듀서가 포기한 레코드 수";
    /// Records that left.
    Sent = "sent", "records that a producer has sent, each once", "프로듀서가 보낸 레코드 수. 다시 보낸 것은 세지 않음";
    /// Batches that left.
    Batches = "batches", "batches that a producer has sent, each as often as it was", "프로듀서가 보낸 배치 수. 다시 보낸 것도 셈";
    /// Batches that left again.
    Retries = "retries", "batches that a producer has sent again", "프로듀서가 다시 보낸 배치 수";
    /// Produce requests.
    Requests = "requests", "Produce requests that a producer has sent", "프로듀서가 보낸 Produce 요청 수";
    /// Bytes of the buffer.
    Buffered = "buffered", "bytes of a producer's buffer.memory that are taken", "프로듀서의 buffer.memory 사용량. 바이트";
    /// Records that came.
    Received = "received", "records that a consumer was given", "컨슈머가 받은 레코드 수";
    /// Records that were worked on.
    Processed = "processed", "records that a consumer has processed", "컨슈머가 처리한 레코드 수";
}

/// Something that can be seen happening.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sight {
    /// An answer with this error.
    Error(
        /// Kafka's code of it.
        i16,
    ),
    /// An answer with any error.
    AnyError,
    /// Something became true.
    Event(
        /// What.
        EventSort,
    ),
}

impl Sight {
    pub(crate) fn named(name: &str) -> Option<Sight> {
        if name == "error" {
            return Some(Sight::AnyError);
        }
        let error = ErrorCode::from_name(name).filter(|code| code.is_error());
        error.map(|code| Sight::Error(code.0)).or_else(|| EventSort::named(name).map(Sight::Event))
    }
}

macro_rules! event_sorts {
    ($($(#[$doc:meta])* $sort:ident = $name:literal,)*) => {
        /// What can happen, and be waited for: `saw(election)`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum EventSort { $($(#[$doc])* $sort,)* }

        impl EventSort {
            /// Its name in a condition.
            pub fn name(self) -> &'static str {
                match self { $(EventSort::$sort => $name,)* }
            }

            /// The sort of a name.
            pub fn named(name: &str) -> Option<EventSort> {
                match name { $($name => Some(EventSort::$sort),)* _ => None }
            }

            /// All names.
            pub fn names() -> impl Iterator<Item = &'static str> {
                [$($name,)*].into_iter()
            }
        }
    };
}

event_sorts! {
    /// A partition has another leader, or none.
    Election = "election",
    /// Another node is the active controller.
    ControllerElection = "controller_election",
    /// An ISR shrank or grew.
    IsrChange = "isr_change",
    /// Records were cut off a replica.
    Truncation = "truncation",
    /// Records were appended to a log.
    Append = "append",
    /// A high watermark moved.
    HighWatermark = "high_watermark",
    /// A segment was closed and the next one begun.
    Roll = "roll",
    /// A group's members have to join again.
    Rebalance = "rebalance",
    /// A rebalance is done: the group is stable.
    Rebalanced = "rebalanced",
    /// A member joined a group.
    MemberJoined = "member_joined",
    /// A member left a group, or was removed.
    MemberLeft = "member_left",
    /// A group committed offsets.
    Commit = "commit",
    /// A broker may not lead any more.
    BrokerFenced = "broker_fenced",
    /// A broker may lead.
    BrokerUnfenced = "broker_unfenced",
    /// A broker has recovered its logs and serves.
    BrokerStarted = "broker_started",
    /// A topic was created.
    TopicCreated = "topic_created",
    /// Somebody broke or mended something.
    Fault = "fault",
    /// A consumer was given records.
    Read = "read",
    /// A topic was deleted.
    TopicDeleted = "topic_deleted",
    /// A topic has more partitions.
    PartitionsAdded = "partitions_added",
    /// A config was set or deleted.
    ConfigAltered = "config_altered",
    /// A broker knew a batch that was sent again, and did not append it.
    Duplicate = "duplicate",
    /// Retention took segments away.
    SegmentsDeleted = "segments_deleted",
    /// A broker has looked through a log at its start.
    LogRecovered = "log_recovered",
    /// The cleaner has gone over a log.
    LogCleaned = "log_cleaned",
    /// A transaction has another state.
    TransactionState = "transaction_state",
}

/// Whatever answers questions.
pub trait Facts {
    /// The answer; nothing while there is none. A question that is about a kind of value is answered by that kind.
    fn answer(&self, question: &Question) -> Option<Value>;
}

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parameter {
    /// A topic's name.
    Topic,
    /// A partition's number.
    Partition,
    /// A group's id.
    Group,
    /// A `client.id`.
    Client,
    /// A broker's `node.id`.
    Broker,
    /// An error's or event's name, without quotes.
    Sight,
    /// What an event or error is about: `"orders-0"`, a group, an API.
    About,
    /// A config's name.
    Config,
    /// A `transactional.id`.
    Transaction,
    /// A part of what a tool prints.
    Printed,
}

impl Parameter {
    /// Whether it stands in quotes.
    pub(crate) fn is_text(self) -> bool {
        match self {
            Parameter::Topic
            | Parameter::Group
            | Parameter::Client
            | Parameter::About
            | Parameter::Config
            | Parameter::Transaction
            | Parameter::Printed => true,
            Parameter::Partition | Parameter::Broker | Parameter::Sight => false,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Parameter::Topic => "TOPIC",
            Parameter::Partition => "PARTITION",
            Parameter::Group => "GROUP",
            Parameter::Client => "CLIENT",
            Parameter::Broker => "BROKER",
            Parameter::Sight => "NAME",
            Parameter::About => "ABOUT",
            Parameter::Config => "CONFIG",
            Parameter::Transaction => "ID",
            Parameter::Printed => "TEXT",
        }
    }
}

/// What can be asked under a name.
#[derive(PartialEq, Eq, Debug)]
pub struct FactInfo {
    /// Its name.
    pub name: &'static str,
    /// Another name of it; empty for none.
    pub alias: &'static str,
    /// Arguments that it needs.
    pub needs: &'static [Parameter],
    /// Arguments that may follow.
    pub may: &'static [Parameter],
    /// What the answer is.
    pub gives: Kind,
    /// What it is, in English.
    pub english: &'static str,
    /// What it is, in Korean.
    pub korean: &'static str,
}

impl FactInfo {
    /// How it is written: `lag(GROUP [, TOPIC [, PARTITION]])`.
    pub fn usage(&self) -> String {
        if self.needs.is_empty() && self.may.is_empty() {
            return self.name.to_owned();
        }
        let needs = self.needs.iter().map(|one| one.word()).collect::<Vec<_>>().join(", ");
        let mut may = String::new();
        for (at, one) in self.may.iter().enumerate() {
            let comma = if at == 0 && needs.is_empty() { "[" } else { " [, " };
            may += comma;
            may += one.word();
        }
        may += &"]".repeat(self.may.len());
        format!("{}({needs}{may})", self.name)
    }
}

const PLACE: &[Parameter] = &[Parameter::Topic, Parameter::Partition];

const fn fact(
    name: &'static str,
    needs: &'static [Parameter],
    gives: Kind,
    english: &'static str,
    korean: &'static str,
) -> FactInfo {
    FactInfo { name, alias: "", needs, may: &[], gives, english, korean }
}

/// The fact of a client's count.
const fn counted(at: usize) -> FactInfo {
    let (name, english, korean) = CLIENT_COUNTS[at];
    fact(name, &[Parameter::Client], Kind::Number, english, korean)
}

/// Everything that can be asked.
pub const FACTS: [FactInfo; 47] = {
    [
        fact(
            "leader",
            PLACE,
            Kind::Number,
            "the broker that leads it; -1 for none",
            "파티션의 리더 브로커. 없으면 -1",
        ),
        fact("epoch", PLACE, Kind::Number, "its leader epoch", "리더 에포크"),
        fact("isr", PLACE, Kind::Numbers, "its in-sync replicas", "동기화된 복제본(ISR)"),
        fact("replicas", PLACE, Kind::Numbers, "its replicas", "복제본"),
        FactInfo {
            alias: "hw",
            may: &[Parameter::Broker],
            ..fact(
                "high_watermark",
                PLACE,
                Kind::Number,
                "its high watermark, or the one that a replica knows",
                "하이 워터마크. 브로커를 쓰면 그 복제본이 아는 값",
            )
        },
        FactInfo {
            alias: "leo",
            may: &[Parameter::Broker],
            ..fact(
                "log_end",
                PLACE,
                Kind::Number,
                "its log end offset, or a replica's",
                "로그 끝 오프셋. 브로커를 쓰면 그 복제본의 값",
            )
        },
        fact("log_start", PLACE, Kind::Number, "its log start offset", "로그 시작 오프셋"),
        fact("partitions", &[Parameter::Topic], Kind::Number, "partitions of a topic", "토픽의 파티션 수"),
        FactInfo {
            may: &[Parameter::Topic],
            ..fact(
                "under_replicated",
                &[],
                Kind::Number,
                "partitions with fewer in-sync replicas than replicas",
                "복제 부족 파티션 수",
            )
        },
        fact(
            "state",
            &[Parameter::Group],
            Kind::Text,
            "a group's state: \"Stable\"",
            "그룹 상태: \"Stable\"",
        ),
        fact("generation", &[Parameter::Group], Kind::Number, "a group's generation", "그룹 세대"),
        fact("members", &[Parameter::Group], Kind::Number, "members of a group", "그룹 멤버 수"),
        fact(
            "coordinator",
            &[Parameter::Group],
            Kind::Number,
            "the broker that coordinates a group",
            "그룹의 코디네이터 브로커",
        ),
        fact(
            "committed",
            &[Parameter::Group, Parameter::Topic, Parameter::Partition],
            Kind::Number,
            "what a group has committed for a partition; -1 for nothing",
            "그룹이 파티션에 커밋한 오프셋. 없으면 -1",
        ),
        FactInfo {
            may: PLACE,
            ..fact(
                "lag",
                &[Parameter::Group],
                Kind::Number,
                "records between what a group has committed and the high watermarks",
                "랙: 커밋한 오프셋과 하이 워터마크 사이의 레코드 수",
            )
        },
        fact(
            "accumulated",
            &[Parameter::Client, Parameter::Topic, Parameter::Partition],
            Kind::Number,
            "records that a producer has for a partition and has not sent",
            "프로듀서가 아직 보내지 않은 파티션의 레코드 수",
        ),
        counted(0),
        counted(1),
        counted(2),
        counted(3),
        counted(4),
        counted(5),
        counted(6),
        counted(7),
        counted(8),
        FactInfo {
            alias: "lso",
            ..fact(
                "last_stable",
                PLACE,
                Kind::Number,
                "its last stable offset: read_committed reads up to there",
                "마지막 안정 오프셋(LSO). read_committed는 여기까지 읽음",
            )
        },
        fact("segments", PLACE, Kind::Number, "segments of its log", "로그의 세그먼트 수"),
        fact("size", PLACE, Kind::Number, "bytes of its log", "로그의 크기. 바이트"),
        fact(
            "cleaned",
            PLACE,
            Kind::Number,
            "up to which offset the cleaner has been through its log",
            "압축 정리를 마친 오프셋",
        ),
        fact(
            "codec",
            PLACE,
            Kind::Text,
            "how its last batch is compressed: \"none\", \"lz4\"",
            "마지막 배치의 압축 방식: \"none\", \"lz4\"",
        ),
        fact(
            "config",
            &[Parameter::Topic, Parameter::Config],
            Kind::Text,
            "what a config of a topic is, set or not",
            "토픽 설정의 값. 정하지 않았으면 기본값",
        ),
        fact(
            "idle",
            &[Parameter::Group],
            Kind::Number,
            "members of a group that own no partition",
            "파티션이 없는 그룹 멤버 수",
        ),
        fact(
            "assignor",
            &[Parameter::Group],
            Kind::Text,
            "how a group shares its partitions: \"range\", \"cooperative-sticky\"",
            "그룹이 파티션을 나누는 방식: \"range\", \"cooperative-sticky\"",
        ),
        fact(
            "owner",
            &[Parameter::Group, Parameter::Topic, Parameter::Partition],
            Kind::Text,
            "the client.id of the member that a partition is assigned to; \"\" for none",
            "파티션을 할당받은 멤버의 client.id. 없으면 \"\"",
        ),
        fact(
            "transaction",
            &[Parameter::Transaction],
            Kind::Text,
            "a transaction's state, as its coordinator has it: \"Ongoing\"",
            "코디네이터가 아는 트랜잭션 상태: \"Ongoing\"",
        ),
        fact(
            "disk_reads",
            &[Parameter::Broker],
            Kind::Number,
            "reads of a broker that its page cache did not have",
            "페이지 캐시에 없어 디스크에서 읽은 횟수",
        ),
        fact(
            "elapsed",
            &[],
            Kind::Time,
            "virtual time since the wait began: elapsed >= 5s",
            "기다리기 시작한 뒤의 가상 시간: elapsed >= 5s",
        ),
        fact(
            "printed",
            &[Parameter::Printed],
            Kind::Truth,
            "whether a tool has printed a text since the wait began: printed(\"LAG\")",
            "기다리기 시작한 뒤 도구가 그 텍스트를 출력했는지: printed(\"LAG\")",
        ),
        fact(
            "up",
            &[Parameter::Broker],
            Kind::Truth,
            "whether a broker's process runs",
            "브로커 프로세스가 도는지",
        ),
        fact(
            "broker",
            &[Parameter::Broker],
            Kind::Text,
            "a broker's state: \"running\", \"fenced\", \"crashed\"",
            "브로커 상태: \"running\", \"fenced\", \"crashed\"",
        ),
        fact("brokers", &[], Kind::Numbers, "brokers whose process runs", "프로세스가 도는 브로커"),
        fact(
            "controller",
            &[],
            Kind::Number,
            "the active controller; -1 for none",
            "활성 컨트롤러. 없으면 -1",
        ),
        fact("topics", &[], Kind::Texts, "the topics", "토픽"),
        fact("groups", &[], Kind::Texts, "the consumer groups", "컨슈머 그룹"),
        fact("in_flight", &[], Kind::Number, "requests and answers in flight", "전송 중인 요청과 응답 수"),
        fact(
            "time",
            &[],
            Kind::Time,
            "virtual time since the cluster began: time >= 90s",
            "클러스터가 시작된 뒤의 가상 시간: time >= 90s",
        ),
        FactInfo {
            may: &[Parameter::About],
            ..fact(
                "saw",
                &[Parameter::Sight],
                Kind::Truth,
                "whether an error or event came since the wait began: saw(election, \"orders-0\")",
                "기다리기 시작한 뒤 오류나 사건이 있었는지: saw(election, \"orders-0\")",
            )
        },
    ]
};
