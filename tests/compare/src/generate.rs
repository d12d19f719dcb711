//! Odd requests from a good one: one place at a time, and two.

use blumfeld_kernel::Prng;
use blumfeld_protocol::definition::{Field, Type};
use serde_json::{Value, json};

use crate::batches;
use crate::wire;

/// A place in a body.
#[derive(Clone, PartialEq, Debug)]
pub enum At {
    /// A struct's field.
    Field(&'static str),
    /// An array's element.
    Element(usize),
}

/// One odd thing: where, what, and what is said of it.
#[derive(Clone, Debug)]
pub struct Change {
    path: Vec<At>,
    value: Value,
    /// What is odd, as `topics.partitions.timestamp=-2`.
    pub what: String,
}

impl Change {
    /// The body with it.
    pub fn apply(&self, body: &Value) -> Value {
        let mut body = body.clone();
        let mut place = &mut body;
        for at in &self.path {
            let next = match at {
                At::Field(name) => {
                    place.as_object_mut().map(|object| object.entry(*name).or_insert(Value::Null))
                }
                At::Element(index) => place.get_mut(*index),
            };
            // An array that another change took away.
            let Some(next) = next else { return body };
            place = next;
        }
        *place = self.value.clone();
        body
    }

    /// Whether two of them are apart: none stands in the other.
    pub fn apart(&self, other: &Change) -> bool {
        let shorter = self.path.len().min(other.path.len());
        self.path.iter().take(shorter).ne(other.path.iter().take(shorter))
    }
}

/// Every odd thing that a body can have in one place.
pub fn changes(fields: &'static [Field], version: i16, flexible: bool, body: &Value) -> Vec<Change> {
    let mut all = Changes { version, flexible, all: Vec::new(), path: Vec::new(), names: Vec::new() };
    all.fields(fields, body);
    all.all
}

struct Changes {
    version: i16,
    flexible: bool,
    all: Vec<Change>,
    path: Vec<At>,
    names: Vec<&'static str>,
}

impl Changes {
    fn add(&mut self, what: &str, value: Value) {
        let what = format!("{}{what}", self.names.join("."));
        self.all.push(Change { path: self.path.clone(), value, what });
    }

    fn fields(&mut self, fields: &'static [Field], body: &Value) {
        let version = self.version;
        for field in fields.iter().filter(|field| field.versions.has(version)) {
            self.path.push(At::Field(field.name));
            self.names.push(field.name);
            let value = body.get(field.name).cloned().unwrap_or_else(|| wire::default(field));
            if field.array {
                self.array(field, &value)
            } else {
                self.value(field, &value)
            }
            self.path.pop();
            self.names.pop();
        }
        if self.flexible {
            self.path.push(At::Field("$tag"));
            self.add(" with an unknown tagged field", json!([9999, "AQID"]));
            self.path.pop();
        }
    }

    fn array(&mut self, field: &'static Field, value: &Value) {
        let null = if field.nullable.has(self.version) { Value::Null } else { json!({ "$len": -1 }) };
        let elements = value.as_array().map_or([].as_slice(), Vec::as_slice);
        self.add("=null", null);
        self.add("=[]", json!([]));
        self.add(" of length -2", json!({ "$len": -2, "of": elements }));
        self.add(" of length -32768", json!({ "$len": -32768, "of": elements }));
        self.add(" of the largest length", json!({ "$len": i32::MAX, "of": elements }));
        let Some(first) = elements.first() else { return };
        self.add(" with an entry twice", Value::Array([elements, std::slice::from_ref(first)].concat()));
        self.add(" turned round", Value::Array(elements.iter().rev().cloned().collect()));
        self.path.push(At::Element(0));
        let from = self.all.len();
        match &field.of {
            Type::Struct(fields) => self.fields(fields, first),
            _ => self.value(field, first),
        }
        self.path.pop();
        // The same as a second entry beside the good one.
        let inner: Vec<Change> = self.all.split_off(from);
        for change in inner {
            let within: Vec<At> = change.path.iter().skip(self.path.len() + 1).cloned().collect();
            let odd = Change { path: within, ..change.clone() }.apply(first);
            self.all.push(change.clone());
            self.all.push(Change {
                path: self.path.clone(),
                value: Value::Array([elements, &[odd]].concat()),
                what: format!("{}, beside a good one", change.what),
            });
        }
    }

    fn value(&mut self, field: &'static Field, value: &Value) {
        let nullable = field.nullable.has(self.version);
        match &field.of {
            Type::Bool => {
                self.add("=other", json!(!value.as_bool().unwrap_or(false)));
                self.add("=2", json!(2));
            }
            Type::Int(size) | Type::Uint(size) => {
                let half = i64::MAX >> (64 - 8 * size);
                let own = value.as_i64().unwrap_or(0);
                let mut values = vec![-half - 1, -half, -2, -1, 0, 1, 2, half - 1, half, own + 1, own - 1];
                values.sort_unstable();
                values.dedup();
                for number in values.into_iter().filter(|number| *number != own) {
                    self.add(&format!("={number}"), json!(number));
                }
            }
            Type::Float => {
                for number in [-1.0, 0.0, 0.5, 1e300] {
                    self.add(&format!("={number}"), json!(number));
                }
            }
            Type::Uuid => {
                for (name, id) in [
                    ("no id", "AAAAAAAAAAAAAAAAAAAAAA"),
                    ("the id of metadata", "AAAAAAAAAAAAAAAAAAAAAQ"),
                    ("an unknown id", "_____________________g"),
                ] {
                    self.add(&format!("={name}"), json!(id));
                }
            }
            Type::String => {
                self.add("=null", if nullable { Value::Null } else { json!({ "$len": -1 }) });
                self.add(" of length -2", json!({ "$len": -2, "of": "ab" }));
                self.add(" longer than the rest", json!({ "$len": 32767, "of": "ab" }));
                self.add(" that is no UTF-8", json!({ "$raw": "YWL/w6k=" }));
                self.add(" cut within a letter", json!({ "$raw": "YWLDqeKC" }));
                for (name, text) in [
                    ("empty", String::new()),
                    ("unknown", "unknown-{f}".to_owned()),
                    ("a dot", ".".to_owned()),
                    ("a blank", " ".to_owned()),
                    ("letters of Korea", "주문-{f}".to_owned()),
                    ("a null character", "a\0b".to_owned()),
                    ("a slash", "a/b".to_owned()),
                    ("a number", "1".to_owned()),
                    ("-1", "-1".to_owned()),
                    ("250 letters", "x".repeat(250)),
                    ("32767 letters", "x".repeat(32767)),
                ] {
                    self.add(&format!("={name}"), json!(text));
                }
            }
            Type::Bytes => {
                self.add("=null", if nullable { Value::Null } else { json!({ "$len": -1 }) });
                self.add(" of length -2", json!({ "$len": -2, "of": "AAAA" }));
                self.add(" longer than the rest", json!({ "$len": i32::MAX, "of": "AAAA" }));
                self.add("=empty", json!(""));
                self.add("=junk", json!("/////w=="));
            }
            Type::Records => {
                self.add("=null", if nullable { Value::Null } else { json!({ "$len": -1 }) });
                self.add(" of length -2", json!({ "$len": -2, "of": "AAAA" }));
                self.add(" longer than the rest", json!({ "$len": i32::MAX, "of": "AAAA" }));
                for (name, bytes) in batches::odd() {
                    self.add(&format!("={name}"), batches::value(&bytes));
                }
            }
            Type::Struct(fields) => {
                self.add("=null", Value::Null);
                if !value.is_null() {
                    self.fields(fields, value);
                }
            }
        }
    }
}

/// The pairs of odd things that lines of `API | ONE | OTHER` name, as far as there are such here.
pub fn always(lines: &str, api: &str, changes: &[Change]) -> Vec<(usize, usize)> {
    let place = |what: &str| changes.iter().position(|change| change.what == what);
    let parts = lines.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(" | "));
    let pair = |mut parts: std::str::Split<'_, &str>| {
        let of_api = parts.next()? == api;
        Some((place(parts.next()?)?, place(parts.next()?)?)).filter(|_| of_api)
    };
    parts.filter_map(pair).collect()
}

/// So many pairs of odd things, no pair twice in a row; fewer where there are fewer.
pub fn pairs(changes: &[Change], wanted: usize, prng: &mut Prng) -> Vec<(usize, usize)> {
    let count = changes.len() as u64;
    let mut all = Vec::new();
    if count < 2 {
        return all;
    }
    for _ in 0..wanted.saturating_mul(2) {
        let pick = |number: u64| usize::try_from(number).unwrap_or(0);
        let (one, other) = (pick(prng.below(count)), pick(prng.below(count)));
        let apart = changes.get(one).zip(changes.get(other)).is_some_and(|(one, other)| one.apart(other));
        if apart {
            all.push((one, other));
        }
        if all.len() == wanted {
            break;
        }
    }
    all
}
