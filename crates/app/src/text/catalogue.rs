//! The sentences. Names of configs, errors, states and commands stay as Kafka writes them in both languages.

macro_rules! catalogue {
    ($($key:ident: $en:literal, $ko:literal;)*) => {
        /// Everything that the page says in one language.
        #[derive(Debug, PartialEq)]
        pub struct Text { $(pub $key: &'static str,)* }
        /// English.
        pub static EN: Text = Text { $($key: $en,)* };
        /// Korean.
        pub static KO: Text = Text { $($key: $ko,)* };
        /// Key, English, Korean.
        #[cfg(test)]
        pub const ALL: &[(&str, &str, &str)] = &[$((stringify!($key), $en, $ko),)*];
    };
}

catalogue! {
    // Top bar
    skip: "To the content", "본문으로 가기";
    cluster: "Cluster {}", "클러스터 {}";
    virtual_time: "Virtual time", "가상 시각";
    time: "Time", "시간";
    pause: "Pause", "일시 정지";
    run: "Run", "실행";
    next_event: "Next event", "다음 사건";
    speed: "Speed", "속도";
    fastest: "As fast as it goes", "최대한 빠르게";
    paused: "paused", "멈춤";
    reaches: "reaches {}", "실제 {}";
    reaches_why: "This machine does not keep the speed that was asked for.", "이 기기가 요청한 속도를 따라가지 못합니다.";
    language: "Language", "언어";
    theme: "Theme: {}", "테마: {}";
    theme_system: "as the system", "시스템 설정";
    theme_light: "light", "밝게";
    theme_dark: "dark", "어둡게";
    durability: "Durability", "내구성";
    relaxed: "relaxed", "relaxed";
    strict: "strict", "strict";
    relaxed_why: "relaxed: acknowledges as Kafka does, once the in-sync replicas have it. The browser's storage follows a moment later.", "relaxed: 카프카처럼 동기화된 복제본이 받으면 확인 응답합니다. 브라우저 저장소에는 잠시 뒤에 쓰입니다.";
    strict_why: "strict: acknowledges only once the browser's storage has committed it. Slower, but survives a killed browser.", "strict: 브라우저 저장소에 커밋된 뒤에만 확인 응답합니다. 느리지만 브라우저가 강제로 끝나도 남습니다.";
    stored: "stored", "저장됨";
    storing: "storing {}", "{} 저장 중";
    not_stored: "not stored", "저장 안 됨";
    storage: "Browser storage", "브라우저 저장소";
    storage_fault: "storage error", "저장소 오류";
    storage_error: "The browser's storage refused to write: {} The broker treats it as a disk error. Free space or delete topics, then restart the broker.", "브라우저 저장소가 쓰기를 거부했습니다: {} 브로커는 이를 디스크 오류로 다룹니다. 공간을 비우거나 토픽을 지운 뒤 브로커를 다시 시작하세요.";
    storage_lost: "The browser has deleted what it had stored for this cluster. The cluster starts over.", "브라우저가 이 클러스터에 저장해 두었던 데이터를 지웠습니다. 클러스터를 처음부터 시작합니다.";
    not_persistent: "This browser gives no storage here (private window?). The cluster runs, but a reload loses it.", "이 브라우저는 여기에 저장소를 주지 않습니다(시크릿 창일 수 있습니다). 클러스터는 돌지만 새로 고치면 사라집니다.";

    // Navigation
    screens: "Screens", "화면";
    topics: "Topics", "토픽";
    messages: "Messages", "메시지";
    brokers: "Brokers", "브로커";
    clients: "Clients", "클라이언트";
    groups: "Groups", "그룹";
    console: "Console", "콘솔";

    // Groups
    group_title: "Consumer groups", "컨슈머 그룹";
    no_groups: "No consumer group yet.", "아직 컨슈머 그룹이 없습니다.";
    no_groups_why: "A consumer that names a group with --group joins it here. Its coordinator keeps the committed offsets in __consumer_offsets.", "--group으로 그룹을 밝힌 컨슈머가 여기에 참여합니다. 커밋된 오프셋은 코디네이터가 __consumer_offsets에 보관합니다.";
    coordinator: "coordinator {}", "코디네이터 {}";
    generation: "generation {}", "세대 {}";
    members: "Members", "멤버";
    member: "Member", "멤버";
    no_members: "No member. The committed offsets stay.", "멤버가 없습니다. 커밋된 오프셋은 남아 있습니다.";
    group_leader: "leader", "리더";
    static_member: "static: {}", "정적: {}";
    awaits: "joined, waits for the others", "참여함, 다른 멤버를 기다림";
    no_partition: "no partition", "파티션 없음";
    committed: "Committed", "커밋됨";
    lag: "Lag", "랙";
    lag_word: "lag", "랙";
    total_lag: "lag {}", "랙 {}";
    lag_chart: "Lag over the last {} s: {} now, {} at most", "지난 {}초의 랙: 지금 {}, 최대 {}";
    chart_now: "now", "지금";
    owner: "Owner", "담당";

    // Clients
    client_title: "Producers and consumers", "프로듀서와 컨슈머";
    producers: "Producers", "프로듀서";
    consumers: "Consumers", "컨슈머";
    add_producer: "Add producer", "프로듀서 추가";
    add_consumer: "Add consumer", "컨슈머 추가";
    no_clients: "No client runs.", "도는 클라이언트가 없습니다.";
    no_clients_why: "A producer writes records at a rate. A consumer reads as a member of a group and takes its time for each record. Both run in the background until they are stopped, and begin again when the page is reloaded.", "프로듀서는 정한 속도로 레코드를 씁니다. 컨슈머는 그룹의 멤버로 읽고 레코드마다 정한 시간 동안 처리합니다. 멈출 때까지 백그라운드에서 돌고, 페이지를 새로 고치면 다시 시작합니다.";
    needs_topic: "A client needs a topic. Create one first.", "클라이언트에는 토픽이 필요합니다. 먼저 토픽을 만드세요.";
    to_topics: "To the topics", "토픽으로 가기";
    start: "Start", "시작";
    stop: "Stop", "멈추기";
    stop_label: "Stop {}", "{} 멈추기";
    stop_now: "Stop now", "바로 멈추기";
    stop_all: "Stop all", "모두 멈추기";
    put_away: "Remove", "빼기";
    client_stopping: "stopping", "멈추는 중";
    client_ended: "ended", "끝남";
    client_failed: "ended, exit code {}", "끝남, 종료 코드 {}";
    in_console: "in the console", "콘솔에서 실행 중";
    rate: "records/s", "레코드/초";
    acknowledged: "acknowledged", "확인 응답받음";
    sent_only: "sent (acks=0)", "보냄(acks=0)";
    failed: "failed", "실패";
    sent_again: "batches sent again", "다시 보낸 배치";
    produce_requests: "produce requests", "produce 요청";
    batches_sent: "batches sent", "보낸 배치";
    idempotent: "idempotent", "멱등";
    pid: "PID {} epoch {}", "PID {} 에포크 {}";
    waiting: "Waiting in the accumulator", "누산기에서 기다리는 배치";
    nothing_waits: "Nothing was written yet.", "아직 쓴 것이 없습니다.";
    fill_of: "{} of {} bytes of batch.size", "batch.size {1} 바이트 중 {0}";
    linger_of: "{} of {} ms of linger.ms", "linger.ms {1} ms 중 {0}";
    ready: "ready to send", "보낼 준비됨";
    in_flight: "in flight", "전송 중";
    in_flight_to: "Broker {}: {} of {} requests in flight, batches {}", "브로커 {}: 요청 {2}개 중 {1}개 전송 중, 배치 {3}개";
    in_flight_batches: "batches {}", "배치 {}개";
    not_connected: "not connected", "연결 없음";
    more_partitions: "{} more partitions", "파티션 {}개 더";
    group: "group", "그룹";
    group_of: "group {}", "그룹 {}";
    processed: "processed", "처리함";
    received: "received", "받음";
    works_on: "works on {}, {} more of this poll", "{} 처리 중, 이 poll에서 {}개 남음";
    works_not: "waits for records", "레코드를 기다림";
    fetches: "fetches in flight", "전송 중인 fetch";
    position: "Position", "위치";
    no_assignment: "No partition is assigned to it.", "할당된 파티션이 없습니다.";
    last_lines: "Last lines", "마지막 출력";
    f_rate: "records a second", "초당 레코드";
    f_record_size: "record size, bytes", "레코드 크기(바이트)";
    f_keys: "keys, 0 for none", "키 개수(0은 없음)";
    f_distribution: "distribution of keys", "키 분포";
    f_processing: "ms to process a record", "레코드당 처리 시간(ms)";
    f_assignor: "assignor", "할당자";
    f_from_beginning: "from the log start", "로그 시작부터";
    f_name: "name (optional)", "이름(선택)";
    f_partitioner: "partitioner", "파티셔너";
    bad_number: "{}: a number from {} to {}.", "{}: {}~{} 사이의 수입니다.";
    bad_empty: "{}: cannot be empty.", "{}: 비울 수 없습니다.";

    // Hint
    hint_title: "This cluster is running. Try three things.", "클러스터가 돌고 있습니다. 세 가지를 해 보세요.";
    hint_topic: "Create a topic", "토픽 만들기";
    hint_topic_more: "by form or in the console.", "양식이나 콘솔에서 만듭니다.";
    hint_record: "Send a record", "레코드 보내기";
    hint_record_more: "and watch the strip grow.", "막대가 자라는 것을 봅니다.";
    hint_reload: "Reload the page", "페이지 새로 고침";
    hint_reload_more: "and see that it is still there.", "그대로 남아 있는지 봅니다.";
    close: "Close", "닫기";
    done: "done", "완료";

    // Topics
    create_topic: "Create topic", "토픽 만들기";
    filter_topics: "Filter topics", "토픽 거르기";
    internal: "Internal", "내부 토픽";
    as_table: "As a table", "표로 보기";
    as_picture: "As a picture", "그림으로 보기";
    no_topics: "No topics yet.", "아직 토픽이 없습니다.";
    no_topics_more: "A topic is a name for records; its partitions are the logs that hold them. Create one here, or type kafka-topics.sh in the console.", "토픽은 레코드에 붙인 이름이고, 파티션은 레코드를 담는 로그입니다. 여기서 만들거나 콘솔에 kafka-topics.sh를 입력하세요.";
    no_match: "No topic matches the filter.", "거르기에 맞는 토픽이 없습니다.";
    more_topics: "Show {} more", "{}개 더 보기";
    partitions_rf: "{} × RF {}", "{} × RF {}";
    internal_badge: "internal", "내부";
    axis: "tail axis: {} offsets", "꼬리 축: 오프셋 {}개";
    offline: "offline", "오프라인";
    under_replicated: "under-replicated", "복제 부족";
    count_offline: "{} offline", "오프라인 {}";
    count_under_replicated: "{} under-replicated", "복제 부족 {}";
    no_leader: "none", "없음";
    leader_away: "leader's broker does not answer", "리더 브로커가 응답하지 않음";
    broker_short: "b{}", "b{}";
    not_running: "not running", "돌지 않음";
    behind: "behind", "뒤처짐";
    behind_by: "{} behind", "{} 뒤처짐";
    ahead: "ahead", "앞섬";
    state: "state", "상태";
    replicas_short: "replicas", "복제본";
    in_isr: "in", "포함";
    out_of_isr: "out", "빠짐";
    role: "role", "역할";
    follower: "follower", "팔로워";
    legend_leader: "leader", "리더";
    legend_follower: "follower", "팔로워";
    legend_out: "in ISR, out", "ISR 포함, 빠짐";
    leader: "leader", "리더";
    epoch: "epoch", "에포크";
    log_start: "log start", "로그 시작";
    size: "size", "크기";
    partition: "partition", "파티션";
    topic: "topic", "토픽";
    segments: "segments", "세그먼트";
    durable_to: "durable to", "디스크까지";
    legend_flushed: "flushed", "디스크에 쓰임";
    legend_cache: "page cache only", "페이지 캐시에만";
    legend_sealed: "sealed segment", "봉인된 세그먼트";
    legend_hw: "HW", "HW";
    legend_end: "end = LEO", "끝 = LEO";
    row_label: "{}: leader {}, ISR {}, log start {}, HW {}, LEO {}, durable to {}", "{}: 리더 {}, ISR {}, 로그 시작 {}, HW {}, LEO {}, 디스크까지 {}";
    copy_label: "broker {}: HW {}, LEO {}, {} behind", "브로커 {}: HW {}, LEO {}, {} 뒤처짐";
    copy_away_label: "broker {}: not running", "브로커 {}: 돌지 않음";

    // Create topic
    name: "Name", "이름";
    partitions: "Partitions", "파티션";
    replication_factor: "Replication factor", "복제본 수(RF)";
    naming: "Naming templates", "이름 짓는 틀";
    runs: "Runs in the console", "콘솔에서 실행할 명령";
    create: "Create", "만들기";
    cancel: "Cancel", "취소";
    rule_chars: "Letters a–z, digits, . _ - only; at most 249.", "영문자, 숫자, . _ - 만 쓸 수 있고 249자까지입니다.";
    bad_dots: "A topic cannot be named . or ..", "토픽 이름은 . 이나 .. 일 수 없습니다.";
    bad_long: "{} characters; at most 249 are allowed.", "{}자입니다. 249자까지 쓸 수 있습니다.";
    bad_char: "\"{}\" is not allowed: only ASCII letters, digits, . _ -", "\"{}\" 문자는 쓸 수 없습니다. ASCII 영문자, 숫자, . _ - 만 됩니다.";
    bad_taken: "This topic already exists.", "이미 있는 토픽입니다.";
    bad_collides: "Collides with {}: metric names fold . into _", "{과} 충돌합니다. 지표 이름에서 . 은 _ 로 바뀝니다.";
    bad_internal: "Kafka keeps this name for itself.", "카프카가 내부에서 쓰는 이름입니다.";
    bad_partitions: "1 to 1000 partitions.", "파티션은 1~1000개입니다.";
    bad_replication: "The replication factor is 1 to {}: one replica per broker.", "복제본 수는 1~{}입니다. 브로커 하나에 복제본 하나입니다.";
    warn_dots: "Names with . or _ can collide in metrics: use one of the two, not both.", "지표에서는 . 과 _ 가 같아집니다. 둘 중 하나만 쓰세요.";
    name_ok: "Kafka accepts this name.", "쓸 수 있는 이름입니다.";

    // Inspector
    inspector: "Inspector", "살펴보기";
    nothing_chosen: "Choose a partition to see its segments.", "파티션을 고르면 세그먼트가 보입니다.";
    replicas: "Replicas", "복제본";
    offsets: "Offsets", "오프셋";
    lso: "log start offset", "로그 시작 오프셋";
    hw: "high watermark (HW)", "하이 워터마크(HW)";
    leo: "log end offset (LEO)", "로그 끝 오프셋(LEO)";
    durable_offset: "durable to", "디스크에 쓰인 곳";
    power_cut_would: "A power cut would take {} records.", "전원이 끊기면 레코드 {}개를 잃습니다.";
    power_cut_none: "A power cut would take nothing.", "전원이 끊겨도 잃을 것이 없습니다.";
    base_offset: "base offset", "기준 오프셋";
    records: "records", "레코드";
    active: "active", "쓰는 중";
    sealed: "sealed", "봉인";
    on_disk: "on disk", "디스크";
    in_cache: "in cache", "캐시";
    index_entries: "index / time index entries", "인덱스 / 시간 인덱스 항목";
    max_timestamp: "largest timestamp", "가장 늦은 시각";
    older_segments: "{} older", "이전 {}개";
    fewer: "fewer", "접기";
    download: "Download {}", "{} 내려받기";
    open_messages: "Open in Messages", "메시지에서 열기";
    topic_configs: "Configs", "설정";
    topic_id: "topic id", "토픽 ID";

    // Messages
    choose_partition: "Topic and partition", "토픽과 파티션";
    earliest: "Earliest", "맨 앞";
    latest: "Latest", "맨 뒤";
    previous: "Previous page", "이전 쪽";
    next: "Next page", "다음 쪽";
    seek: "Offset", "오프셋";
    go: "Go", "가기";
    batches: "Batches", "배치";
    batch: "Batch", "배치";
    header_fields: "Header", "헤더";
    bytes: "Bytes", "바이트";
    no_batches: "No batches from this offset on.", "이 오프셋 뒤로는 배치가 없습니다.";
    choose_batch: "Choose a batch to see its bytes and records.", "배치를 고르면 바이트와 레코드가 보입니다.";
    offset: "offset", "오프셋";
    timestamp: "timestamp", "시각";
    key: "key", "키";
    value: "value", "값";
    headers: "headers", "헤더";
    compression: "compression", "압축";
    not_durable: "page cache only", "페이지 캐시에만";
    null: "null", "null";
    cut_after: "first {} of {}", "전체 {1} 가운데 앞 {0}";
    hex_range: "bytes {}–{} of {}", "{}–{} / {} 바이트";
    more_bytes: "next bytes", "다음 바이트";
    fewer_bytes: "previous bytes", "이전 바이트";
    compressed_note: "The records are compressed: their bytes are not one by one in the batch.", "레코드가 압축되어 있어 배치 안에서 바이트를 하나씩 가리킬 수 없습니다.";
    record_range: "records {}–{} of {}", "레코드 {}–{} / {}";
    field_bytes: "bytes {}–{}", "{}–{} 바이트";
    new_records: "{} new records: show", "새 레코드 {}개 보기";
    not_all_records: "The first {} of {} records are shown.", "레코드 {1}개 가운데 앞 {0}개를 보입니다.";

    // Brokers
    broker_word: "broker", "브로커";
    broker: "Broker {}", "브로커 {}";
    state_starting: "starting", "시작하는 중";
    state_recovery: "recovery", "로그 복구 중";
    state_running: "running", "동작 중";
    state_fenced: "fenced", "펜싱됨";
    state_paused: "paused", "일시 정지";
    state_shutting_down: "shutting down", "종료하는 중";
    state_crashed: "crashed", "멈춤";
    controller_leader: "controller leader", "컨트롤러 리더";
    quorum_voter: "quorum voter", "쿼럼 투표자";
    quorum_observer: "quorum observer", "쿼럼 관찰자";
    quorum_epoch: "epoch {}", "에포크 {}";
    rack: "rack {}", "랙 {}";
    faults: "Faults in force", "걸려 있는 장애";
    faults_more: "Each as the console writes it.", "콘솔에서 쓰는 그대로입니다.";
    undo: "Undo", "되돌리기";
    undo_label: "Undo {}: fault {}", "{} 되돌리기: fault {}";
    deeds: "What can be done to a broker", "브로커에 할 수 있는 일";
    connections: "connections", "연결";
    requests: "requests answered", "응답한 요청";
    records_in: "records appended", "추가한 레코드";
    records_out: "records consumed", "읽어 간 레코드";
    page_cache: "page cache", "페이지 캐시";
    dirty: "not yet flushed", "아직 디스크에 없음";
    disk: "log directories", "로그 디렉터리";
    crash: "Crash", "강제 종료";
    crash_why: "The process dies; its machine and page cache stay. Nothing acknowledged is lost. After the restart the log is scanned, since it was not shut down cleanly.", "프로세스만 죽고 기계와 페이지 캐시는 남습니다. 확인 응답한 것은 잃지 않습니다. 정상 종료가 아니므로 다시 시작할 때 로그를 검사합니다.";
    power_cut: "Power cut", "전원 차단";
    power_cut_why: "The machine loses power. What was not flushed is gone, and the last write may be torn; recovery cuts it at a batch boundary.", "기계의 전원이 끊깁니다. 디스크에 쓰이지 않은 것은 사라지고 마지막 쓰기가 찢길 수 있습니다. 복구가 배치 경계에서 잘라냅니다.";
    restart: "Restart", "다시 시작";
    restart_why: "The process starts from what its disk holds and recovers its logs. One that runs is stopped first.", "디스크에 남은 것으로 프로세스를 시작하고 로그를 복구합니다. 돌고 있으면 먼저 멈춥니다.";
    add_broker: "Add a broker", "브로커 추가";
    add_broker_why: "A machine with an empty disk joins the cluster as a broker. It has no replicas until topics are created or partitions moved to it.", "디스크가 빈 기계가 브로커로 클러스터에 들어옵니다. 토픽을 만들거나 파티션을 옮겨 오기 전에는 레플리카가 없습니다.";
    remove_broker: "Remove", "제거";
    remove_broker_why: "The broker ends in order and its machine goes with its disk. Move its replicas away first (kafka-reassign-partitions.sh). Voters of the quorum stay.", "브로커를 정상 종료하고 기계를 디스크와 함께 뺍니다. 먼저 레플리카를 옮겨 놓으세요(kafka-reassign-partitions.sh). 쿼럼 투표자는 빼지 않습니다.";
    seed: "seed", "시드";
    begin_anew: "Start over", "처음부터 다시";
    begin_anew_why: "Deletes this cluster from the browser's storage and begins an empty one.", "이 클러스터를 브라우저 저장소에서 지우고 빈 클러스터로 시작합니다.";
    begin_anew_sure: "Delete cluster {}?", "클러스터 {을} 지울까요?";

    // Console
    tab_completes: "Tab completes · ↑ recalls · Shift+Tab leaves", "Tab 자동 완성 · ↑ 이전 명령 · Shift+Tab 나가기";
    prompt: "Command line", "명령줄";
    stdin: "Standard input of the running command", "실행 중인 명령의 표준 입력";
    output: "Console output", "콘솔 출력";
    interrupt: "Ctrl-C", "Ctrl-C";
    end_input: "Ctrl-D", "Ctrl-D";
    interrupt_label: "Stop the running command", "실행 중인 명령 멈추기";
    end_input_label: "End its input", "입력 끝내기";
    clear: "Clear", "지우기";
    running: "running", "실행 중";
    exit_ok: "ended", "끝남";
    exit_code: "exit code {}", "종료 코드 {}";
    dropped_lines: "{} earlier lines are not kept here.", "앞의 {}줄은 여기에 남아 있지 않습니다.";
    busy: "A command is running. End it with Ctrl-C first.", "명령이 실행 중입니다. 먼저 Ctrl-C로 끝내세요.";
    completions: "{} completions", "후보 {}개";
    no_completions: "No completion", "후보 없음";
    to_end: "To the end", "맨 아래로";
    chip_create: "create a topic", "토픽 만들기";
    chip_produce: "produce", "보내기";
    chip_consume: "consume", "읽기";
    chip_list: "list", "목록";
    chip_describe: "describe", "자세히";

    // Files
    files: "Files", "파일";
    add_file: "Add file", "파일 추가";
    no_files: "Drop a file on the page, and the console can read it: cat NAME | kafka-console-producer.sh …", "파일을 페이지에 놓으면 콘솔에서 읽을 수 있습니다: cat 이름 | kafka-console-producer.sh …";
    use_in_console: "Use in console", "콘솔에서 쓰기";
    remove: "Remove {}", "{} 빼기";
    stop_reading: "Stop reading {}", "{} 읽기 멈추기";
    reading: "{} of {} read", "{1} 중 {0} 읽음";
    drop_here: "Drop to let the console read it", "놓으면 콘솔에서 읽을 수 있습니다";
    drop_more: "The file stays on this machine. Nothing is sent before you run a command.", "파일은 이 기기를 떠나지 않습니다. 명령을 실행하기 전에는 아무것도 보내지 않습니다.";

    // Event log
    event_log: "Event log", "사건 기록";
    all: "All", "모두";
    kind_log: "Logs", "로그";
    kind_replication: "Replication", "복제";
    kind_quorum: "Controller", "컨트롤러";
    kind_metadata: "Metadata", "메타데이터";
    kind_groups: "Groups", "그룹";
    kind_network: "Network", "네트워크";
    kind_fault: "Faults", "장애";
    no_events: "Nothing has happened yet.", "아직 일어난 일이 없습니다.";
    none_kept: "No event of this kind is kept.", "보관 중인 사건 가운데 이 종류는 없습니다.";
    older_events: "Show older", "더 오래된 사건 보기";
    newer_events: "{} newer", "새 사건 {}건";
    left_out: "{} older or too many to show", "{}건은 오래되었거나 너무 많아 보이지 않음";
    dock: "Dock", "독";
    open_dock: "Open or close the dock", "독 열고 닫기";

    // States
    booting: "Starting the cluster", "클러스터를 시작합니다";
    booting_more: "The engine is being loaded. It runs in this tab; nothing is sent anywhere.", "엔진을 불러오고 있습니다. 이 탭 안에서 돌고, 아무 데도 보내지 않습니다.";
    loading: "Reading the cluster from the browser's storage", "브라우저 저장소에서 클러스터를 읽습니다";
    loading_of: "{} of {}", "{1} 중 {0}";
    locked: "Another tab has this cluster", "다른 탭이 이 클러스터를 쓰고 있습니다";
    locked_more: "Only one tab at a time writes to cluster {}. Take over to go on here; the other tab then stops writing and says so.", "클러스터 {은} 한 번에 한 탭만 씁니다. 넘겨받으면 여기서 이어 가고, 다른 탭은 쓰기를 멈추고 그 사실을 알립니다.";
    take_over: "Take over", "넘겨받기";
    clients_again: "Clients that run again: {}", "다시 실행 중인 클라이언트: {}";
    clients_over: "Commands that have ended: {}", "끝난 명령: {}";
    faults_over: "Faults no longer in force: {}", "더 이상 적용되지 않는 장애: {}";
    taken_over: "Another tab took this cluster over", "다른 탭이 이 클러스터를 넘겨받았습니다";
    taken_over_more: "This tab has stopped writing to {}. What it had acknowledged is in the browser's storage.", "이 탭은 {} 쓰기를 멈췄습니다. 확인 응답한 것은 브라우저 저장소에 있습니다.";
    take_back: "Take back", "되찾기";
    panicked: "The engine has stopped by a fault of its own", "엔진이 자체 결함으로 멈췄습니다";
    panicked_more: "What the browser's storage had committed is safe. Go on from it, and send the replay file with a report: it holds the seed and the commands.", "브라우저 저장소에 커밋된 것은 안전합니다. 거기서 이어 가세요. 시드와 명령이 담긴 재현 파일을 신고에 붙여 주면 도움이 됩니다.";
    go_on: "Go on from what is stored", "저장된 것에서 이어 가기";
    replay_file: "Download replay file", "재현 파일 내려받기";
    no_engine: "The engine could not be started", "엔진을 시작하지 못했습니다";
    no_engine_more: "This page needs WebAssembly and module workers. Reload the page, or use a current Chrome, Edge, Firefox or Safari.", "이 페이지에는 WebAssembly와 모듈 워커가 필요합니다. 새로 고치거나 최신 Chrome, Edge, Firefox, Safari를 쓰세요.";
    reload: "Reload", "새로 고침";
    notices: "Notices", "알림";
    dismiss: "Dismiss", "닫기";
    times: "×{}", "×{}";
    bad_cluster: "The address asks for cluster \"{}\", which is no name for one: 1 to 40 letters, digits, - or _. Cluster {} was opened instead.", "주소의 클러스터 이름 \"{}\" 은 쓸 수 없습니다. 영문자, 숫자, -, _ 1~40자여야 합니다. 대신 클러스터 {을} 열었습니다.";
    bad_parameter: "The address says {}={}, which cannot be used and was passed over.", "주소의 {}={} 값은 쓸 수 없어 건너뛰었습니다.";
    bad_update: "The engine sent something that this page does not understand: {}. Reload the page; if it stays so, the two are of different versions.", "엔진이 보낸 것을 이 페이지가 이해하지 못했습니다: {}. 새로 고치세요. 계속되면 둘의 버전이 다른 것입니다.";
    recovered: "Recovered {} logs from storage", "저장소에서 로그 {}개를 복구함";
    recovered_clean: "all were shut down cleanly", "모두 정상 종료되어 있었음";
    recovered_scanned: "{} scanned", "{} 검사함";
    recovered_cut: "{} of torn tails cut", "찢긴 꼬리 {} 잘라냄";
    details: "Details", "자세히";
    recovery_log: "log", "로그";
    recovery_state: "shutdown", "종료 상태";
    recovery_clean: "clean", "정상";
    recovery_unclean: "not clean", "비정상";
    scanned: "scanned", "검사";
    cut: "cut", "잘라냄";
}
