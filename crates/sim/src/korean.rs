//! The trace's lines in Korean, as an event log has them: what became true, in the noun form.

use blumfeld_kernel::TraceEvent;

/// What became true. Names, states and reasons stay as Kafka writes them.
pub(crate) fn korean(event: &TraceEvent) -> String {
    use TraceEvent as E;
    match event {
        E::BrokerStarted { clean: true } => "정상 종료 뒤 시작함".to_owned(),
        E::BrokerStarted { clean: false } => "시작함".to_owned(),
        E::ControllerElected { epoch } => format!("에포크 {epoch}의 활성 컨트롤러가 됨"),
        E::ControllerResigned { epoch } => format!("에포크 {epoch}에서 쿼럼 리더를 그만둠"),
        E::QuorumFollower { leader, epoch } => {
            format!("에포크 {epoch}에서 쿼럼의 broker-{leader} 팔로워가 됨")
        }
        E::QuorumProspective { epoch } => format!("에포크 {epoch}의 사전 투표를 요청함"),
        E::QuorumCandidate { epoch } => format!("에포크 {epoch}의 투표를 요청함"),
        E::VoteGranted { candidate, epoch } => format!("에포크 {epoch}에서 broker-{candidate}에 투표함"),
        E::QuorumLeader { epoch } => format!("에포크 {epoch}의 쿼럼 리더로 선출됨"),
        E::SnapshotWritten { end_offset } => format!("메타데이터 스냅숏을 {end_offset}까지 씀"),
        E::BrokerRegistered { epoch } => format!("브로커 에포크 {epoch}으로 등록됨"),
        E::RegistrationRefused { error } => format!("등록이 거부됨: {error}"),
        E::BrokerFenced { broker } => format!("broker-{broker} 펜싱함"),
        E::BrokerUnfenced { broker } => format!("broker-{broker} 펜싱을 풂"),
        E::BrokerShuttingDown { broker } => format!("broker-{broker} 정상 종료를 시작함"),
        E::BrokerUnregistered { broker } => format!("broker-{broker} 등록을 지움"),
        E::LeaderElected { partition, leader: -1, epoch, .. } => {
            format!("{partition}: 에포크 {epoch}에서 리더가 없어짐")
        }
        E::LeaderElected { partition, leader, epoch, isr, unclean } => {
            let how = if *unclean { "언클린 " } else { "" };
            format!("{partition}: broker-{leader} {how}리더로 선출됨, 에포크 {epoch}, ISR {isr:?}")
        }
        E::ReplicasAssigned { partition, replicas } => format!("{partition}: 복제본 {replicas:?} 배정됨"),
        E::BecameFollower { partition, leader: -1, epoch } => {
            format!("{partition}: 에포크 {epoch}에서 리더를 기다림")
        }
        E::BecameFollower { partition, leader, epoch } => {
            format!("{partition}: 에포크 {epoch}에서 broker-{leader}의 팔로워가 됨")
        }
        E::IsrChanged { partition, from, to } => {
            let how = if to.len() < from.len() { "줄어듦" } else { "늘어남" };
            format!("{partition}: ISR {from:?}에서 {to:?}, {how}")
        }
        E::LogTruncated { partition, from, to } => format!("{partition}: {from}에서 {to}까지 잘라냄"),
        E::TopicCreated { topic, partitions } => format!("토픽 {topic} 만들어짐, 파티션 {partitions}개"),
        E::TopicDeleted { topic } => format!("토픽 {topic} 지워짐"),
        E::PartitionsAdded { topic, partitions } => {
            format!("토픽 {topic}의 파티션이 {partitions}개로 늘어남")
        }
        E::ConfigAltered { resource, name } => format!("{resource}: {name} 설정이 바뀜"),
        E::BecameLeader { partition, epoch, isr } => {
            format!("{partition}: 에포크 {epoch}의 리더가 됨, ISR {isr:?}")
        }
        E::Appended { partition, base_offset, last_offset, bytes } => {
            format!("{partition}: {base_offset}..{last_offset} 덧붙임, {bytes} B")
        }
        E::DuplicateBatch { partition, producer_id, base_sequence, last_sequence, base_offset } => {
            format!(
                "{partition}: 프로듀서 {producer_id}의 시퀀스 {base_sequence}..{last_sequence} 중복을 알아봄, 오프셋 \
                 {base_offset}에 있음"
            )
        }
        E::HighWatermarkAdvanced { partition, from, to } => {
            format!("{partition}: 하이 워터마크가 {from}에서 {to}(으)로 올라감")
        }
        E::SegmentRolled { partition, base_offset } => {
            format!("{partition}: {base_offset}에서 세그먼트를 넘김")
        }
        E::SegmentsDeleted { partition, count, log_start } => {
            format!("{partition}: 세그먼트 {count}개 지움, 로그 시작 {log_start}")
        }
        E::LogStartAdvanced { partition, to } => format!("{partition}: 로그 시작이 {to}까지 옮겨짐"),
        E::LogRecovered { partition, clean: true, log_end, .. } => {
            format!("{partition}: 불러옴, 로그 끝 {log_end}")
        }
        E::LogRecovered { partition, clean: false, scanned, truncated, log_end } => {
            format!("{partition}: 복구함, {scanned} B 검사, {truncated} B 잘라냄, 로그 끝 {log_end}")
        }
        E::LogSetAside { directory, to, why } => format!("{directory} 디렉터리를 {to} 이름으로 치움: {why}"),
        E::CoordinatorLoaded { partition, groups, offsets } => {
            format!("{partition}: 그룹 {groups}개, 오프셋 {offsets}개 불러옴")
        }
        E::TransactionStateChanged { id, producer_id, epoch, from, to, partitions } => format!(
            "트랜잭션 {id}: {from} → {to}, 프로듀서 {producer_id}, 에포크 {epoch}, 파티션 {partitions}개"
        ),
        E::TransactionTimedOut { id } => format!("트랜잭션 {id}: 시간 초과로 중단"),
        E::TransactionsLoaded { partition, transactions } => {
            format!("{partition}에서 트랜잭션 ID {transactions}개 읽음")
        }
        E::TransactionsUnloaded { partition, transactions } => {
            format!("{partition}: 트랜잭션 ID {transactions}개 내려놓음")
        }
        E::CoordinatorUnloaded { partition, groups } => format!("{partition}: 그룹 {groups}개 내려놓음"),
        E::GroupRecordSkipped { partition, offset, reason } => {
            format!("{partition}: {offset}의 레코드를 건너뜀: {reason}")
        }
        E::GroupRebalancing { group, generation, reason, .. } => {
            format!("그룹 {group}: 리밸런스 준비, 이전 세대 {generation}: {reason}")
        }
        E::GroupStateChanged { group, from, to, generation, members } => {
            format!("그룹 {group}: {from}에서 {to}, 세대 {generation}, 멤버 {members}개")
        }
        E::GroupMemberJoined { group, member, instance: None } => {
            format!("그룹 {group}: 멤버 {member} 들어옴")
        }
        E::GroupMemberJoined { group, member, instance: Some(instance) } => {
            format!("그룹 {group}: 정적 멤버 {member} 들어옴, 인스턴스 ID {instance}")
        }
        E::GroupStaticMemberReplaced { group, instance, old, new } => {
            format!("그룹 {group}: 정적 멤버 {instance} 바뀜, {old}에서 {new}")
        }
        E::GroupMemberLeft { group, member, cause } => format!("그룹 {group}: 멤버 {member} 나감: {cause}"),
        E::GroupMemberRejoined { group, member } => format!("그룹 {group}: 멤버 {member} 다시 참여함"),
        E::GroupAssigned { group, generation, protocol, owners } => {
            let owned: Vec<String> =
                owners.iter().map(|(member, owned)| format!("{member} {}개", owned.len())).collect();
            format!("그룹 {group}: 세대 {generation} 할당됨({protocol}), {}", owned.join(", "))
        }
        E::GroupLoaded { group, generation, members, .. } => {
            format!("그룹 {group}: 세대 {generation} 불러옴, 멤버 {members}개")
        }
        E::OffsetsCommitted { group, offsets } => {
            let offsets: Vec<String> =
                offsets.iter().map(|(partition, at)| format!("{partition}@{at}")).collect();
            format!("그룹 {group}: 커밋됨, {}", offsets.join(" "))
        }
        E::GroupOffsetsExpired { group, offsets, gone } => {
            let how = if *gone { ", 그룹도 없어짐" } else { "" };
            format!("그룹 {group}: 오프셋 {offsets}개 만료됨{how}")
        }
        E::RequestRejected { api_key, version, reason } => {
            format!("API 키 {api_key} 버전 {version} 요청을 거부함: {reason}")
        }
        E::DiskFailed { reason } => format!("디스크 오류: {reason}"),
        E::FaultInjected { fault } => format!("고장: {fault}"),
        E::TriggerFired { trigger, request } => format!("트리거 {trigger}: {request}"),
        E::BrokerAdded { broker, address } => format!("broker-{broker} 더해짐, {address}"),
        E::BrokerRemoved { broker } => format!("broker-{broker} 디스크와 함께 빠짐"),
        E::OutsideConnected { name, listener } => format!("{name}에서 {listener}에 연결됨"),
        E::OutsideDisconnected { name, reason } => format!("{name} 연결이 끊어짐: {reason}"),
    }
}
