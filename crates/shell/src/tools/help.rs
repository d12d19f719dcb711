//! `help`: what a newcomer can do here, in the page's language or the one that is named.

use super::toolbox::{Launch, Tool};
use crate::io::Printed;
use crate::options::usage;
use crate::{Environment, Language};

const ENGLISH: &str = "\
This console runs Kafka's own command-line tools on the cluster of this page.

Try these, one after the other:

  kafka-topics.sh --bootstrap-server @B --create --topic orders --partitions 3
  kafka-console-producer.sh --bootstrap-server @B --topic orders
      type a few lines; Ctrl-D ends the input
  kafka-console-consumer.sh --bootstrap-server @B --topic orders --from-beginning
      Ctrl-C stops it
  kafka-topics.sh --bootstrap-server @B --describe --topic orders

A file that you drop on the page can be read:

  cat access.log | kafka-console-producer.sh --bootstrap-server @B --topic orders

The tools:

  kafka-topics.sh             create, list, describe, alter and delete topics
  kafka-console-producer.sh   write records, one a line
  kafka-console-consumer.sh   read records
  kafka-consumer-groups.sh    show groups of consumers and their lag, set their offsets, delete them
  kafka-get-offsets.sh        show where partitions begin and end
  kafka-configs.sh            show and change the configurations of topics and brokers
  kafka-delete-records.sh     delete the oldest records
  kafka-dump-log.sh           show what the files of a partition hold
  kafka-log-dirs.sh           show how large the partitions on each broker are
  kafka-cluster.sh            show the cluster's id and brokers
  kafka-metadata-quorum.sh    show the quorum of controllers
  kafka-leader-election.sh    elect leaders of partitions
  kafka-reassign-partitions.sh  move partitions to other brokers
  kafka-transactions.sh       show transactions, and end those that hang
  kafka-producer-perf-test.sh  measure how fast records are written
  kafka-consumer-perf-test.sh  measure how fast records are read
  cat FILE                    show a file
  broker [add | remove]       add a broker, or take one away; alone it says how
  fault [FAULT]               break something, or mend it; alone it says how
  odds CONDITION              how often something comes true where chance has its way; alone it says how
  timeline …                  go to another moment of the session, or branch; timeline en says how
  until CONDITION             let time pass until something is so; alone it says how
  why FACT                    what set a number, and what led to that; alone it says how
  workload [COMMAND]          run a producer, a consumer or both in one that stays, in the background too; alone it says how
  echo TEXT | TOOL            give a tool a line to read
  help [TOOL] [en|ko]         this, or the options of a tool

The Tab key completes tools, options, topics and files. The arrow keys bring earlier lines back.
";

const KOREAN: &str = "\
이 콘솔에서는 Kafka의 명령줄 도구를 이 페이지의 클러스터에 그대로 실행합니다.

차례대로 해 보세요.

  kafka-topics.sh --bootstrap-server @B --create --topic orders --partitions 3
  kafka-console-producer.sh --bootstrap-server @B --topic orders
      몇 줄을 입력하고 Ctrl-D로 끝냅니다
  kafka-console-consumer.sh --bootstrap-server @B --topic orders --from-beginning
      Ctrl-C로 멈춥니다
  kafka-topics.sh --bootstrap-server @B --describe --topic orders

페이지에 끌어다 놓은 파일도 읽을 수 있습니다.

  cat access.log | kafka-console-producer.sh --bootstrap-server @B --topic orders

도구:

  kafka-topics.sh             토픽을 만들고, 나열하고, 자세히 보고, 바꾸고, 지웁니다
  kafka-console-producer.sh   레코드를 한 줄에 하나씩 씁니다
  kafka-console-consumer.sh   레코드를 읽습니다
  kafka-consumer-groups.sh    컨슈머 그룹과 그 지연을 보고, 오프셋을 옮기고, 그룹을 지웁니다
  kafka-get-offsets.sh        파티션의 시작과 끝 오프셋을 보여 줍니다
  kafka-configs.sh            토픽과 브로커의 설정을 보고 바꿉니다
  kafka-delete-records.sh     오래된 레코드를 지웁니다
  kafka-dump-log.sh           파티션의 파일에 무엇이 들어 있는지 보여 줍니다
  kafka-log-dirs.sh           브로커마다 파티션의 크기를 보여 줍니다
  kafka-cluster.sh            클러스터의 ID와 브로커를 보여 줍니다
  kafka-metadata-quorum.sh    컨트롤러 쿼럼의 상태를 보여 줍니다
  kafka-leader-election.sh    파티션의 리더를 선출합니다
  kafka-reassign-partitions.sh  파티션을 다른 브로커로 옮깁니다
  kafka-transactions.sh       트랜잭션을 보여 주고, 멈춰 있는 것을 끝냅니다
  kafka-producer-perf-test.sh  레코드를 쓰는 속도를 잽니다
  kafka-consumer-perf-test.sh  레코드를 읽는 속도를 잽니다
  cat FILE                    파일을 보여 줍니다
  broker [add | remove]       브로커를 더하거나 뺍니다. 그냥 치면 방법을 보여 줍니다
  fault [장애]                고장 내거나 복구합니다. 그냥 치면 방법을 보여 줍니다
  odds 조건                   무작위 선택이 다를 때 조건이 얼마나 자주 참이 되는지 셉니다. 그냥 치면 방법을 보여 줍니다
  timeline …                  세션의 다른 순간이나 브랜치로 갑니다. timeline ko라고 치면 방법을 보여 줍니다
  until 조건                  조건이 참이 될 때까지 시간을 흐르게 합니다. 그냥 치면 방법을 보여 줍니다
  why 값                      값이 언제 왜 바뀌었는지 보여 줍니다. 그냥 치면 방법을 보여 줍니다
  workload [명령]             계속 도는 프로듀서나 컨슈머를 백그라운드에서도 실행합니다. 그냥 치면 방법을 보여 줍니다
  echo 텍스트 | 도구          도구에 한 줄을 넘깁니다
  help [도구] [en|ko]         이 도움말, 또는 도구의 옵션

Tab 키는 도구, 옵션, 토픽, 파일 이름을 완성합니다. 화살표 키로 앞서 친 줄을 불러옵니다.
";

/// Reads the arguments: a tool, a language, or both.
pub fn start(arguments: &[String], env: &dyn Environment, tools: &[Tool]) -> Launch {
    let mut language = env.language();
    let mut tool = None;
    for argument in arguments {
        if let Some(named) = Language::named(argument) {
            language = named;
        } else if let Some(found) = tools.iter().find(|tool| tool.is_called(argument)) {
            tool = Some(found);
        } else {
            let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
            let text = format!("blumfeld: there is no tool {argument} here; there are {}", names.join(", "));
            return Printed::error(text).into();
        }
    }
    let text = match tool {
        Some(Tool { explain: Some(explain), .. }) => explain(language, env),
        Some(tool) if !tool.specs.is_empty() => format!("{}\n\n{}\n", tool.name, usage(tool.specs)),
        _ => {
            let text = match language {
                Language::English => ENGLISH,
                Language::Korean => KOREAN,
            };
            text.replace("@B", &env.bootstrap().to_string())
        }
    };
    Printed::output(text).into()
}
