//! The program of the npm package: a cluster as a class, with sockets of a kind and producers. `www/npm` has what
//! stands around it.

#[cfg(target_arch = "wasm32")]
mod class {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::time::Duration;

    use blumfeld_client::TopicMetadata;
    use blumfeld_client::producer::{Partitioner, ProducerRecord};
    use blumfeld_kernel::{ConnectionId, Instant, NodeId};
    use blumfeld_protocol::record_batch::Header;
    use blumfeld_wasm::{
        Ask, Door, DoorEvent, RecordRange, ScriptAnswer, ScriptError, ToolOutput, milliseconds,
    };
    use js_sys::{Array, Function, Int32Array, Reflect, Uint8Array};
    use serde::{Deserialize, Serialize};
    use serde_bytes::ByteBuf;
    use wasm_bindgen::prelude::*;

    /// A cluster that stands still until it is told to go on.
    #[wasm_bindgen]
    pub struct JsDoor {
        door: Door,
        /// The functions that choose partitions, by their producers.
        functions: BTreeMap<NodeId, Registered>,
    }

    thread_local! {
        /// A process of the world can be sent to another thread, which a function of this one cannot: it has its
        /// number.
        static FUNCTIONS: RefCell<BTreeMap<u64, Function>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// A function's number. Without it the function is forgotten.
    struct Registered(u64);

    impl Registered {
        fn new(function: Function) -> Registered {
            FUNCTIONS.with_borrow_mut(|functions| {
                let number = functions.last_key_value().map_or(0, |(last, _)| last + 1);
                functions.insert(number, function);
                Registered(number)
            })
        }
    }

    impl Drop for Registered {
        fn drop(&mut self) {
            FUNCTIONS.with_borrow_mut(|functions| functions.remove(&self.0));
        }
    }

    /// A function `(topic, key, value, partitions)` that gives a partition, or a text that says why it does not.
    /// `partitions` is flat: each partition with its leader, -1 for none.
    #[derive(Clone, Debug)]
    struct Scripted(u64);

    impl Partitioner for Scripted {
        fn partition(
            &mut self,
            topic: &TopicMetadata,
            key: Option<&[u8]>,
            value: Option<&[u8]>,
        ) -> Result<i32, String> {
            // A copy of the handle: the function may do what it likes meanwhile.
            let function = FUNCTIONS.with_borrow(|functions| functions.get(&self.0).cloned());
            let function = function.ok_or("its function is gone")?;
            let bytes = |bytes: Option<&[u8]>| bytes.map_or(JsValue::NULL, |b| Uint8Array::from(b).into());
            let flat: Vec<i32> =
                topic.partitions.values().flat_map(|one| [one.partition, one.leader]).collect();
            let arguments = Array::new();
            arguments.push(&JsValue::from_str(&topic.name));
            arguments.push(&bytes(key));
            arguments.push(&bytes(value));
            arguments.push(&Int32Array::from(&flat[..]));
            let given = function.apply(&JsValue::NULL, &arguments).map_err(|_| "it threw")?;
            if let Some(text) = given.as_string() {
                return Err(text);
            }
            let whole = |number: &f64| {
                number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(number)
            };
            given
                .as_f64()
                .filter(whole)
                .map(|number| number as i32)
                .ok_or_else(|| "it gave no partition".to_owned())
        }

        fn boxed_clone(&self) -> Box<dyn Partitioner> {
            Box::new(self.clone())
        }
    }

    /// A record as `producer.js` hands it in.
    #[derive(Deserialize)]
    struct Record {
        topic: String,
        partition: Option<i32>,
        timestamp: Option<f64>,
        key: Option<ByteBuf>,
        value: Option<ByteBuf>,
        headers: Vec<(ByteBuf, Option<ByteBuf>)>,
    }

    /// What became of something that was asked of a producer, or of a tool, as `host.js` takes it.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Told<'a> {
        Sent { partition: i32, offset: f64, timestamp: f64 },
        Done {},
        Failed { name: &'a str, code: Option<&'a str>, message: &'a str },
        Ended { stdout: &'a str, stderr: &'a str, exit: Option<i32> },
    }

    /// Plain data as scripts know it: what is absent is null.
    fn plain(value: &impl Serialize) -> Result<JsValue, JsError> {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
        Ok(value.serialize(&serializer)?)
    }

    /// An error of JavaScript's with Kafka's name, and code where there is one.
    fn thrown(error: &ScriptError) -> JsValue {
        let value = js_sys::Error::new(&error.message);
        value.set_name(&error.name);
        if let Some(code) = &error.code {
            // A new object takes any property.
            let _ = Reflect::set(&value, &"code".into(), &code.into());
        }
        value.into()
    }

    fn micros(ms: f64) -> Duration {
        // To the nearest: a sum of the script's may lie a little before the microsecond that it means.
        Duration::from_micros((ms * 1_000.0).round().clamp(0.0, 1e15) as u64)
    }

    fn conn(id: f64) -> ConnectionId {
        // The ids that `connect` gave are whole numbers below 2^53.
        ConnectionId(id as u64)
    }

    fn node(id: f64) -> NodeId {
        // The ids that `producer` gave are whole numbers below 2^31.
        NodeId(id as i32)
    }

    #[wasm_bindgen]
    impl JsDoor {
        /// A cluster that serves. `epoch_ms` is the wall clock at its beginning.
        #[wasm_bindgen(constructor)]
        pub fn new(brokers: i32, seed: f64, epoch_ms: f64) -> Result<JsDoor, JsError> {
            let door =
                Door::new(brokers, seed as u64, epoch_ms as i64).map_err(|what| JsError::new(&what))?;
            Ok(JsDoor { door, functions: BTreeMap::new() })
        }

        /// Where its brokers listen.
        pub fn bootstrap(&self) -> Vec<String> {
            self.door.bootstrap()
        }

        /// Virtual time, in milliseconds.
        pub fn now(&self) -> f64 {
            milliseconds(self.door.now())
        }

        /// When something happens next, in virtual milliseconds; infinite for never.
        pub fn next(&self) -> f64 {
            self.door.next_event().map_or(f64::INFINITY, milliseconds)
        }

        /// Opens a connection and gives its id.
        pub fn connect(&mut self, host: &str, port: u16, name: &str) -> f64 {
            self.door.connect(host, port, name).0 as f64
        }

        /// Sends bytes on a connection.
        pub fn write(&mut self, id: f64, bytes: &[u8]) -> Result<(), JsError> {
            self.door.write(conn(id), bytes).map_err(|what| JsError::new(&what))
        }

        /// Closes a connection.
        pub fn close(&mut self, id: f64) {
            self.door.close(conn(id));
        }

        /// Goes on up to a virtual time in milliseconds, for at most `budget` real ones, or until something has come
        /// for a client. Gives whether it came there.
        pub fn run(&mut self, until: f64, budget: f64) -> bool {
            let end = js_sys::Date::now() + budget;
            self.door.run(Instant::ZERO + micros(until), || js_sys::Date::now() < end)
        }

        /// What has come for clients: `[id, event, …]` with `true` for a connection that stands, bytes, or a text that
        /// says why it is gone.
        pub fn take(&mut self) -> Array {
            let out = Array::new();
            for (conn, event) in self.door.take() {
                out.push(&JsValue::from(conn.0 as f64));
                out.push(&match event {
                    DoorEvent::Connected => JsValue::TRUE,
                    DoorEvent::Data(bytes) => Uint8Array::from(bytes.as_ref()).into(),
                    DoorEvent::Closed(reason) => reason.to_string().into(),
                });
            }
            out
        }

        /// Starts a producer and gives its id. Names and values of its settings alternate; a function may choose
        /// partitions.
        pub fn producer(
            &mut self,
            settings: Vec<String>,
            function: Option<Function>,
        ) -> Result<f64, JsValue> {
            let pairs = settings.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            let registered = function.map(Registered::new);
            let partitioner =
                registered.as_ref().map(|number| Box::new(Scripted(number.0)) as Box<dyn Partitioner>);
            let id = self.door.producer(&pairs.collect(), partitioner).map_err(|error| thrown(&error))?;
            if let Some(registered) = registered {
                self.functions.insert(id, registered);
            }
            Ok(id.0.into())
        }

        /// Has a producer send a record. What becomes of it is in `answers`, behind `token`.
        pub fn send(&mut self, producer: f64, token: f64, record: JsValue) -> Result<(), JsError> {
            let record: Record = serde_wasm_bindgen::from_value(record)?;
            let bytes = |bytes: Option<ByteBuf>| bytes.map(|bytes| bytes.into_vec().into());
            let headers = record.headers.into_iter();
            let record = ProducerRecord {
                topic: record.topic.into(),
                partition: record.partition,
                timestamp: record.timestamp.map(|ms| ms as i64),
                key: bytes(record.key),
                value: bytes(record.value),
                headers: headers
                    .map(|(key, value)| Header { key: key.into_vec().into(), value: bytes(value) })
                    .collect(),
            };
            self.door.ask(node(producer), token as u64, &Ask::Send(record));
            Ok(())
        }

        /// Has a producer say when everything is delivered that it has.
        pub fn flush(&mut self, producer: f64, token: f64) {
            self.door.ask(node(producer), token as u64, &Ask::Flush);
        }

        /// The same, and ends it.
        #[wasm_bindgen(js_name = closeProducer)]
        pub fn close_producer(&mut self, producer: f64, token: f64) {
            self.door.ask(node(producer), token as u64, &Ask::Close);
        }

        /// Starts a console tool, which may take so many virtual milliseconds. Its output is in `answers`, behind
        /// `token`.
        pub fn tool(&mut self, token: f64, line: &str, stdin: &[u8], patience: f64) -> Result<(), JsError> {
            let stdin = bytes::Bytes::copy_from_slice(stdin);
            let started = self.door.tool(token as u64, line, stdin, micros(patience));
            started.map_err(|what| JsError::new(&what))
        }

        /// How many events the cluster has handled.
        pub fn events(&self) -> f64 {
            self.door.events() as f64
        }

        /// How the cluster stands.
        pub fn view(&self) -> Result<JsValue, JsError> {
            plain(&self.door.view())
        }

        /// Records of a topic, of one partition or of all, from an offset on, at most `limit`.
        pub fn records(
            &self,
            topic: &str,
            partition: Option<i32>,
            from: f64,
            limit: f64,
        ) -> Result<JsValue, JsError> {
            // An infinite limit becomes the largest number.
            let range = RecordRange { partition, from: from as i64, limit: limit as usize };
            plain(&self.door.records(topic, range).map_err(|what| JsError::new(&what))?)
        }

        /// What producers and tools have answered: `[token, answer, …]` with `{ partition, offset, timestamp }` of a
        /// record that stands, `{ name, code, message }` of an error, `{ stdout, stderr, exit }` of a tool (`exit` null
        /// if it was killed), and else nothing in it.
        pub fn answers(&mut self) -> Result<Array, JsError> {
            let out = Array::new();
            for (token, answer) in self.door.take_answers() {
                let told = match &answer {
                    ScriptAnswer::Sent { partition, offset, timestamp } => Told::Sent {
                        partition: *partition,
                        offset: *offset as f64,
                        timestamp: *timestamp as f64,
                    },
                    ScriptAnswer::Done => Told::Done {},
                    ScriptAnswer::Failed(ScriptError { name, code, message }) => {
                        Told::Failed { name, code: code.as_deref(), message }
                    }
                };
                out.push(&JsValue::from(token as f64));
                out.push(&serde_wasm_bindgen::to_value(&told)?);
            }
            for (token, ToolOutput { stdout, stderr, exit }) in self.door.take_outputs() {
                out.push(&JsValue::from(token as f64));
                out.push(&plain(&Told::Ended { stdout: &stdout, stderr: &stderr, exit })?);
            }
            let door = &self.door;
            self.functions.retain(|id, _| door.has_producer(*id));
            Ok(out)
        }

        /// What a trigger has observed, a JSON object a line.
        pub fn observed(&self, name: &str) -> Result<String, JsError> {
            self.door.observed(name).map_err(|error| JsError::new(&error))
        }

        /// Begins to wait for a condition.
        #[wasm_bindgen(js_name = waitFor)]
        pub fn wait_for(&mut self, condition: &str) -> Result<u32, JsError> {
            self.door.wait_for(condition).map_err(|what| JsError::new(&what))
        }

        /// How the cluster stood when a condition came to be so; `undefined` while it is not.
        pub fn reached(&mut self, wait: u32) -> Result<JsValue, JsError> {
            self.door.reached(wait).map_or(Ok(JsValue::UNDEFINED), |view| plain(&view))
        }

        /// Waits no longer, and gives what keeps the condition from being so, a clause a line.
        #[wasm_bindgen(js_name = stopWaiting)]
        pub fn stop_waiting(&mut self, wait: u32) -> String {
            self.door.stop_waiting(wait).join("\n")
        }

        /// Injects a fault.
        pub fn fault(&mut self, line: &str) -> Result<(), JsError> {
            self.door.inject(line).map_err(|what| JsError::new(&what))
        }

        /// Adds a broker, and gives where it will listen.
        #[wasm_bindgen(js_name = addBroker)]
        pub fn add_broker(&mut self, id: Option<i32>, rack: Option<String>) -> Result<String, JsError> {
            self.door.add_broker(id, rack).map_err(|what| JsError::new(&what))
        }

        /// Takes a broker away.
        #[wasm_bindgen(js_name = removeBroker)]
        pub fn remove_broker(&mut self, id: i32, force: bool) -> Result<(), JsError> {
            self.door.remove_broker(id, force).map_err(|what| JsError::new(&what))
        }

        /// Does a line of `timeline`, `why` or `odds`, and gives what it answers.
        pub fn timeline(&mut self, line: &str) -> Result<String, JsError> {
            self.door.timeline(line).map_err(|what| JsError::new(&what))
        }

        /// How far it goes back, and the branches.
        #[wasm_bindgen(js_name = timelineView)]
        pub fn timeline_view(&self) -> Result<JsValue, JsError> {
            plain(&self.door.timeline_view())
        }

        /// The lines of the trace since the last call.
        pub fn trace(&mut self) -> Vec<String> {
            self.door.take_trace()
        }
    }
}

/// A module has its classes; there is nothing to begin.
fn main() {}
