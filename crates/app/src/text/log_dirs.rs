//! What the page says of log directories that come and go.

catalogue! {
    LogDirsText;
    title: "Log directories", "로그 디렉터리";
    why: "Open log directories of Apache Kafka in the place of this cluster, or take those of this cluster to Apache Kafka 4.3. You can also drop a folder, a .tar, .tar.gz or .zip anywhere on the page.", "Apache Kafka의 로그 디렉터리를 이 클러스터 대신 열거나, 이 클러스터의 로그 디렉터리를 Apache Kafka 4.3으로 가져갑니다. 폴더나 .tar, .tar.gz, .zip을 페이지 아무 곳에나 놓아도 됩니다.";
    open_archive: "Open an archive", "압축 파일 열기";
    open_folder: "Open a folder", "폴더 열기";
    export: "Export", "내보내기";
    export_all: "Export all", "모두 내보내기";
    export_why: "Saves the broker's log directory as a .tar, with a server.properties on which Apache Kafka 4.3 starts.", "브로커의 로그 디렉터리를 .tar로 저장합니다. Apache Kafka 4.3을 시작할 server.properties가 함께 들어 있습니다.";
    reading: "Reading what you dropped", "놓은 것을 읽습니다";
    reading_of: "{} of {} files", "파일 {1}개 중 {0}개";
    wrong: "This cannot be opened", "열 수 없습니다";
    wrong_more: "Nothing was changed.", "아무것도 바뀌지 않았습니다.";
    found: "Open these log directories?", "이 로그 디렉터리를 열까요?";
    found_more: "This replaces cluster {} in this browser. Export it first if you want to keep it.", "이 브라우저의 클러스터 {을} 대신합니다. 남겨 두려면 먼저 내보내세요.";
    export_first: "Export this cluster", "이 클러스터 내보내기";
    replace: "Replace the cluster", "클러스터 바꾸기";
    close: "Close", "닫기";
}
