//! `fault`: the words that break a cluster and mend it, explained. They act on the world around the cluster, which no
//! command-line tool can: the world's owner reads a line with arguments before it comes here.

use blumfeld_protocol::{ApiKey, ErrorCode};

use super::toolbox::{Launch, explained};
use crate::{Environment, Language, StdinSource};

/// One fault: how it is written, an example, and what it does in English and Korean.
pub struct Explained {
    /// Its words; those in capitals stand for a value, those in brackets may be left out.
    pub usage: &'static str,
    /// A line that could be typed, without `fault`.
    pub example: &'static str,
    english: &'static str,
    korean: &'static str,
}

macro_rules! explained {
    ($($usage:literal, $example:literal, $english:literal, $korean:literal;)*) => {
        &[$(Explained { usage: $usage, example: $example, english: $english, korean: $korean },)*]
    };
}

/// All faults.
pub const FAULTS: &[Explained] = explained! {
    "crash N", "crash 1",
        "kill a broker's process; its machine, disk and page cache stay",
        "브로커 프로세스를 죽입니다. 머신과 디스크, 페이지 캐시는 남습니다";
    "shutdown N", "shutdown 1",
        "end a broker in order, with everything flushed",
        "모두 디스크에 쓰고 브로커를 정상 종료합니다";
    "power-cut N", "power-cut 1",
        "cut a machine's power; what was not flushed is lost",
        "머신의 전원을 끊습니다. 플러시하지 않은 것은 사라집니다";
    "restart N", "restart 1",
        "start a broker that is down; one that is ending in order starts again once it has ended",
        "멈춘 브로커를 다시 시작합니다. 정상 종료 중인 브로커는 종료가 끝나면 다시 시작합니다";
    "pause N [MS]", "pause 1 30000",
        "let a process stand still, as in a long garbage collection",
        "긴 가비지 컬렉션처럼 프로세스를 멈춰 세웁니다";
    "resume N", "resume 1",
        "let a paused process go on",
        "멈춰 세운 프로세스를 이어서 실행합니다";
    "skew N MS", "skew 1 -60000",
        "set a machine's wall clock so much ahead, or behind",
        "머신의 시계를 그만큼 빠르게, 또는 느리게 맞춥니다";
    "clock-jump N MS", "clock-jump 1 3600000",
        "let a machine's wall clock jump",
        "머신의 시계를 한 번에 옮깁니다";
    "disk full N [K]", "disk full 1",
        "no space left: flushes fail, all or the next K operations",
        "디스크가 가득 찹니다. 모든 플러시 또는 다음 K개 작업이 실패합니다";
    "disk fail N [K]", "disk fail 1 3",
        "the device fails: flushes fail, all or the next K operations",
        "디스크가 고장 납니다. 모든 플러시 또는 다음 K개 작업이 실패합니다";
    "disk slow N FACTOR", "disk slow 1 20",
        "everything takes the disk so many times as long",
        "디스크의 모든 작업이 그만큼 배로 느려집니다";
    "disk ok N", "disk ok 1",
        "the disk works again, at its own speed",
        "디스크가 제 속도로 다시 동작합니다";
    "page-cache N BYTES", "page-cache 1 8388608",
        "a machine's page cache holds so many bytes (default: its own size); the rest is read from the disk",
        "머신의 페이지 캐시 크기를 정합니다(default는 원래 크기). 들어가지 않는 것은 디스크에서 읽습니다";
    "page-cache N drop", "page-cache 1 drop",
        "the page cache forgets what is on the disk: the next reads are cold",
        "디스크에 있는 것을 페이지 캐시에서 비웁니다. 다음 읽기는 디스크에서 합니다";
    "cut A B", "cut 1 2",
        "cut a way through the network; what is sent arrives once it is healed",
        "두 쪽 사이의 네트워크를 끊습니다. 보낸 것은 복구된 뒤에 도착합니다";
    "cut-oneway A B", "cut-oneway 1 2",
        "cut it from A to B only",
        "A에서 B로 가는 쪽만 끊습니다";
    "isolate N", "isolate 1",
        "cut a machine off from all others and from all clients",
        "머신 하나를 다른 모든 머신과 클라이언트에서 끊습니다";
    "latency A B MS [oneway]", "latency 1 2 50",
        "everything takes so much longer on its way",
        "오가는 시간이 그만큼 길어집니다";
    "jitter A B MS [oneway]", "jitter 1 2 20",
        "each message takes up to so much longer",
        "메시지마다 최대 그만큼 더 걸립니다";
    "bandwidth A B BYTES [oneway]", "bandwidth clients 1 100000",
        "a connection carries so many bytes a second",
        "연결 하나가 1초에 그만큼의 바이트만 나릅니다";
    "drop A B PERCENT [oneway]", "drop 1 2 30%",
        "so many messages are lost and sent again: 200 ms later, then 400, …",
        "그만큼의 메시지를 잃고 다시 보냅니다. 200 ms 뒤, 그다음 400 ms 뒤, …";
    "reorder A B MS [oneway]", "reorder clients 1 100",
        "each connection is slower by a time of its own, up to so much",
        "연결마다 최대 그만큼 서로 다르게 느려져 순서가 뒤바뀝니다";
    "break A B", "break clients 1",
        "reset every connection between two sides now",
        "두 쪽 사이의 모든 연결을 지금 끊어 버립니다";
    "lose-response N API [K]", "lose-response 1 Produce",
        "the broker handles a request, and the connection breaks before the response arrives",
        "브로커가 요청을 처리한 뒤 응답이 도착하기 전에 연결이 끊깁니다";
    "request N API error CODE [K]", "request 1 Produce error NOT_LEADER_OR_FOLLOWER 3",
        "the next request, or the next K, are answered with an error",
        "다음 요청 하나 또는 K개에 오류로 답합니다";
    "request N API delay MS [K]", "request 1 Fetch delay 500",
        "the next request reaches the broker so much later",
        "다음 요청이 브로커에 그만큼 늦게 도착합니다";
    "request N API drop [K]", "request 1 Metadata drop",
        "the connection breaks before the broker gets the next request",
        "브로커가 다음 요청을 받기 전에 연결이 끊깁니다";
    "on API [as NAME] …", "on Produce as late topic orders nth 3 error NOT_LEADER_OR_FOLLOWER",
        "a trigger: something happens when a request comes; see below",
        "트리거입니다. 요청이 오면 무언가가 일어납니다. 아래를 보세요";
    "disarm NAME", "disarm late",
        "hold a trigger, so that no request is its",
        "트리거를 잠시 멈춥니다. 어떤 요청에도 반응하지 않습니다";
    "arm NAME", "arm late",
        "let a held trigger go on",
        "멈춘 트리거를 다시 켭니다";
    "off NAME", "off late",
        "take a trigger off",
        "트리거를 없앱니다";
    "observed NAME", "observed late",
        "say which requests a trigger has observed, each as a line of JSON",
        "트리거가 관찰한 요청을 한 줄에 하나씩 JSON으로 보여 줍니다";
    "heal [A] [B]", "heal",
        "mend the network and requests: all, those of A, or the way from A to B and back",
        "네트워크와 요청을 복구합니다. 모두, 또는 A의 것, 또는 A와 B 사이";
    "list", "list",
        "say what is in force, each as it could be typed again",
        "지금 걸려 있는 것을 다시 입력할 수 있는 꼴로 보여 줍니다";
};

const ENGLISH: &str = "\
This breaks the cluster, or mends it again. N is the id of a broker; A and B are too, or one client (client-1), or all
(clients). Times are in milliseconds, and API is a name such as Produce or Fetch.
";

const KOREAN: &str = "\
클러스터를 고장 내거나 복구합니다. N은 브로커 ID입니다. A와 B는 브로커 ID, 클라이언트 하나(client-1), 또는 모든
클라이언트(clients)입니다. 시간은 밀리초이고, API는 Produce나 Fetch 같은 이름입니다.
";

/// What stands behind `on`, in English.
const TRIGGERS: &str = "
A trigger says which requests, which of these, and what happens:

  fault on API [as NAME] [broker N] [client-id ID] [connection N] [version N] [topic NAME] [partition N]
               [while up N | while down N | while leader TOPIC-PARTITION N]
               [once | times K | nth K | every [K] | probability PERCENT]
               error CODE | delay MS [before | after] | duplicate | drop | disconnect [before | after] |
               answer JSON | observe [K] | do FAULT

API can be any. drop loses the request and all that comes behind it on its connection. With after the broker handles the
request first: disconnect after breaks the connection before the response arrives, delay MS after holds the response back.
duplicate has the broker get the request twice, and throws the second response away. answer takes the response's fields by Kafka's names,
as answer '{\"errorCode\": 7}'; what is not given has Kafka's default. observe keeps the last K requests (1000). do injects
another fault, in which here is the broker that the request came to, as do crash here. A blank in a name is written %20.
";

/// The same in Korean.
const TRIGGERS_KOREAN: &str = "
트리거에는 어떤 요청인지, 그중 어느 것인지, 무슨 일이 일어나는지를 차례로 적습니다.

  fault on API [as NAME] [broker N] [client-id ID] [connection N] [version N] [topic NAME] [partition N]
               [while up N | while down N | while leader TOPIC-PARTITION N]
               [once | times K | nth K | every [K] | probability PERCENT]
               error CODE | delay MS [before | after] | duplicate | drop | disconnect [before | after] |
               answer JSON | observe [K] | do FAULT

API 자리에 any를 쓰면 모든 API입니다. drop은 그 요청과 같은 연결에서 뒤따르는 모든 것을 잃습니다. after를 붙이면 브로커가
요청을 먼저 처리합니다. disconnect after는 응답이 도착하기 전에 연결을 끊고, delay MS after는 응답을 늦게 보냅니다. duplicate는
브로커가 같은 요청을 두 번 받게 하고, 두 번째 응답은 버립니다. answer에는 응답 필드를 Kafka의 이름으로 적습니다. 예를 들면
answer '{\"errorCode\": 7}'이고, 적지 않은 필드는 Kafka의 기본값입니다. observe는 마지막 요청 K개(1000)를 간직합니다. do는 다른
고장을 일으킵니다. 그 안의 here는 요청을 받은 브로커입니다. 예: do crash here. 이름 속 빈칸은 %20으로 씁니다.
";

/// Words of triggers behind the API.
const TRIGGER_WORDS: [&str; 21] = [
    "as",
    "broker",
    "client-id",
    "connection",
    "version",
    "topic",
    "partition",
    "while",
    "once",
    "times",
    "nth",
    "every",
    "probability",
    "error",
    "delay",
    "duplicate",
    "drop",
    "disconnect",
    "answer",
    "observe",
    "do",
];

/// What `fault` alone says.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    explained(arguments, env, "break", explain)
}

pub(crate) fn explain(language: Language, _: &dyn Environment) -> String {
    let mut text = match language {
        Language::English => ENGLISH,
        Language::Korean => KOREAN,
    }
    .to_owned();
    for fault in FAULTS {
        let about = match language {
            Language::English => fault.english,
            Language::Korean => fault.korean,
        };
        text += &format!("\n  {:<30}{about}\n      fault {}\n", fault.usage, fault.example);
    }
    text += match language {
        Language::English => TRIGGERS,
        Language::Korean => TRIGGERS_KOREAN,
    };
    text
}

/// What can follow these words of a fault.
pub fn candidates(words: &[&str], env: &dyn Environment) -> Vec<String> {
    let mut found = Vec::new();
    if let ["on", api @ .., last] = words {
        return match *last {
            _ if api.is_empty() => TRIGGER_WORDS.map(ToOwned::to_owned).to_vec(),
            "broker" | "up" | "down" => values("N", env),
            "error" => values("CODE", env),
            "topic" => env.topics(),
            "while" => ["up", "down", "leader"].map(ToOwned::to_owned).to_vec(),
            "disconnect" => ["before", "after"].map(ToOwned::to_owned).to_vec(),
            "do" => FAULTS
                .iter()
                .filter_map(|fault| fault.usage.split(' ').next())
                .map(ToOwned::to_owned)
                .collect(),
            "as" | "client-id" | "connection" | "version" | "partition" | "leader" | "times" | "nth"
            | "probability" | "delay" | "answer" => Vec::new(),
            _ => TRIGGER_WORDS.map(ToOwned::to_owned).to_vec(),
        };
    }
    if words.is_empty() {
        found.extend(["en".to_owned(), "ko".to_owned()]);
    }
    for fault in FAULTS {
        let usage: Vec<&str> = fault.usage.split(' ').collect();
        let fits = |(usage, word): (&&str, &&str)| is_value(usage) || usage == word;
        if let Some(next) = usage.get(words.len())
            && usage.iter().zip(words).all(fits)
        {
            found.extend(values(next, env));
        }
    }
    found
}

/// Whether a word of a usage stands for a value: `N`, `[MS]`.
fn is_value(word: &str) -> bool {
    let name = word.trim_matches(['[', ']']);
    name.chars().all(|c| c.is_ascii_uppercase())
}

fn values(word: &str, env: &dyn Environment) -> Vec<String> {
    let nodes = || env.nodes().into_iter().map(|node| node.to_string());
    match word.trim_matches(['[', ']']) {
        "N" => nodes().collect(),
        "A" | "B" => nodes().chain(["clients".to_owned()]).collect(),
        "API" => (0..=i16::from(u8::MAX))
            .filter_map(|key| ApiKey::try_from(key).ok())
            .map(|key| format!("{key:?}"))
            .collect(),
        "CODE" => (1..=i16::from(u8::MAX))
            .map(|code| ErrorCode(code).name())
            .filter(|name| *name != ErrorCode::UNKNOWN_SERVER_ERROR.name())
            .map(ToOwned::to_owned)
            .collect(),
        _ if is_value(word) => Vec::new(),
        word => vec![word.to_owned()],
    }
}
