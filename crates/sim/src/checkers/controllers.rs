//! There is at most one active controller an epoch.

use std::collections::BTreeMap;

use blumfeld_kernel::NodeId;

use super::Seen;

/// Who was the active controller in which epoch.
#[derive(Clone, Debug, Default)]
pub struct Controllers(BTreeMap<i32, NodeId>);

impl Controllers {
    /// Takes what a node shows.
    ///
    /// # Errors
    /// Another node was the active controller in this epoch.
    pub fn look(&mut self, seen: &Seen) -> Result<(), String> {
        let Some(epoch) = seen.active_controller else { return Ok(()) };
        let controller = *self.0.entry(epoch).or_insert(seen.node);
        if controller == seen.node {
            return Ok(());
        }
        Err(format!("{controller} and {} are both active controllers in epoch {epoch}", seen.node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers::seen::tests::node;

    #[test]
    fn two_active_controllers_of_an_epoch_are_found() {
        let active = |id, epoch| Seen { active_controller: Some(epoch), ..node(id, Vec::new()) };
        let mut controllers = Controllers::default();
        assert_eq!(controllers.look(&active(1, 5)), Ok(()));
        assert_eq!(controllers.look(&active(2, 6)), Ok(()));
        assert_eq!(controllers.look(&active(1, 5)), Ok(()), "one that has not heard of it");
        assert!(controllers.look(&active(3, 6)).is_err_and(|error| error.contains("in epoch 6")));
    }
}
