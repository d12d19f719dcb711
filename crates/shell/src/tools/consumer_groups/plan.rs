//! Tables of offsets, as `--export` writes and `--from-file` reads them
//! (org.apache.kafka.tools.consumer.group.CsvUtils).

use std::collections::BTreeMap;

use barnabas_client::TopicPartition;

use crate::java::{parse_number, split};

/// New offsets of a group, in the order in which they are printed.
pub type Offsets = Vec<(TopicPartition, i64)>;
/// Offsets by group and partition.
pub type Plan = BTreeMap<String, BTreeMap<TopicPartition, i64>>;

/// A cell; a long one stands in quotes whatever it holds, as Jackson writes it.
fn cell(text: &str) -> String {
    if text.chars().count() > 24 || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The table of new offsets. The group is in it unless one only was asked for.
pub fn export(groups: &[(String, Offsets)], single: bool) -> String {
    let mut text = String::new();
    for (group, offsets) in groups {
        for (of, offset) in offsets {
            if !single {
                text.push_str(&cell(group));
                text.push(',');
            }
            text.push_str(&format!("{},{},{offset}\n", cell(&of.topic), of.partition));
        }
    }
    text
}

/// The cells of a line; `None` if a quote does not end.
fn cells(line: &str) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, behind) = match rest.strip_prefix('"') {
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
            Some(quoted) => {
                let (mut cell, mut inside) = (String::new(), quoted);
                loop {
                    let (text, behind) = inside.split_once('"')?;
                    cell.push_str(text);
                    match behind.strip_prefix('"') {
                        Some(more) => {
                            cell.push('"');
                            inside = more;
                        }
                        None => break (cell, behind),
                    }
                }
            }
        };
        cells.push(cell);
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => return behind.is_empty().then_some(cells),
        }
    }
}

fn place(topic: &str, partition: &str, offset: &str) -> Option<(TopicPartition, i64)> {
    let of = TopicPartition::new(topic, parse_number(partition.trim())?);
    Some((of, parse_number(offset.trim())?))
}

/// Reads a table. `single` is the group, if one only was named; then its lines may lack it. The error is the line that
/// cannot be read.
pub fn read(text: &str, single: Option<&str>) -> Result<Plan, String> {
    let lines: Vec<&str> = split(text, "\n").into_iter().map(|line| line.trim_end_matches('\r')).collect();
    let mut plan = Plan::new();
    let three = lines.first().and_then(|line| cells(line)).is_some_and(|cells| match &cells[..] {
        [topic, partition, offset] => place(topic, partition, offset).is_some(),
        _ => false,
    });
    for line in lines {
        let wrong = || line.to_owned();
        let cells = cells(line).ok_or_else(wrong)?;
        let (group, found) = match (&cells[..], single.filter(|_| three)) {
            ([topic, partition, offset], Some(group)) => (group, place(topic, partition, offset)),
            ([group, topic, partition, offset], None) => (group.as_str(), place(topic, partition, offset)),
            _ => return Err(wrong()),
        };
        let (of, offset) = found.ok_or_else(wrong)?;
        plan.entry(group.to_owned()).or_default().insert(of, offset);
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_they_are_written() {
        let long = "a-topic-with-quite-a-long-name";
        let offsets = vec![(TopicPartition::new("orders", 1), 7), (TopicPartition::new(long, 0), 3)];
        for (groups, single, want) in [
            (vec![("g", offsets.clone())], Some("g"), "orders,1,7\n\"a-topic-with-quite-a-long-name\",0,3\n"),
            (
                vec![("a,b", offsets.clone()), ("c\"", offsets[..1].to_vec())],
                None,
                "\"a,b\",orders,1,7\n\"a,b\",\"a-topic-with-quite-a-long-name\",0,3\n\"c\"\"\",orders,1,7\n",
            ),
        ] {
            let groups: Vec<(String, Offsets)> =
                groups.into_iter().map(|(group, offsets)| (group.to_owned(), offsets)).collect();
            let text = export(&groups, single.is_some());
            assert_eq!(text, want);
            let plan = groups.into_iter().map(|(group, of)| (group, of.into_iter().collect())).collect();
            assert_eq!(read(&text, single), Ok(plan));
        }
    }

    #[test]
    fn lines_that_are_no_offsets_are_told() {
        for (text, single, wrong) in [
            ("orders,zero,1\n", Some("g"), "orders,zero,1"),
            ("orders,0,1\norders,0\n", Some("g"), "orders,0"),
            ("orders,0,1\n", None, "orders,0,1"),
            ("\"orders,0,1\n", Some("g"), "\"orders,0,1"),
            ("\"a\"b,0,1\n", Some("g"), "\"a\"b,0,1"),
            ("", Some("g"), ""),
        ] {
            assert_eq!(read(text, single), Err(wrong.to_owned()), "{text}");
        }
    }
}
