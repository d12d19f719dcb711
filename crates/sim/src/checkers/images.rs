//! Nodes that have replayed the metadata up to the same offset have the same image.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;

/// The image's digest at each offset, and who showed it first.
#[derive(Clone, Debug, Default)]
pub struct Images {
    at: BTreeMap<i64, (NodeId, u64)>,
    /// The offset that each node showed last: its image is looked at only when that changes.
    last: BTreeMap<NodeId, (u64, i64)>,
}

impl Images {
    /// Whether a node's image is to be looked at, for it is not the one that was seen last.
    pub fn wants(&mut self, node: NodeId, run: u64, offset: i64) -> bool {
        self.last.insert(node, (run, offset)) != Some((run, offset))
    }

    /// Takes the digest of a node's image at an offset.
    ///
    /// # Errors
    /// Another node had another image there.
    pub fn look(&mut self, node: NodeId, offset: i64, digest: u64) -> Result<(), String> {
        let (first, known) = *self.at.entry(offset).or_insert((node, digest));
        if known == digest {
            return Ok(());
        }
        Err(format!("the metadata of {first} and {node} differ at offset {offset}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_differ_at_one_offset_are_found() {
        let mut images = Images::default();
        let (one, two) = (NodeId(1), NodeId(2));
        assert!(images.wants(one, 1, 10) && !images.wants(one, 1, 10) && images.wants(one, 2, 10));
        assert_eq!(images.look(one, 10, 77), Ok(()));
        assert_eq!(images.look(two, 10, 77), Ok(()));
        assert_eq!(images.look(two, 11, 78), Ok(()));
        let error = images.look(one, 11, 79).unwrap_err();
        assert_eq!(error, "the metadata of broker-2 and broker-1 differ at offset 11");
    }
}
