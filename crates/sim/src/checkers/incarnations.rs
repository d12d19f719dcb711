//! A topic that is deleted and created again is another topic: no log of the new one holds a record of the old.
//!
//! Each record says in its value which incarnation of the topic it was written to. A topic's id stands for one
//! incarnation, so all records of all logs with that id must be of the same one.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;
use blumfeld_protocol::Uuid;

/// Which incarnation the records of a topic's id are of.
#[derive(Clone, Default, Debug)]
pub struct Incarnations(BTreeMap<Uuid, (u64, NodeId)>);

impl Incarnations {
    /// Takes the incarnations of a log's records.
    ///
    /// # Errors
    /// Two of them are not the same, or not that of the same topic's other logs.
    pub fn look(
        &mut self,
        partition: &str,
        node: NodeId,
        id: Uuid,
        incarnations: impl Iterator<Item = u64>,
    ) -> Result<(), String> {
        for one in incarnations {
            let (known, at) = *self.0.entry(id).or_insert((one, node));
            if known != one {
                return Err(format!(
                    "{partition} of topic {id} has a record of incarnation {one} at {node}, and of {known} at {at}"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_earlier_incarnation_is_found() {
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut seen = Incarnations::default();
        let mut look = |node, id, of: &[u64]| seen.look("a-0", NodeId(node), id, of.iter().copied());
        assert_eq!(look(1, first, &[7, 7]), Ok(()));
        assert_eq!(look(2, first, &[7]), Ok(()));
        assert_eq!(look(1, second, &[]), Ok(()));
        assert_eq!(look(1, second, &[8, 8]), Ok(()));
        let id = "00000000-0000-0000-0000-000000000002";
        let wanted =
            format!("a-0 of topic {id} has a record of incarnation 7 at broker-2, and of 8 at broker-1");
        assert_eq!(look(2, second, &[8, 7]), Err(wanted));
    }
}
