//! A link as bytes, before they are deflated.

use crate::entry::{BranchEntry, Entry};
use crate::error::{At, LinkError, Problem};
use crate::{Branch, Cluster, Deed, Fork, Lang, Lesson, Link, MAX_NUMBER};

/// Writes a link that was checked.
pub(crate) fn encode(link: &Link) -> Vec<u8> {
    let mut out = Writer::default();
    out.entry(Entry::Seed.tag(), |value| value.number(link.seed));
    out.entry(Entry::Brokers.tag(), |value| value.number(u64::from(link.brokers.unsigned_abs())));
    if link.cluster == Cluster::ZooKeeper {
        out.entry(Entry::Cluster.tag(), |value| value.number(1));
    }
    if link.empty {
        out.entry(Entry::Empty.tag(), |_| {});
    }
    for branch in &link.branches {
        out.entry(Entry::Branch.tag(), |value| encode_branch(branch, value));
    }
    if link.living > 0 {
        out.entry(Entry::Living.tag(), |value| value.index(link.living));
    }
    if let Some(moment) = link.moment {
        out.entry(Entry::Moment.tag(), |value| value.number(moment));
    }
    if let Some(Lesson { id, step }) = &link.lesson {
        out.entry(Entry::Lesson.tag(), |value| {
            value.number(u64::from(*step));
            value.text(id);
        });
    }
    if let Some(lang) = link.lang {
        let number = match lang {
            Lang::En => 0,
            Lang::Ko => 1,
        };
        out.entry(Entry::Lang.tag(), |value| value.number(number));
    }
    for (entry, text) in [(Entry::Place, &link.place), (Entry::Selected, &link.selected)] {
        if let Some(text) = text {
            out.entry(entry.tag(), |value| value.text(text));
        }
    }
    out.0
}

fn encode_branch(Branch { name, fork, deeds }: &Branch, out: &mut Writer) {
    out.entry(BranchEntry::Name.tag(), |value| value.text(name));
    if let Some(Fork { from, at, events, done, seed }) = *fork {
        out.entry(BranchEntry::Fork.tag(), |value| {
            value.index(from);
            value.number(at);
            value.index(done);
            value.maybe(events);
            value.maybe(seed.map(u64::from));
        });
    }
    let Some((first, rest)) = deeds.split_first() else { return };
    out.entry(BranchEntry::Lines.tag(), |value| {
        value.text(&first.line);
        for deed in rest {
            value.text("\n");
            value.text(&deed.line);
        }
    });
    let (mut at, mut known) = begin(fork.as_ref());
    out.entry(BranchEntry::Times.tag(), |value| {
        for deed in deeds {
            value.number(deed.at.saturating_sub(at));
            at = deed.at;
        }
    });
    if deeds.iter().any(|deed| deed.events.is_some()) {
        out.entry(BranchEntry::Events.tag(), |value| {
            for deed in deeds {
                value.maybe(deed.events.map(|events| events.saturating_sub(known)));
                known = deed.events.unwrap_or(known);
            }
        });
    }
}

/// The time and the number of events that the first deed's are counted from.
fn begin(fork: Option<&Fork>) -> (u64, u64) {
    fork.map_or((0, 0), |fork| (fork.at, fork.events.unwrap_or(0)))
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(0x80 | (number & 0x7f) as u8);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn index(&mut self, index: usize) {
        self.number(index as u64);
    }

    fn maybe(&mut self, number: Option<u64>) {
        self.number(number.map_or(0, |number| number.saturating_add(1)));
    }

    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn entry(&mut self, tag: u64, write: impl FnOnce(&mut Writer)) {
        let mut value = Writer::default();
        write(&mut value);
        self.number(tag);
        self.index(value.0.len());
        self.0.append(&mut value.0);
    }
}

/// Reads a link, and leaves it to [`Link::check`] whether that can be.
///
/// # Errors
/// An entry that is unknown, missing, cut, or there twice, and numbers and texts that are none.
pub(crate) fn decode(bytes: &[u8]) -> Result<Link, LinkError> {
    let (mut seed, mut brokers, mut cluster, mut empty) = (None, None, None, None);
    let (mut living, mut moment, mut lesson, mut lang) = (None, None, None, None);
    let (mut place, mut selected, mut branches) = (None, None, Vec::new());
    let mut rest = Reader(bytes);
    while !rest.0.is_empty() {
        let (tag, mut value) = rest.entry()?;
        let Some(entry) = Entry::of(tag) else {
            return Err(Problem::UnknownEntry(tag.to_string()).into());
        };
        let name = entry.name();
        let read = match entry {
            Entry::Seed => value.number().and_then(|number| set(&mut seed, number, name)),
            Entry::Brokers => value.small().and_then(|number: i32| set(&mut brokers, number, name)),
            Entry::Cluster => value
                .one_of(&[Cluster::Kraft, Cluster::ZooKeeper])
                .and_then(|kind| set(&mut cluster, kind, name)),
            Entry::Empty => set(&mut empty, true, name),
            Entry::Branch => {
                branches.push(decode_branch(&mut value, branches.len())?);
                Ok(())
            }
            Entry::Living => value.small().and_then(|number: u32| set(&mut living, number as usize, name)),
            Entry::Moment => value.number().and_then(|number| set(&mut moment, number, name)),
            Entry::Lesson => value.lesson().and_then(|found| set(&mut lesson, found, name)),
            Entry::Lang => value.one_of(&[Lang::En, Lang::Ko]).and_then(|found| set(&mut lang, found, name)),
            Entry::Place => value.text().and_then(|text| set(&mut place, text, name)),
            Entry::Selected => value.text().and_then(|text| set(&mut selected, text, name)),
        };
        read.and_then(|()| value.ended()).map_err(|problem| At::Entry(name).with(problem))?;
    }
    let missing = |entry: Entry| Problem::Missing(entry.name().to_owned());
    Ok(Link {
        seed: seed.ok_or_else(|| missing(Entry::Seed))?,
        brokers: brokers.ok_or_else(|| missing(Entry::Brokers))?,
        cluster: cluster.unwrap_or_default(),
        empty: empty.unwrap_or(false),
        branches,
        living: living.unwrap_or(0),
        moment,
        lesson,
        lang,
        place,
        selected,
    })
}

/// Reads the branch of this number.
fn decode_branch(rest: &mut Reader<'_>, number: usize) -> Result<Branch, LinkError> {
    let at_branch = |problem| At::Branch(number).with(problem);
    let (mut name, mut fork, mut lines, mut times, mut events) = (None, None, None, None, None);
    while !rest.0.is_empty() {
        let (tag, mut value) = rest.entry().map_err(at_branch)?;
        let Some(entry) = BranchEntry::of(tag) else {
            return Err(at_branch(Problem::UnknownEntry(tag.to_string())));
        };
        let read = match entry {
            BranchEntry::Name => value.text().and_then(|text| set(&mut name, text, entry.name())),
            BranchEntry::Fork => value.fork().and_then(|found| set(&mut fork, found, entry.name())),
            BranchEntry::Lines => value.text().and_then(|text| set(&mut lines, text, entry.name())),
            // How many there are is known once the lines are.
            BranchEntry::Times => set(&mut times, value.take_all(), entry.name()),
            BranchEntry::Events => set(&mut events, value.take_all(), entry.name()),
        };
        read.and_then(|()| value.ended()).map_err(at_branch)?;
    }
    let missing = |entry: BranchEntry| at_branch(Problem::Missing(entry.name().to_owned()));
    let name = name.ok_or_else(|| missing(BranchEntry::Name))?;
    let deeds = decode_deeds(fork.as_ref(), lines, times, events).map_err(at_branch)?;
    Ok(Branch { name, fork, deeds })
}

fn decode_deeds(
    fork: Option<&Fork>,
    lines: Option<String>,
    times: Option<Reader<'_>>,
    events: Option<Reader<'_>>,
) -> Result<Vec<Deed>, Problem> {
    let (mut at, mut known) = begin(fork);
    let mut times = times.unwrap_or(Reader(&[]));
    let mut events = events;
    let mut deeds = Vec::new();
    for line in lines.iter().flat_map(|lines| lines.split('\n')) {
        if times.0.is_empty() {
            return Err(Problem::Uneven);
        }
        at = sum(at, times.number()?)?;
        let mut events_then = None;
        if let Some(events) = &mut events {
            if events.0.is_empty() {
                return Err(Problem::Uneven);
            }
            if let Some(more) = events.maybe()? {
                known = sum(known, more)?;
                events_then = Some(known);
            }
        }
        deeds.push(Deed { at, events: events_then, line: line.to_owned() });
    }
    let left = !times.0.is_empty() || events.is_some_and(|events| !events.0.is_empty());
    if left { Err(Problem::Uneven) } else { Ok(deeds) }
}

/// The sum, if it is at most [`MAX_NUMBER`].
fn sum(one: u64, other: u64) -> Result<u64, Problem> {
    let sum = one.saturating_add(other);
    if sum > MAX_NUMBER { Err(Problem::Value(sum.to_string())) } else { Ok(sum) }
}

fn set<T>(place: &mut Option<T>, value: T, name: &str) -> Result<(), Problem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::Twice(name.to_owned())),
    }
}

/// Bytes that are not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A number as it stands there.
    fn any_number(&mut self) -> Result<u64, Problem> {
        let mut number = 0;
        // 54 bits, for what may be missing is one more than it is, are in 8 bytes.
        for shift in (0..56).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Problem::Cut)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Problem::Value(format!("{number}...")))
    }

    /// A number, at most [`MAX_NUMBER`].
    fn number(&mut self) -> Result<u64, Problem> {
        sum(self.any_number()?, 0)
    }

    /// A number that a smaller type holds.
    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Problem> {
        let number = self.number()?;
        T::try_from(number).map_err(|_| Problem::Value(number.to_string()))
    }

    fn maybe(&mut self) -> Result<Option<u64>, Problem> {
        self.any_number()?.checked_sub(1).map(|number| sum(number, 0)).transpose()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Result<T, Problem> {
        let number = self.number()?;
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        all.get(index).copied().ok_or_else(|| Problem::Value(number.to_string()))
    }

    fn take_all(&mut self) -> Reader<'a> {
        Reader(std::mem::take(&mut self.0))
    }

    /// A text up to the end.
    fn text(&mut self) -> Result<String, Problem> {
        let text = std::str::from_utf8(self.take_all().0).map_err(|_| Problem::Utf8)?;
        Ok(text.to_owned())
    }

    fn lesson(&mut self) -> Result<Lesson, Problem> {
        Ok(Lesson { step: self.small()?, id: self.text()? })
    }

    fn fork(&mut self) -> Result<Fork, Problem> {
        let from = self.small::<u32>()? as usize;
        let at = self.number()?;
        let done = self.small::<u32>()? as usize;
        let events = self.maybe()?;
        let seed = match self.maybe()? {
            None => None,
            Some(seed) => Some(u32::try_from(seed).map_err(|_| Problem::Value(seed.to_string()))?),
        };
        Ok(Fork { from, at, events, done, seed })
    }

    /// A tag and its value.
    fn entry(&mut self) -> Result<(u64, Reader<'a>), Problem> {
        let tag = self.number()?;
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let (value, rest) = self.0.split_at_checked(length).ok_or(Problem::Cut)?;
        self.0 = rest;
        Ok((tag, Reader(value)))
    }

    /// That nothing is left of a value.
    fn ended(&self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::Longer) }
    }
}
