//! `broker`: machines that come to the cluster and go from it, explained. Kafka's tools change what a cluster knows of
//! its brokers, and none starts or removes one: the world's owner reads a line with arguments before it comes here.

use super::toolbox::{Launch, explained};
use crate::{Environment, Language, StdinSource};

const ENGLISH: &str = "\
This adds a broker to the cluster, or takes one away.

  broker add [ID] [--rack RACK]   a machine with an empty disk joins as a broker; without an id the lowest that is free
      broker add
      broker add 5 --rack b
  broker remove ID [--force]      the broker ends in order, and its machine is taken away with its disk
      broker remove 4

A new broker has no replicas until topics are created or kafka-reassign-partitions.sh moves some to it; move them away again
before you remove it. --force removes it all the same, and its replicas are lost. A broker that is gone stays registered, and
fenced, until it is forgotten:

  kafka-cluster.sh unregister --bootstrap-server @B --id 4

The voters of the metadata quorum are fixed here. They can be crashed (fault crash N), not removed.
";

const KOREAN: &str = "\
클러스터에 브로커를 더하거나 뺍니다.

  broker add [ID] [--rack RACK]   디스크가 빈 머신이 브로커로 들어옵니다. ID를 쓰지 않으면 비어 있는 가장 작은 번호입니다
      broker add
      broker add 5 --rack b
  broker remove ID [--force]      브로커를 정상 종료하고 머신을 디스크와 함께 뺍니다
      broker remove 4

새 브로커에는 토픽을 만들거나 kafka-reassign-partitions.sh로 옮겨 오기 전까지 레플리카가 없습니다. 빼기 전에는 다시 옮겨
놓으세요. --force를 붙이면 그대로 빼며, 그 레플리카는 사라집니다. 빠진 브로커는 지울 때까지 펜싱된 채로 등록되어 있습니다.

  kafka-cluster.sh unregister --bootstrap-server @B --id 4

메타데이터 쿼럼의 투표자는 여기서 바뀌지 않습니다. 멈출 수는 있지만(fault crash N) 뺄 수는 없습니다.
";

/// What `broker` alone says.
pub fn start(arguments: &[String], env: &dyn Environment, _: &StdinSource) -> Launch {
    explained(arguments, env, "change", explain)
}

pub(crate) fn explain(language: Language, env: &dyn Environment) -> String {
    let text = match language {
        Language::English => ENGLISH,
        Language::Korean => KOREAN,
    };
    text.replace("@B", &env.bootstrap().to_string())
}

/// What can follow these words.
pub fn candidates(words: &[&str], env: &dyn Environment) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match words {
        [] => owned(&["add", "remove", "en", "ko"]),
        [.., "--rack"] => Vec::new(),
        ["add", rest @ ..] if !rest.contains(&"--rack") => owned(&["--rack"]),
        ["remove"] => env.nodes().into_iter().map(|node| node.to_string()).collect(),
        ["remove", rest @ ..] if !rest.contains(&"--force") => owned(&["--force"]),
        _ => Vec::new(),
    }
}
