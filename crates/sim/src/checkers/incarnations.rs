//! A topic that is deleted and created again is another topic: no log of the new one holds a record of the old.
//!
//! Each record says in its value for which incarnation of the topic it was sent, and a topic's id stands for one. The
//! other way round is right: who asks a broker that does not know of the deletion yet is told the old id, and a leader
//! that does not know either takes the record. It is lost with the old topic.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;
use blumfeld_protocol::Uuid;

/// Which incarnation a topic's id stands for.
#[derive(Clone, Default, Debug)]
pub struct Incarnations(BTreeMap<Uuid, u64>);

impl Incarnations {
    /// Somebody knows of a topic of this id while `incarnation` is the last that was asked for.
    pub fn known(&mut self, id: Uuid, incarnation: u64) {
        self.0.entry(id).or_insert(incarnation);
    }

    /// Looks at the incarnations that a log's records were sent for.
    ///
    /// # Errors
    /// One of them was deleted before the topic of this id was created.
    pub fn look(
        &self,
        partition: &str,
        node: NodeId,
        id: Uuid,
        mut incarnations: impl Iterator<Item = u64>,
    ) -> Result<(), String> {
        let Some(known) = self.0.get(&id) else { return Ok(()) };
        incarnations.find(|one| one < known).map_or(Ok(()), |one| {
            Err(format!(
                "{partition} of topic {id}, which is incarnation {known}, has a record of incarnation {one} at {node}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_earlier_incarnation_is_found() {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut seen = Incarnations::default();
        seen.known(first, 7);
        seen.known(first, 8);
        seen.known(second, 8);
        let look = |node, id, of: &[u64]| seen.look("a-0", NodeId(node), id, of.iter().copied());
        assert_eq!(look(1, first, &[7, 7]), Ok(()));
        assert_eq!(look(2, first, &[7, 8]), Ok(()));
        assert_eq!(look(1, second, &[]), Ok(()));
        assert_eq!(look(1, second, &[8, 8]), Ok(()));
        let id = "00000000-0000-0000-0000-000000000002";
        let wanted =
            format!("a-0 of topic {id}, which is incarnation 8, has a record of incarnation 7 at broker-2");
        assert_eq!(look(2, second, &[8, 7]), Err(wanted));
    }
}
