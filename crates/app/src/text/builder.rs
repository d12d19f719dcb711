//! What the builder of lessons says.

catalogue! {
    BuilderText;
    title: "Build a lesson", "학습 만들기";
    about: "Do on the stage or in the console what the lesson is about; come back here, take the lines that were recorded, pick what is so as goals, and write the texts in both languages. The draft stays in this browser.", "학습에서 다룰 일을 무대나 콘솔에서 해 보십시오. 여기로 돌아와 기록된 줄을 담고, 지금 참인 것을 목표로 고르고, 두 언어로 글을 쓰십시오. 초안은 이 브라우저에 남습니다.";
    about_lesson: "The lesson", "학습";
    name: "Name, as in the address", "이름. 주소에 쓰임";
    track: "Track", "과정";
    lesson_title: "Title", "제목";
    summary: "What one knows afterwards", "배우는 것";
    minutes: "Minutes", "걸리는 시간. 분";
    brokers: "Brokers", "브로커 수";
    begin: "Lines that are run before it begins", "시작하기 전에 실행할 줄";
    ready: "What must be so then (a condition, or nothing)", "그때 참이어야 하는 조건. 없으면 비움";
    recorded: "Recorded", "기록된 줄";
    nothing_recorded: "Nothing new was done since the page was opened.", "페이지를 연 뒤 새로 한 일이 없습니다.";
    take_begin: "Take as the beginning", "시작 줄로 담기";
    take_step: "Take as the solution of step {}", "{}단계 풀이로 담기";
    step: "Step {}", "{}단계";
    add_step: "Another step", "단계 더하기";
    remove_step: "Remove step {}", "{}단계 지우기";
    step_title: "Title of the step", "단계 제목";
    text: "What to read", "읽을 글";
    look: "Where to look (partition orders 0, group billing, console; or nothing)", "볼 곳(partition orders 0, group billing, console). 없으면 비움";
    goals: "Goals", "목표";
    condition: "Condition", "조건";
    goal_text: "What it is", "목표를 나타내는 글";
    goal_yet: "While it is not so", "아직일 때 할 말";
    remove_goal: "Remove the goal", "목표 지우기";
    pick_goal: "So now, and a goal with one click:", "지금 참인 것입니다. 누르면 목표가 됩니다.";
    own_goal: "another condition", "다른 조건";
    solution: "Solution, one line each", "풀이. 한 줄에 하나";
    hint: "Hint {}", "힌트 {}";
    done: "What to read once it is reached", "달성한 뒤 읽을 글";
    in_english: "{}, English", "{}, 영어";
    in_korean: "{}, Korean", "{}, 한국어";
    file: "The file", "파일";
    fine: "The file is right. Try it.", "파일에 잘못이 없습니다. 해 보십시오.";
    wrong: "Line {}, column {}: {}", "{}번째 줄 {}번째 글자: {}";
    try_it: "Try it", "해 보기";
    save: "Save the file", "파일 저장";
    share: "Copy a link", "링크 복사";
    open: "Open a file", "파일 열기";
    anew: "New", "새로 만들기";
    link_copied: "A link with the whole lesson was copied ({} characters).", "학습이 모두 담긴 링크를 복사했습니다({}자).";
    not_opened: "{} was not opened: {}", "{} 파일을 열지 못했습니다. {}";
    own: "Your lessons", "내가 만든 학습";
}
