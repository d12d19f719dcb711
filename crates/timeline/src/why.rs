//! Where a number came from: the event that set it, and what led to that event.
//!
//! Nothing is kept for this while the cluster runs. The past is played again from the last checkpoint, and the number
//! is looked at after every event and every deed: the last of them that changed it is the one. Where none did, the
//! stretch before is played. The world notes meanwhile who scheduled each event ([`blumfeld_sim::Causes`]); so one
//! goes back from the event to the message that it was, to what its sender handled when it sent it, and on, until a
//! client acts by itself or somebody does something.
//!
//! A node looks at its clocks whatever it is given. So a message may only have come when something was due anyway.
//! Where a broker has decided something while it handled one, the message is left out in a copy of that moment: if
//! the broker decides the same a moment later, time did it, and not the message.
//!
//! A timer that runs out has no sender. It ends the chain, but for two things that a reader would look for: the last
//! fault that names one of the brokers that it is about, and else what was last said of the same partition or group,
//! from where the chain goes on.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use blumfeld_condition::{Asked, Question, Value};
use blumfeld_kernel::{Instant, NodeId, TraceEvent};
use blumfeld_shell::Language;
use blumfeld_sim::{Causes, Handled, Landed, Occasion, Origin, World, event_view};

use crate::{
    Deed, Look, Mark, Nothing, Rewind, Stretch, Target, Timeline, TravelError, Turn, Walk, Way, clock,
};

/// Links of a chain at most.
const LONGEST: usize = 24;
/// Lines of what was said that are told of an event.
const SAID: usize = 2;
/// Messages of a chain that are left out at most, to see whether they did it.
const TRIES: usize = 4;
/// A broker that does the same so soon without a message does it by itself.
const SOON: Duration = Duration::from_millis(5);
/// Partitions that are told of a message.
const PARTITIONS: usize = 3;

/// The event, or the deed, that set a number.
#[derive(Clone, Debug)]
struct Change {
    origin: Origin,
    at: Instant,
    events: u64,
    before: Option<Value>,
}

/// What is looked for while a stretch is played.
struct Scan<D> {
    asked: Asked,
    value: Option<Value>,
    change: Option<Change>,
    /// What was done in it; the deed with the number 1 is the first.
    done: Vec<D>,
    by_deed: bool,
}

impl<R: Rewind> Look<R> for Scan<R::Deed> {
    fn deed(&mut self, run: &mut R, done: &R::Deed) {
        self.done.push(done.clone());
        run.world_mut().note_deed(self.done.len() as u64);
        self.by_deed = true;
    }

    fn look(&mut self, run: &R) -> bool {
        let by_deed = std::mem::take(&mut self.by_deed);
        let value = run.world().ask(&self.asked);
        if value != self.value {
            let origin = match by_deed {
                true => Origin::Deed(self.done.len() as u64),
                false => Origin::Event(run.world().events()),
            };
            let (at, events) = (run.world().now(), run.world().events());
            let before = std::mem::replace(&mut self.value, value);
            self.change = Some(Change { origin, at, events, before });
        }
        false
    }
}

/// What was noted in a stretch.
struct Noted<D> {
    causes: Box<Causes>,
    done: Vec<D>,
}

/// Where the chain goes on.
#[derive(Clone, Copy)]
enum Next {
    Event(u64),
    /// A deed of a stretch.
    Deed(usize, u64),
    /// Whoever scheduled what has this place in the order.
    Scheduled(u64),
    /// The event of this number is tried without its message.
    Try(u64),
    End,
}

/// A link of the chain.
struct Link {
    at: Instant,
    node: String,
    /// In English and Korean.
    what: [String; 2],
    said: Vec<[String; 2]>,
}

/// A stretch that is being played.
type Going<R> = Box<(Walk, R, Scan<<R as Rewind>::Deed>)>;

/// A number that is asked for its cause.
pub struct Why<R: Rewind> {
    asked: Asked,
    shown: (u32, Mark),
    value: Option<Value>,
    /// From the last one back.
    stretches: Vec<Stretch>,
    at: usize,
    going: Option<Going<R>>,
    change: Option<Change>,
    /// From the one with the change back.
    noted: Vec<Noted<R::Deed>>,
    next: Next,
    links: Vec<Link>,
    /// Brokers that what was said so far is about.
    about: BTreeSet<i32>,
    /// Whether it is about a controller that is missed, whoever that was.
    about_any: bool,
    /// Whether a chain went on once from a timer to what was said before it.
    went_on: bool,
    /// On the way to the moment before a message that is left out.
    trying: Option<Box<(Walk, R)>>,
    tries: usize,
}

impl<R: Rewind> Why<R> {
    /// A number that stands in this world, which is what is shown of the branch at this mark.
    ///
    /// # Errors
    /// No one event sets it.
    pub fn begin(
        asked: Asked,
        timeline: &Timeline<R>,
        shown: (u32, Mark),
        world: &World,
    ) -> Result<Why<R>, TravelError> {
        let made_of_others = matches!(
            asked.question(),
            Question::Lag(..)
                | Question::UnderReplicated(_)
                | Question::InFlight
                | Question::Time
                | Question::Elapsed
                | Question::Printed(_)
                | Question::Saw(..)
        );
        if made_of_others {
            return Err(TravelError::MadeOfOthers(asked.text().to_owned()));
        }
        let value = world.ask(&asked);
        Ok(Why {
            value,
            stretches: timeline.stretches(shown.0, shown.1),
            asked,
            shown,
            at: 0,
            going: None,
            change: None,
            noted: Vec::new(),
            next: Next::End,
            links: Vec::new(),
            about: BTreeSet::new(),
            about_any: false,
            went_on: false,
            trying: None,
            tries: 0,
        })
    }

    /// Looks for a turn.
    pub fn go_on(
        &mut self,
        kept: (&Timeline<R>, Language),
        world: &World,
        out_of_time: &mut impl FnMut() -> bool,
    ) -> Turn {
        loop {
            if let Next::Try(number) = self.next {
                let Some(by_itself) = self.try_without(number, kept, out_of_time) else { return Turn::More };
                self.next = self.after_trying(number, by_itself, kept.0);
                if self.follow(kept.0, world) {
                    return Turn::Done(Ok(self.told(kept.0, kept.1)));
                }
                continue;
            }
            let Some(stretch) = self.stretches.get(self.at).copied() else {
                return Turn::Done(Ok(self.told(kept.0, kept.1)));
            };
            let going = match self.going.take() {
                Some(going) => going,
                None => {
                    let Some((walk, mut run)) = Walk::along(kept.0, self.shown.0, &stretch) else {
                        return Turn::Done(Err(TravelError::TooEarly(kept.0.from())));
                    };
                    run.world_mut().note_causes();
                    let (asked, value) = (self.asked.clone(), run.world().ask(&self.asked));
                    Box::new((
                        walk,
                        run,
                        Scan { asked, value, change: None, done: Vec::new(), by_deed: false },
                    ))
                }
            };
            let (mut walk, mut run, mut scan) = *going;
            if walk.go(kept, &mut run, stretch.until, &mut scan, out_of_time) == Way::OutOfTime {
                self.going = Some(Box::new((walk, run, scan)));
                return Turn::More;
            }
            self.at += 1;
            if self.change.is_none() {
                let Some(change) = scan.change else { continue };
                self.next = match change.origin {
                    Origin::Event(number) => Next::Event(number),
                    Origin::Deed(number) => Next::Deed(0, number),
                };
                self.change = Some(change);
            }
            if let Some(causes) = run.world_mut().take_causes() {
                self.noted.push(Noted { causes, done: scan.done });
            }
            if self.follow(kept.0, world) {
                return Turn::Done(Ok(self.told(kept.0, kept.1)));
            }
        }
    }

    /// Whether a broker does by itself what it did when this message came; nothing yet if time was up on the way.
    fn try_without(
        &mut self,
        number: u64,
        kept: (&Timeline<R>, Language),
        out_of_time: &mut impl FnMut() -> bool,
    ) -> Option<bool> {
        let target = Target::Before(number);
        let begun = self.trying.take().or_else(|| Walk::begin(kept.0, target).ok().map(Box::new));
        // Where that moment is not kept, the message stands for what it seems.
        let Some(mut trying) = begun else { return Some(false) };
        let (walk, run) = trying.as_mut();
        if walk.go(kept, run, target, &mut Nothing, out_of_time) == Way::OutOfTime {
            self.trying = Some(trying);
            return None;
        }
        let Some(handled) = self.noted.iter().find_map(|noted| noted.causes.event(number)) else {
            return Some(false);
        };
        let world = run.world_mut();
        let lines = world.trace().pushed();
        if world.events() + 1 != number || world.lose_next().is_none() {
            return Some(false);
        }
        world.run_until(handled.at + SOON);
        let decided = handled.said.iter().filter(|line| decides(&line.event));
        Some(decided.into_iter().any(|line| {
            world.trace().after(lines).any(|again| again.node == line.node && again.event == line.event)
        }))
    }

    /// Where the chain goes on from an event whose message was left out.
    fn after_trying(&mut self, number: u64, by_itself: bool, timeline: &Timeline<R>) -> Next {
        let handled = self.noted.iter().find_map(|noted| noted.causes.event(number));
        let Some((at, sequence)) = handled.map(|handled| (handled.at, handled.sequence)) else {
            return Next::End;
        };
        if !by_itself {
            return Next::Scheduled(sequence);
        }
        if let Some(link) = self.links.last_mut() {
            link.what = timer();
        }
        self.after_timer(number, at, timeline)
    }

    /// Where the chain goes on from a timer, or what was due like one.
    fn after_timer(&mut self, number: u64, at: Instant, timeline: &Timeline<R>) -> Next {
        if let Some(fault) = self.fault_before(timeline, at) {
            self.links.push(fault);
            return Next::End;
        }
        let earlier = self.said_before(number).filter(|_| !self.went_on);
        self.went_on = true;
        earlier.map_or(Next::End, Next::Event)
    }

    /// The event that set the number, and whether that was a message; nothing if no event did.
    pub fn event(&self) -> Option<(u64, bool)> {
        let change = self.change.as_ref()?;
        let Origin::Event(number) = change.origin else { return None };
        let handled = self.noted.first()?.causes.event(number)?;
        Some((number, handled.occasion == Occasion::Message && handled.landed.len() == 1))
    }

    /// Goes back along the chain as far as what was noted goes; gives whether that is all.
    fn follow(&mut self, timeline: &Timeline<R>, world: &World) -> bool {
        while self.links.len() < LONGEST {
            self.next = match self.next {
                Next::End => return true,
                Next::Try(_) => return false,
                Next::Deed(stretch, number) => {
                    self.add_deed(stretch, number);
                    Next::End
                }
                Next::Scheduled(sequence) => {
                    let found = self.noted.iter().enumerate();
                    let mut found =
                        found.filter_map(|(at, noted)| Some((at, noted.causes.origin(sequence)?)));
                    match found.next() {
                        Some((_, Origin::Event(number))) => Next::Event(number),
                        Some((at, Origin::Deed(number))) => Next::Deed(at, number),
                        None => return false,
                    }
                }
                Next::Event(number) => {
                    let Some(handled) = self.noted.iter().find_map(|noted| noted.causes.event(number)) else {
                        return false;
                    };
                    let handled = handled.clone();
                    self.add(&handled, timeline, world)
                }
            };
        }
        true
    }

    fn add(&mut self, handled: &Handled, timeline: &Timeline<R>, world: &World) -> Next {
        let said: Vec<&TraceEvent> = handled.said.iter().map(|line| &line.event).collect();
        self.about.extend(said.iter().flat_map(|event| concerned(event)));
        self.about_any |= said.iter().any(|event| matches!(event, TraceEvent::QuorumProspective { .. }));
        let quiet = handled.said.is_empty() && handled.landed.is_empty();
        let is_client = handled.node >= NodeId::FIRST_CLIENT;
        let on = Next::Scheduled(handled.sequence);
        match handled.occasion {
            // What only carried something on is no link of its own.
            Occasion::World | Occasion::Disk | Occasion::Connection if quiet && !is_client => return on,
            _ => self.links.push(self.link(handled, world)),
        }
        // Whoever asked began it; why it did so is its own affair.
        if is_client {
            return Next::End;
        }
        if matches!(handled.occasion, Occasion::Timer | Occasion::Start) {
            return self.after_timer(handled.number, handled.at, timeline);
        }
        let decided = handled.said.iter().any(|line| decides(&line.event));
        if handled.landed.len() == 1 && decided && self.tries < TRIES {
            self.tries += 1;
            return Next::Try(handled.number);
        }
        on
    }

    /// The last event before another one in which something was said of what is asked.
    fn said_before(&self, number: u64) -> Option<u64> {
        let name = subject(self.asked.question())?;
        let noted = self.noted.iter().find(|noted| noted.causes.event(number).is_some())?;
        let earlier = (0..number).rev().map_while(|number| noted.causes.event(number));
        let says = |event: &&Handled| event.said.iter().any(|line| names(&line.event.to_string(), &name));
        earlier.into_iter().find(says).map(|event| event.number)
    }

    /// The last fault before a moment that names a broker that this is about.
    fn fault_before(&self, timeline: &Timeline<R>, at: Instant) -> Option<Link> {
        let done = timeline.done_before(self.shown.0, self.shown.1).filter(|step| step.at() <= at);
        let found = done.filter_map(|step| Some((step.at(), step.deed.fault()?))).find(|(_, fault)| {
            let mut words = fault.split(|letter: char| !letter.is_ascii_digit());
            self.about_any || words.any(|word| word.parse().is_ok_and(|id: i32| self.about.contains(&id)))
        });
        let (at, fault) = found?;
        Some(Link { at, node: String::new(), what: [fault.clone(), fault], said: Vec::new() })
    }

    fn add_deed(&mut self, stretch: usize, number: u64) {
        let at = self.links.last().map(|link| link.at).or(self.change.as_ref().map(|change| change.at));
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let done = index.and_then(|index| self.noted.get(stretch)?.done.get(index));
        let Some(text) = done.and_then(Deed::told) else { return };
        let at = at.unwrap_or(Instant::ZERO);
        self.links.push(Link { at, node: String::new(), what: [text.clone(), text], said: Vec::new() });
    }

    fn link(&self, handled: &Handled, world: &World) -> Link {
        let name = subject(self.asked.question());
        let mut said: Vec<_> = handled.said.iter().collect();
        // What is about the same thing first.
        said.sort_by_key(|line| !name.as_ref().is_some_and(|name| names(&line.event.to_string(), name)));
        let said = said.into_iter().take(SAID).map(|line| {
            let view = event_view(line);
            let korean = if view.korean.is_empty() { view.text.clone() } else { view.korean };
            [view.text, korean]
        });
        let what = match (handled.landed.first(), handled.occasion) {
            (Some(message), _) => told_message(message, world),
            (None, Occasion::Timer) => timer(),
            (None, Occasion::Start) => ["its process began", "프로세스 시작"].map(ToOwned::to_owned),
            (None, Occasion::Stdin) => ["standard input", "표준 입력"].map(ToOwned::to_owned),
            (None, Occasion::Interrupt) => ["Ctrl-C", "Ctrl-C"].map(ToOwned::to_owned),
            (None, Occasion::Disk) => ["its disk was done", "디스크 작업 완료"].map(ToOwned::to_owned),
            (None, Occasion::Connection) => {
                ["a connection came or went", "연결이 생기거나 끊김"].map(ToOwned::to_owned)
            }
            (None, Occasion::Message | Occasion::World) => {
                ["what had been held up went on", "밀려 있던 것이 이어짐"].map(ToOwned::to_owned)
            }
        };
        Link { at: handled.at, node: self.name_of(handled), what, said: said.collect() }
    }

    /// A client is called what it calls itself in the request that it sent.
    fn name_of(&self, handled: &Handled) -> String {
        if handled.node < NodeId::FIRST_CLIENT {
            return handled.node.to_string();
        }
        let sent = self.noted.iter().flat_map(|noted| {
            let after =
                (handled.number..handled.number + 4_096).filter_map(|number| noted.causes.event(number));
            after.flat_map(|event| &event.landed)
        });
        let mut own = sent.filter(|message| message.from == handled.node && !message.answer);
        match own.next().and_then(Landed::client_id) {
            Some(id) => id,
            None => handled.node.to_string(),
        }
    }

    fn told(&self, timeline: &Timeline<R>, language: Language) -> String {
        let korean = language == Language::Korean;
        let (fact, value) = (self.asked.text(), told_value(self.value.as_ref(), korean));
        let Some(change) = &self.change else {
            let from = clock(timeline.from().as_micros());
            return match korean {
                false => format!(
                    "{fact} is {value}, and has been so since before {from}, the earliest that is kept.\n"
                ),
                true => format!(
                    "{fact} 값은 {value}입니다. 보관된 가장 이른 순간인 {from} 이전부터 그랬습니다.\n"
                ),
            };
        };
        let before = told_value(change.before.as_ref(), korean);
        let (at, events) = (clock(change.at.as_micros()), change.events);
        let mut text = match korean {
            false => format!("{fact} is {value} since {at} (event {events}); before it was {before}.\n"),
            true if change.before.is_none() => {
                format!("{fact} 값은 {at}(이벤트 {events})부터 {value}입니다. 그 전에는 알 수 없었습니다.\n")
            }
            true => {
                format!("{fact} 값은 {at}(이벤트 {events})부터 {value}입니다. 그 전에는 {before}였습니다.\n")
            }
        };
        let width = self.links.iter().map(|link| link.node.chars().count()).max().unwrap_or(0);
        for link in &self.links {
            let what = &link.what[usize::from(korean)];
            let _ = writeln!(text, "  {}  {:width$}  {what}", clock(link.at.as_micros()), link.node);
            // Not in the column above: a narrow console breaks what stands far in.
            for said in &link.said {
                let _ = writeln!(text, "      {}", said[usize::from(korean)]);
            }
        }
        text
    }
}

fn timer() -> [String; 2] {
    ["a timer ran out", "타이머 만료"].map(ToOwned::to_owned)
}

/// Whether it is something that a broker decides, and may decide because of its clocks alone.
fn decides(event: &TraceEvent) -> bool {
    match event {
        TraceEvent::Appended { partition, .. } => partition.starts_with("__"),
        TraceEvent::BrokerFenced { .. }
        | TraceEvent::IsrChanged { .. }
        | TraceEvent::GroupRebalancing { .. }
        | TraceEvent::GroupMemberLeft { .. }
        | TraceEvent::TransactionStateChanged { .. }
        | TraceEvent::QuorumProspective { .. } => true,
        _ => false,
    }
}

fn told_value(value: Option<&Value>, korean: bool) -> String {
    match (value, korean) {
        (Some(value), _) => value.to_string(),
        (None, false) => "not known".to_owned(),
        (None, true) => "알 수 없음".to_owned(),
    }
}

fn told_message(message: &Landed, world: &World) -> [String; 2] {
    let (api, version) = message.api().unwrap_or_default();
    let sender = message.client_id().filter(|_| message.from >= NodeId::FIRST_CLIENT);
    let sender = sender.unwrap_or_else(|| message.from.to_string());
    let partitions = world.partitions_of(message);
    let mut named: Vec<String> =
        partitions.iter().take(PARTITIONS).map(|(topic, number)| format!("{topic}-{number}")).collect();
    if partitions.len() > PARTITIONS {
        named.push(format!("+{}", partitions.len() - PARTITIONS));
    }
    let about = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
    match message.answer {
        false => [
            format!("{api} v{version} from {sender}{about}"),
            format!("{sender}에서 온 {api} v{version}{about}"),
        ],
        true => [
            format!("response to {api} v{version} from {sender}{about}"),
            format!("{sender}에서 온 {api} v{version} 응답{about}"),
        ],
    }
}

/// The partition or the group that a question is about, as the trace names it.
fn subject(question: &Question) -> Option<String> {
    match question {
        Question::Leader((topic, number))
        | Question::Epoch((topic, number))
        | Question::Isr((topic, number))
        | Question::Replicas((topic, number))
        | Question::HighWatermark((topic, number), _)
        | Question::LogEnd((topic, number), _)
        | Question::LogStart((topic, number))
        | Question::LastStable((topic, number))
        | Question::Segments((topic, number))
        | Question::Size((topic, number))
        | Question::Cleaned((topic, number))
        | Question::Codec((topic, number)) => Some(format!("{topic}-{number}")),
        Question::Partitions(topic) | Question::Config(topic, _) => Some(topic.clone()),
        Question::State(group)
        | Question::Generation(group)
        | Question::Members(group)
        | Question::Coordinator(group)
        | Question::Committed(group, _)
        | Question::Idle(group)
        | Question::Assignor(group)
        | Question::Owner(group, _)
        | Question::Lag(group, ..) => Some(group.clone()),
        Question::Up(broker) | Question::Broker(broker) | Question::DiskReads(broker) => {
            Some(format!("broker-{broker}"))
        }
        Question::UnderReplicated(_)
        | Question::Brokers
        | Question::Controller
        | Question::Topics
        | Question::Groups
        | Question::InFlight
        | Question::Time
        | Question::Accumulated(..)
        | Question::Counted(..)
        | Question::Transaction(_)
        | Question::Elapsed
        | Question::Printed(_)
        | Question::Saw(..) => None,
    }
}

/// Whether a text has a name as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// The brokers that something that became true is about, where it is about one that is missed.
fn concerned(event: &TraceEvent) -> Vec<i32> {
    match event {
        TraceEvent::BrokerFenced { broker } | TraceEvent::BrokerShuttingDown { broker } => vec![*broker],
        TraceEvent::IsrChanged { from, to, .. } => {
            from.iter().filter(|id| !to.contains(id)).copied().collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_a_word_only() {
        for (text, name, want) in [
            ("advanced high watermark of orders-0 from 1 to 2", "orders-0", true),
            ("advanced high watermark of orders-01 from 1 to 2", "orders-0", false),
            ("my-orders-0, orders-0", "orders-0", true),
            ("my-orders-0", "orders-0", false),
            ("moved group 주문 from", "주문", true),
        ] {
            assert_eq!(names(text, name), want, "{text}");
        }
    }
}
