//! What is asked, and what is made of the answer: the lines of a corpus.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blumfeld_protocol::ApiKey;
use blumfeld_protocol::definition::Kind;
use serde_json::{Map, Value, json};

use crate::wire;

/// A request, as odd as it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// Its API key.
    pub api: i16,
    /// Its version.
    pub version: i16,
    /// The header's client id: text, null, or odd as in [`wire`].
    pub client: Value,
    /// The body.
    pub body: Value,
    /// So many bytes of the end are left out.
    pub cut: usize,
    /// Bytes behind the end.
    pub tail: Vec<u8>,
}

impl Request {
    /// A request of a client that calls itself `compare`.
    pub fn new(api: ApiKey, version: i16, body: Value) -> Request {
        Request { api: api as i16, version, client: json!("compare"), body, cut: 0, tail: Vec::new() }
    }

    /// What asks whether a connection is open.
    pub fn api_versions() -> Request {
        Request::new(ApiKey::ApiVersions, 0, json!({}))
    }

    /// Whether no answer is to come: Produce with acks 0.
    pub fn unanswered(&self) -> bool {
        self.api == ApiKey::Produce as i16 && self.body.get("acks").and_then(Value::as_i64) == Some(0)
    }

    /// The header's bytes.
    ///
    /// # Errors
    /// The client id is none.
    pub fn header(&self, id: i32) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        out.extend(self.api.to_be_bytes());
        out.extend(self.version.to_be_bytes());
        out.extend(id.to_be_bytes());
        let (len, bytes) = match &self.client {
            Value::Null => (-1, Vec::new()),
            Value::String(text) => (i64::try_from(text.len())?, text.clone().into_bytes()),
            odd => {
                let bytes = odd.get("$raw").map(wire::base64).transpose()?.unwrap_or_default();
                (odd.get("$len").and_then(Value::as_i64).map_or(i64::try_from(bytes.len()), Ok)?, bytes)
            }
        };
        out.extend(len.to_be_bytes().iter().skip(6));
        out.extend(bytes);
        if wire::definition(self.api, Kind::Request)?.flexible.has(self.version) {
            out.push(0);
        }
        Ok(out)
    }
}

/// A step: a request, and what is made of its answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// What is asked.
    pub request: Request,
    /// What is odd about it, or what it prepares.
    pub what: String,
    /// Values that each side chooses: the name, and a JSON pointer into the answer.
    pub keep: Vec<(String, String)>,
    /// Asked again until the value at a JSON pointer is this one: a preparation has to come into force.
    pub until: Option<(String, Value)>,
    /// Whether the answers are compared.
    pub compared: bool,
    /// Whether it changes nothing, and so may be asked again where the answers differ: what was done before may not
    /// have come into force on one side.
    pub again: bool,
}

impl Step {
    /// A step whose answers are compared.
    pub fn compare(what: impl Into<String>, request: Request) -> Step {
        Step { request, what: what.into(), keep: Vec::new(), until: None, compared: true, again: false }
    }

    /// A step that prepares others.
    pub fn prepare(request: Request) -> Step {
        Step { compared: false, ..Step::compare("preparation", request) }
    }

    /// The same, asked until a value is there.
    #[must_use]
    pub fn until(self, pointer: &str, value: Value) -> Step {
        Step { until: Some((pointer.to_owned(), value)), ..self }
    }

    /// The same, which keeps what a side chose.
    #[must_use]
    pub fn keep(mut self, name: impl Into<String>, pointer: &str) -> Step {
        self.keep.push((name.into(), pointer.to_owned()));
        self
    }

    /// As JSON, with what is left out where it says nothing.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let request = &self.request;
        object.insert("api".to_owned(), json!(request.api));
        object.insert("version".to_owned(), json!(request.version));
        object.insert("what".to_owned(), json!(self.what));
        object.insert("body".to_owned(), request.body.clone());
        if request.client != json!("compare") {
            object.insert("client".to_owned(), request.client.clone());
        }
        if request.cut > 0 {
            object.insert("cut".to_owned(), json!(request.cut));
        }
        if !request.tail.is_empty() {
            object.insert("tail".to_owned(), json!(BASE64_STANDARD.encode(&request.tail)));
        }
        if !self.keep.is_empty() {
            object.insert("keep".to_owned(), json!(self.keep));
        }
        if let Some(until) = &self.until {
            object.insert("until".to_owned(), json!(until));
        }
        for (name, value) in [("compared", self.compared), ("again", self.again)] {
            if value {
                object.insert(name.to_owned(), json!(true));
            }
        }
        Value::Object(object)
    }

    /// The step that a JSON object says.
    ///
    /// # Errors
    /// It says none.
    pub fn from_json(value: &Value) -> Result<Step> {
        let number =
            |name: &str| value.get(name).and_then(Value::as_i64).with_context(|| format!("no {name}"));
        let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
        let flag = |name: &str| value.get(name) == Some(&json!(true));
        let pair = |pair: &Value| -> Result<(String, Value)> {
            let [name, value] = pair.as_array().context("no pair")?.as_slice() else {
                anyhow::bail!("no pair")
            };
            Ok((text(name)?, value.clone()))
        };
        let mut keep = Vec::new();
        for one in value.get("keep").and_then(Value::as_array).into_iter().flatten() {
            let (name, pointer) = pair(one)?;
            keep.push((name, text(&pointer)?));
        }
        Ok(Step {
            request: Request {
                api: number("api")?.try_into()?,
                version: number("version")?.try_into()?,
                client: value.get("client").cloned().unwrap_or_else(|| json!("compare")),
                body: value.get("body").cloned().context("no body")?,
                cut: value.get("cut").and_then(Value::as_u64).unwrap_or(0).try_into()?,
                tail: value.get("tail").map(wire::base64).transpose()?.unwrap_or_default(),
            },
            what: text(value.get("what").context("no what")?)?,
            keep,
            until: value.get("until").map(pair).transpose()?,
            compared: flag("compared"),
            again: flag("again"),
        })
    }
}
