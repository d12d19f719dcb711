//! A sequence that grows at its end and is cheap to copy: what two copies have in common they share.
//!
//! Logs grow by appends, and whoever keeps an earlier state of a world keeps almost the same log. Elements lie in
//! chunks behind reference counts; a copy counts the chunks once more, and only the last chunk is copied when one of
//! the two goes on. With chunks of [`CHUNK`] elements, a copy of a hundred thousand elements touches a few hundred
//! words.

use std::sync::Arc;

/// Elements of a chunk: all but the last have so many.
const CHUNK: usize = 256;

/// The sequence.
#[derive(Clone, Debug)]
pub struct Pile<T> {
    /// None is empty.
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Pile<T> {
    fn default() -> Pile<T> {
        Pile { chunks: Vec::new(), len: 0 }
    }
}

impl<T: PartialEq> PartialEq for Pile<T> {
    fn eq(&self, other: &Pile<T>) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for Pile<T> {}

impl<T> Pile<T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at a place.
    pub fn get(&self, at: usize) -> Option<&T> {
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }

    /// The first one.
    pub fn first(&self) -> Option<&T> {
        self.get(0)
    }

    /// The last one.
    pub fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// How many at the beginning the predicate holds for, which holds for none behind one for which it does not.
    pub fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(&holds));
        self.chunks.get(chunk).map_or(self.len, |found| chunk * CHUNK + found.partition_point(holds))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.iter_from(0)
    }

    /// Those from a place on.
    pub fn iter_from(&self, at: usize) -> impl DoubleEndedIterator<Item = &T> + Clone {
        let first = (at / CHUNK).min(self.chunks.len());
        let (head, rest) = match self.chunks[first..].split_first() {
            Some((head, rest)) => (head.get(at % CHUNK..).unwrap_or_default(), rest),
            None => (Default::default(), Default::default()),
        };
        head.iter().chain(rest.iter().flat_map(|chunk| chunk.iter()))
    }
}

impl<T: Clone> Pile<T> {
    /// Adds one at the end.
    pub fn push(&mut self, element: T) {
        match self.chunks.last_mut().filter(|chunk| chunk.len() < CHUNK) {
            Some(chunk) => Arc::make_mut(chunk).push(element),
            None => self.chunks.push(Arc::new(vec![element])),
        }
        self.len += 1;
    }

    /// Takes the last one away.
    pub fn pop(&mut self) -> Option<T> {
        let chunk = Arc::make_mut(self.chunks.last_mut()?);
        let element = chunk.pop();
        if chunk.is_empty() {
            self.chunks.pop();
        }
        self.len -= usize::from(element.is_some());
        element
    }

    /// Leaves the first `len`.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.chunks.truncate(len.div_ceil(CHUNK));
        if let Some(last) = self.chunks.last_mut()
            && !len.is_multiple_of(CHUNK)
        {
            Arc::make_mut(last).truncate(len % CHUNK);
        }
        self.len = len;
    }
}

impl<T: Clone> FromIterator<T> for Pile<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Pile<T> {
        let mut pile = Pile::default();
        elements.into_iter().for_each(|element| pile.push(element));
        pile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prng;

    #[test]
    fn it_is_a_vector_whose_copies_go_their_own_ways() {
        let mut rng = Prng::new(1, "pile");
        let (mut pile, mut vector): (Pile<u64>, Vec<u64>) = (Pile::default(), Vec::new());
        let mut kept = Vec::new();
        for number in 0..20_000 {
            match rng.below(100) {
                0 => {
                    let len = usize::try_from(rng.below(vector.len() as u64 + 2)).unwrap();
                    pile.truncate(len);
                    vector.truncate(len);
                }
                1..10 => assert_eq!(pile.pop(), vector.pop()),
                10 => kept.push((pile.clone(), vector.clone())),
                _ => {
                    pile.push(number);
                    vector.push(number);
                }
            }
            assert_eq!(
                (pile.len(), pile.first(), pile.last()),
                (vector.len(), vector.first(), vector.last())
            );
            let at = usize::try_from(rng.below(vector.len() as u64 + 300)).unwrap();
            assert_eq!(pile.get(at), vector.get(at));
            let below = |element: &u64| *element < number / 2;
            assert_eq!(pile.partition_point(below), vector.partition_point(below));
            if rng.chance(1, 50) {
                let from = vector.get(at..).unwrap_or_default();
                assert!(pile.iter_from(at).eq(from), "from {at} of {}", vector.len());
                assert!(pile.iter().rev().eq(vector.iter().rev()));
            }
        }
        for (pile, vector) in kept {
            assert!(pile.iter().eq(&vector));
            assert_eq!(pile, vector.into_iter().collect());
        }
    }
}
