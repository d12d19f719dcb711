//! Triggers at work: what becomes of a request that has come to a broker's machine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use blumfeld_kernel::{ConnectionId, NodeId, TraceEvent};
use blumfeld_protocol::definition::Kind;
use blumfeld_protocol::frame::{Header, decode_header};
use blumfeld_protocol::json::from_json;
use bytes::Bytes;

use super::transport::expects_response;
use crate::fault::answer::{Forged, answer};
use crate::fault::trigger::{Action, Asked, Clause, Observed, Trigger, Turn, When, Which};
use crate::fault::{Fault, FaultError, RequestFault, Side};
use crate::network::Asked as Question;
use crate::trace::TraceLine;
use crate::world::World;

/// What one observer keeps of frames, in bytes; then the oldest go.
const OBSERVED_BYTES: usize = 64 << 20;

/// A trigger, and how far it is. The fault `request` is one too.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    trigger: Trigger,
    turn: Turn,
    armed: bool,
    /// What it is by the shorter line, if it came by that.
    request: Option<RequestFault>,
}

/// What an observer has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    most: usize,
    total: u64,
    bytes: usize,
    kept: VecDeque<Observed>,
}

/// What becomes of a request that has come to its listener.
pub(crate) enum Fate {
    Arrives,
    /// It comes twice.
    Doubled,
    /// The world has answered it.
    Answered,
    /// Its connection breaks.
    Breaks,
    /// It is lost, and all that comes behind it on its connection.
    Lost,
    /// For so long, or until those before it are answered.
    Waits(Option<Duration>),
}

impl Rule {
    /// The rule of the fault `request`.
    pub fn of_request(
        node: NodeId,
        api_key: blumfeld_protocol::ApiKey,
        what: RequestFault,
        count: u32,
    ) -> Rule {
        let which = Which { api_key: Some(api_key), broker: Some(node), ..Which::default() };
        let action = match what {
            RequestFault::Error(code) => Action::Error(code),
            RequestFault::Delay(ms) => Action::Delay(ms),
            RequestFault::Drop => Action::Disconnect,
            RequestFault::LoseResponse => Action::DisconnectAfter,
        };
        let trigger = Trigger { name: None, which, when: When::Times(count), action };
        Rule { turn: Turn::new(trigger.when), trigger, armed: true, request: Some(what) }
    }

    pub fn new(trigger: Trigger) -> Rule {
        Rule { turn: Turn::new(trigger.when), trigger, armed: true, request: None }
    }

    fn name(&self) -> Option<&str> {
        self.trigger.name.as_deref()
    }

    /// The faults that would bring it back as it is.
    pub fn faults(&self) -> impl Iterator<Item = Fault> {
        let which = &self.trigger.which;
        let fault = match (self.request, which.broker, which.api_key, self.turn.left()) {
            (Some(what), Some(node), Some(api_key), When::Times(count)) => {
                Fault::Request { node, api_key, what, count }
            }
            (.., when) => Fault::On(Box::new(Trigger { when, ..self.trigger.clone() })),
        };
        let held = self.trigger.name.clone().filter(|_| !self.armed);
        std::iter::once(fault).chain(held.map(|name| Fault::Arm { name, armed: false }))
    }

    pub fn is_at(&self, side: Side) -> bool {
        self.trigger.which.broker.is_some_and(|broker| Side::Node(broker) == side)
    }
}

impl World {
    /// What is wrong with a trigger, or with the name of one.
    pub(super) fn check_trigger(&self, fault: &Fault) -> Result<(), FaultError> {
        let known = |name: &str| self.has_trigger(name);
        match fault {
            Fault::On(trigger) => {
                trigger.check()?;
                if let Some(name) = trigger.name.as_deref().filter(|name| known(name)) {
                    return Err(FaultError::Taken(name.to_owned()));
                }
                trigger.which.broker.map_or(Ok(()), |broker| self.machine(broker).map(drop))
            }
            Fault::Off(name) | Fault::Arm { name, .. } if !known(name) => {
                Err(FaultError::NoTrigger(name.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// A trigger can always be taken off, so each has a name: without one of its own the first of t1, t2, … that is
    /// free. An observer is asked for what it saw, and needs one of its own.
    pub(super) fn give_name(&self, trigger: &mut Trigger) {
        if trigger.name.is_some() || matches!(trigger.action, Action::Observe(_)) {
            return;
        }
        trigger.name = Some(self.free_trigger_name().into());
    }

    /// The first of t1, t2, … that no trigger has.
    pub fn free_trigger_name(&self) -> String {
        let free = |name: &String| !self.has_trigger(name) && !self.observed.contains_key(name.as_str());
        (1_u64..).map(|n| format!("t{n}")).find(free).unwrap_or_default()
    }

    /// Whether a trigger of this name is in force, or held.
    pub fn has_trigger(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| rule.name() == Some(name))
    }

    pub(super) fn set_trigger(&mut self, trigger: Trigger) {
        if let (Action::Observe(most), Some(name)) = (&trigger.action, &trigger.name) {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            self.observed.insert(Arc::clone(name), Seen { most, ..Seen::default() });
        }
        self.rules.push(Rule::new(trigger));
    }

    pub(super) fn take_trigger_off(&mut self, name: &str) {
        self.rules.retain(|rule| rule.name() != Some(name));
    }

    pub(super) fn arm_trigger(&mut self, name: &str, armed: bool) {
        (self.rules.iter_mut()).filter(|rule| rule.name() == Some(name)).for_each(|rule| rule.armed = armed);
    }

    /// How many requests a trigger has observed, and those of the last ones that are kept, in their order; nothing if
    /// there is and was no such trigger.
    pub fn observed(&self, name: &str) -> Option<(u64, impl Iterator<Item = &Observed>)> {
        self.observed.get(name).map(|seen| (seen.total, seen.kept.iter()))
    }

    /// What becomes of a request, by the first trigger that has it.
    pub(super) fn fate(&mut self, conn: ConnectionId, frame: &Bytes) -> Fate {
        let Some(link) = self.network.link(conn) else { return Fate::Arrives };
        let (node, waits) = (link.ends[1].node, !link.unanswered.is_empty());
        // What cannot be read is for the broker to refuse.
        let Ok((header, body)) = decode_header(frame) else { return Fate::Arrives };
        let asked = Asked { conn, broker: node, header: &header, body: &body };
        let mut mine: Vec<usize> =
            (0..self.rules.len()).filter(|at| self.is_for(&self.rules[*at], &asked)).collect();
        // Triggers that let a request go on see it, whichever trigger was set first.
        mine.sort_by_key(|at| !self.rules[*at].trigger.action.lets_go_on());
        // Responses leave in the order of their requests.
        let answers =
            |at: &usize| matches!(self.rules[*at].trigger.action, Action::Error(_) | Action::Answer(_));
        if waits && mine.iter().any(|at| answers(at) && self.rules[*at].turn.may_be_next()) {
            return Fate::Waits(None);
        }
        let mut fate = Fate::Arrives;
        let mut then = Vec::new();
        for at in mine {
            let rule = &mut self.rules[at];
            if !rule.turn.next(&mut self.trigger_rng) {
                continue;
            }
            let (action, said) = (rule.trigger.action.clone(), rule.request.is_none());
            let name = rule.trigger.name.clone();
            let fired = match self.act_on(conn, frame, &asked, &action, name.as_deref()) {
                Ok(Some(fired)) => fired,
                Ok(None) => {
                    self.rules[at].turn.take_back();
                    continue;
                }
                Err(wrong) => {
                    self.rules[at].turn.take_back();
                    self.say_trigger(at, &asked, Some(wrong));
                    continue;
                }
            };
            if said && !matches!(action, Action::Observe(_)) {
                self.say_trigger(at, &asked, None);
            }
            if let Action::Do(fault) = action {
                then.push(fault.at(node));
            }
            if let Some(its) = fired {
                fate = its;
                break;
            }
        }
        self.rules.retain(|rule| !rule.turn.is_over());
        // Last, as one may take rules away, or the broker.
        for fault in then {
            let line = fault.to_string();
            if let Err(error) = self.break_or_mend(fault) {
                let trigger = format!("{line}: {error}").into();
                self.note_trigger(trigger, &asked);
            }
        }
        fate
    }

    fn is_for(&self, rule: &Rule, asked: &Asked<'_>) -> bool {
        let name = |id| {
            let topics = self.best_informed()?.image().topics().values();
            topics.into_iter().find(|topic| topic.id == id).map(|topic| topic.name.to_string())
        };
        let which = &rule.trigger.which;
        rule.armed && which.has(asked, name) && which.while_.as_ref().is_none_or(|clause| self.is_so(clause))
    }

    fn is_so(&self, clause: &Clause) -> bool {
        match clause {
            Clause::Up(node) => self.broker(*node).is_some(),
            Clause::Down(node) => self.broker(*node).is_none(),
            Clause::Leader { topic, partition, node } => {
                let registered =
                    self.best_informed().and_then(|best| best.image().partition(topic, *partition));
                registered.is_some_and(|registered| registered.leader == node.0)
            }
        }
    }

    /// Does it to a request. `Ok(Some(None))`: done, and the request goes on. `Ok(None)`: it cannot be done to this
    /// one. An error says why an answer cannot be written.
    #[allow(clippy::option_option, reason = "done or not, and then what becomes of the request")]
    fn act_on(
        &mut self,
        conn: ConnectionId,
        frame: &Bytes,
        asked: &Asked<'_>,
        action: &Action,
        name: Option<&str>,
    ) -> Result<Option<Option<Fate>>, String> {
        let header = asked.header;
        Ok(Some(match action {
            Action::Delay(ms) => Some(Fate::Waits(Some(Duration::from_millis(*ms)))),
            Action::DelayAfter(ms) => {
                let slow = (header.correlation_id, Duration::from_millis(*ms));
                let Some(link) = self.network.link(conn).filter(|link| link.slowing.is_none()) else {
                    return Ok(None);
                };
                // A Produce with acks=0 has no response that could be late.
                if expects_response(frame).is_none() {
                    return Ok(None);
                }
                link.slowing = Some(slow);
                Some(Fate::Arrives)
            }
            Action::Duplicate => Some(Fate::Doubled),
            Action::Drop => Some(Fate::Lost),
            Action::Disconnect => Some(Fate::Breaks),
            Action::DisconnectAfter => {
                let Some(link) = self.network.link(conn).filter(|link| link.losing.is_none()) else {
                    return Ok(None);
                };
                link.losing = Some(header.correlation_id);
                Some(Fate::Arrives)
            }
            Action::Error(code) => {
                let Ok(forged) = answer(header, asked.body, *code) else { return Ok(None) };
                self.give(conn, forged, frame);
                Some(Fate::Answered)
            }
            Action::Answer(json) => {
                let forged = match expects_response(frame) {
                    None => Forged::Nothing,
                    Some(_) => Forged::Frame(answer_of(header, json)?),
                };
                self.give(conn, forged, frame);
                Some(Fate::Answered)
            }
            Action::Observe(_) => {
                let name = name.unwrap_or_default();
                let observed = Observed {
                    at: self.now,
                    broker: asked.broker,
                    connection: conn.0,
                    client_id: header.client_id.as_ref().map(ToString::to_string),
                    api_key: header.api_key,
                    version: header.version,
                    frame: frame.clone(),
                    header: frame.len() - asked.body.len(),
                };
                if let Some(seen) = self.observed.get_mut(name) {
                    seen.add(observed);
                }
                None
            }
            Action::Do(_) => None,
        }))
    }

    fn give(&mut self, conn: ConnectionId, forged: Forged, request: &Bytes) {
        if let Some(wire) = &mut self.wire {
            let wants_answer = matches!(forged, Forged::Frame(_));
            wire.forged(self.now, conn, &request.clone().into(), wants_answer);
        }
        if let Forged::Frame(frame) = forged {
            self.answer(conn, frame, Question::of(request));
        }
    }

    fn say_trigger(&mut self, at: usize, asked: &Asked<'_>, wrong: Option<String>) {
        let line = self.rules[at].trigger.to_string();
        let line = wrong.map_or_else(|| line.clone(), |wrong| format!("{line}: {wrong}"));
        self.note_trigger(line.into(), asked);
    }

    fn note_trigger(&mut self, trigger: Arc<str>, asked: &Asked<'_>) {
        let (header, conn) = (asked.header, asked.conn.0);
        let client = header.client_id.as_ref().map_or(String::new(), |id| format!(" of {}", &**id));
        let request = format!("{:?} {}{client} on connection {conn}", header.api_key, header.version).into();
        let event = TraceEvent::TriggerFired { trigger, request };
        self.trace.push(TraceLine { at: self.now, node: asked.broker, event });
    }
}

impl Seen {
    fn add(&mut self, observed: Observed) {
        self.total += 1;
        self.bytes += observed.frame.len();
        self.kept.push_back(observed);
        while self.kept.len() > self.most || (self.bytes > OBSERVED_BYTES && self.kept.len() > 1) {
            self.bytes -= self.kept.pop_front().map_or(0, |oldest| oldest.frame.len());
        }
    }
}

/// A response's frame from the fields that were given.
fn answer_of(header: &Header, json: &str) -> Result<Bytes, String> {
    let value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let (api_key, version) = (header.api_key, header.version);
    let body = from_json(api_key, Kind::Response, version, &value).map_err(|error| error.to_string())?;
    let mut frame = header.correlation_id.to_be_bytes().to_vec();
    if api_key.response_header_version(version) >= 1 {
        // No tagged fields.
        frame.push(0);
    }
    frame.extend(body);
    Ok(frame.into())
}
