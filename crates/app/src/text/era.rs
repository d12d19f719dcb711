//! What is said of the cluster of the time before KRaft.

catalogue! {
    EraText;
    title: "ZooKeeper then, KRaft now", "ZooKeeper 시절과 KRaft";
    about: "A cluster of the 2.x kind, its control plane alone, stands beside yours: three brokers, and a ZooKeeper ensemble that keeps what they have to know. Time passes here when you say so.", "2.x 시절 클러스터의 제어부가 옆에 있습니다. 브로커 세 대와, 브로커가 알아야 할 것을 지키는 ZooKeeper 앙상블입니다. 이곳의 시간은 단추를 누를 때만 흐릅니다.";
    anew: "Begin anew", "새로 시작";
    create: "Create a topic", "토픽 만들기";
    partitions_of: "{} partitions", "파티션 {}개";
    second: "1 second", "1초";
    ten: "10 seconds", "10초";
    settle: "Until all agree", "모두 같아질 때까지";
    heal: "Heal the network", "네트워크 복구";
    crash: "Crash", "강제 종료";
    start: "Start", "시작";
    pause: "Pause", "일시 정지";
    resume: "Resume", "이어 하기";
    cut: "Cut off from ZooKeeper", "ZooKeeper와 끊기";
    controller: "controller", "컨트롤러";
    epoch: "controller epoch {}", "컨트롤러 에포크 {}";
    session: "session with ZooKeeper", "ZooKeeper 세션";
    no_session: "no session", "세션 없음";
    leads: "leads {} of {} partitions", "파티션 {1}개 가운데 {0}개의 리더";
    znodes: "Znodes", "znode";
    znodes_more: "and {} more", "그 밖에 {}개";
    path: "Path", "경로";
    data: "Data", "데이터";
    version: "Version", "버전";
    ephemeral: "ephemeral", "임시";
    messages: "What went over the network", "네트워크를 오간 것";
    counts: "Requests since it began", "시작한 뒤의 요청";
    to_zookeeper: "to ZooKeeper", "ZooKeeper로";
    between: "between brokers", "브로커 사이";
    compare: "How long without a controller", "컨트롤러가 없는 시간";
    compare_why: "The controller's process dies. How long until another one is elected, has read what it has to know, and every broker knows a leader for every partition? Measured here, in virtual time, with default session timeouts.", "컨트롤러 프로세스가 죽습니다. 다른 컨트롤러가 뽑히고, 알아야 할 것을 다 읽고, 모든 브로커가 파티션마다 리더를 알게 되기까지 얼마나 걸릴까요? 기본 세션 시간으로 가상 시간에서 잽니다.";
    measure: "{} partitions", "파티션 {}개";
    measuring: "Being measured.", "재고 있습니다.";
    kind: "Cluster", "클러스터";
    elected: "Elected after", "선출까지";
    read_back: "Has read everything", "모두 읽기까지";
    known: "All brokers know all leaders", "모두 알기까지";
    requests: "Requests", "요청";
    bytes: "Bytes", "바이트";
    zookeeper: "ZooKeeper", "ZooKeeper";
    kraft: "KRaft", "KRaft";
    detection: "until the crash is noticed and another is elected", "장애를 알아채고 뽑기까지";
    reading: "reading everything back", "모두 다시 읽기";
    telling: "electing leaders and telling all brokers", "리더를 뽑고 모두에게 알리기";
}
