//! Tables of offsets, as `--export` writes and `--from-file` reads them
//! (org.apache.kafka.tools.consumer.group.CsvUtils).

use std::collections::BTreeMap;

use blumfeld_client::TopicPartition;

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

/// What Jackson says of a line that it cannot read.
fn mismatch(kind: &str, cell: &str, before: &[String], record: &str, field: &str) -> String {
    let column = before.iter().map(|cell| cell.chars().count() + 1).sum::<usize>() + 1;
    format!(
        "com.fasterxml.jackson.databind.exc.InvalidFormatException: Cannot deserialize value of type `{kind}` from String \"{cell}\": not a valid `{kind}` value\n at [Source: (StringReader); line: 1, column: {column}] (through reference chain: org.apache.kafka.tools.consumer.group.CsvUtils${record}[\"{field}\"])"
    )
}

/// A line's group, partition and offset. Cells that are not there count as nothing; the error is Jackson's.
fn record(line: &str, with_group: bool) -> Result<(String, TopicPartition, i64), String> {
    let (record, columns) = if with_group { ("CsvRecordWithGroup", 4) } else { ("CsvRecordNoGroup", 3) };
    let exception = "com.fasterxml.jackson.dataformat.csv.CsvReadException";
    let Some(cells) = cells(line) else {
        return Err(format!("{exception}: Missing closing quote for value"));
    };
    if line.is_empty() {
        let exception = "com.fasterxml.jackson.databind.exc.MismatchedInputException";
        return Err(format!("{exception}: No content to map due to end-of-input"));
    }
    let text = |at: usize| cells.get(at).map_or("", String::as_str);
    let (topic, partition, offset) = (columns - 3, columns - 2, columns - 1);
    let number = match text(partition).trim() {
        "" => 0,
        cell => parse_number(cell)
            .ok_or_else(|| mismatch("int", text(partition), &cells[..partition], record, "partition"))?,
    };
    let at = match text(offset).trim() {
        "" => 0,
        cell => parse_number(cell)
            .ok_or_else(|| mismatch("long", text(offset), &cells[..offset], record, "offset"))?,
    };
    if let Some(cell) = cells.get(columns) {
        let length = cell.chars().count();
        return Err(format!(
            "{exception}: Too many entries: expected at most {columns} (value #{columns} ({length} chars) \"{cell}\")"
        ));
    }
    let group = if with_group { text(0).to_owned() } else { String::new() };
    Ok((group, TopicPartition::new(text(topic), number), at))
}

/// What a file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Why its first line is none without a group, which Java says before it reads on.
    pub complaint: Option<String>,
    /// The offsets, or what is thrown.
    pub plan: Result<Plan, String>,
}

/// Reads a table. `single` is the group, if one only was named; then its lines may lack it.
pub fn read(text: &str, single: Option<&str>) -> Table {
    let lines: Vec<&str> = split(text, "\n").into_iter().map(|line| line.trim_end_matches('\r')).collect();
    let complaint = lines.first().and_then(|line| record(line, false).err());
    let alone = single.filter(|_| complaint.is_none());
    let mut plan = Plan::new();
    for line in lines {
        match record(line, alone.is_none()) {
            Ok((group, of, offset)) => {
                let group = alone.map_or(group, str::to_owned);
                plan.entry(group).or_default().insert(of, offset);
            }
            Err(text) => return Table { complaint, plan: Err(text) },
        }
    }
    Table { complaint, plan: Ok(plan) }
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
            let table = read(&text, single);
            assert_eq!(table.plan, Ok(plan));
            assert_eq!(table.complaint.is_none(), single.is_some());
        }
    }

    #[test]
    fn lines_that_are_no_offsets_are_told() {
        for (text, single, wrong) in [
            ("orders,0,1\norders,zero,1\n", Some("g"), "`int` from String \"zero\""),
            (
                "orders,0,1\norders,0,1,2\n",
                Some("g"),
                "Too many entries: expected at most 3 (value #3 (1 chars) \"2\")",
            ),
            ("g,orders,0,last\n", None, "`long` from String \"last\""),
            ("g,\"orders,0,1\n", None, "Missing closing quote"),
            ("g,\"a\"b,0,1\n", None, "Missing closing quote"),
            ("", Some("g"), "No content to map"),
        ] {
            let error = read(text, single).plan.unwrap_err();
            assert!(error.contains(wrong), "{text:?}: {error}");
        }
        // Cells that are missing count as nothing.
        let table = read("orders,zero,1\n", Some("g"));
        assert!(table.complaint.is_some_and(|text| text.contains("column: 8]")));
        let offsets = BTreeMap::from([(TopicPartition::new("zero", 1), 0)]);
        assert_eq!(table.plan, Ok(Plan::from([("orders".to_owned(), offsets)])));
    }
}
