//! What was opened, in sentences.

use crate::open::{How, Note, Opened, Why};

fn list<T: ToString>(all: &[T]) -> String {
    /// So many are named.
    const NAMED: usize = 6;
    let mut words: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    if all.len() > NAMED {
        words.push(format!("… ({})", all.len()));
    }
    words.join(", ")
}

fn many(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

impl Opened {
    /// What was done, and what else is to be known: the first sentence says how the directories were opened.
    pub fn sentences(&self) -> Vec<String> {
        let (topics, partitions) = (self.topics as u64, self.partitions as u64);
        let records = self.records;
        let there =
            [many(topics, "topic"), many(partitions, "partition"), many(records, "record")].join(", ");
        let ids: Vec<i32> = self.disks.keys().copied().collect();
        let first = match &self.how {
            How::AsItIs if ids.len() == 1 => {
                format!("A whole cluster, opened as it is: broker {}; {there}.", list(&ids))
            }
            How::AsItIs => format!("A whole cluster, opened as it is: brokers {}; {there}.", list(&ids)),
            How::Formatted(why) => format!(
                "A new cluster of one broker, with new metadata around the partitions that are there, because {}; {there}.",
                why.english()
            ),
        };
        std::iter::once(first).chain(self.notes.iter().map(Note::english)).collect()
    }

    /// The same in Korean.
    pub fn korean(&self) -> Vec<String> {
        let (topics, partitions, records) = (self.topics, self.partitions, self.records);
        let there = format!("토픽 {topics}개, 파티션 {partitions}개, 레코드 {records}개");
        let ids: Vec<i32> = self.disks.keys().copied().collect();
        let first = match &self.how {
            How::AsItIs => {
                format!("온전한 클러스터라서 그대로 엽니다. 브로커 {}, {there}입니다.", list(&ids))
            }
            How::Formatted(why) => format!(
                "{} 있는 파티션들로 브로커 하나짜리 새 클러스터를 만들고 메타데이터를 새로 씁니다. {there}입니다.",
                why.korean()
            ),
        };
        std::iter::once(first).chain(self.notes.iter().map(Note::korean)).collect()
    }
}

impl Why {
    fn english(&self) -> String {
        match self {
            Self::NoMetadata => "not every directory has a metadata log and meta.properties".to_owned(),
            Self::NoVoters => "nothing says who the quorum's voters are".to_owned(),
            Self::Missing(ids) => format!("the directories of the quorum's voters {} are missing", list(ids)),
            Self::Voters(ids) => format!(
                "the quorum's voters are {}, and here they are broker 1, brokers 1 to 3 or 1 to 5",
                list(ids)
            ),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::NoMetadata => {
                "메타데이터 로그와 meta.properties가 모든 디렉터리에 있지는 않으므로".to_owned()
            }
            Self::NoVoters => "쿼럼의 투표자를 알 수 없으므로".to_owned(),
            Self::Missing(ids) => format!("쿼럼 투표자 {}의 디렉터리가 없으므로", list(ids)),
            Self::Voters(ids) => {
                format!("쿼럼 투표자가 {}인데 여기에서는 브로커 1, 1~3, 1~5만 될 수 있으므로", list(ids))
            }
        }
    }
}

impl Note {
    fn english(&self) -> String {
        match self {
            Self::Cut { path, bytes } => {
                format!("{path}: the last {bytes} bytes are no batches, and recovery cuts them off, as Kafka's does.")
            }
            Self::Absent(ids) => format!(
                "Brokers {} are registered and their directories are not here: what they alone have stays offline.",
                list(ids)
            ),
            Self::Acls => "There are access control lists, which bind nobody here.".to_owned(),
            Self::Aside(folders) => format!("Left out, as they are no partition's any more: {}.", list(folders)),
            Self::MinInsync(topics) => {
                format!("min.insync.replicas is 1 now, as there is one broker: {}.", list(topics))
            }
            Self::NoConfigs => "Nothing says how the topics are configured: retention.ms is set to -1, so that nothing is deleted \
                                for its age."
                .to_owned(),
        }
    }

    fn korean(&self) -> String {
        match self {
            Self::Cut { path, bytes } => {
                format!(
                    "{path}: 마지막 {bytes}바이트는 배치가 아니어서 복구할 때 잘라 냅니다. Kafka도 그렇게 합니다."
                )
            }
            Self::Absent(ids) => {
                format!(
                    "등록된 브로커 {}의 디렉터리가 없습니다. 그 브로커에만 있는 것은 오프라인으로 남습니다.",
                    list(ids)
                )
            }
            Self::Acls => "접근 제어 목록이 있지만 여기에서는 적용하지 않습니다.".to_owned(),
            Self::Aside(folders) => format!("더는 파티션이 아닌 폴더는 뺐습니다: {}.", list(folders)),
            Self::MinInsync(topics) => {
                format!("브로커가 하나이므로 min.insync.replicas를 1로 했습니다: {}.", list(topics))
            }
            Self::NoConfigs => {
                "토픽 설정을 알 수 없어 retention.ms를 -1로 했습니다. 오래되었다고 지워지는 것은 없습니다."
                    .to_owned()
            }
        }
    }
}
