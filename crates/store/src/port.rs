//! What a store has to be able to do: bytes under keys, and one manifest.

use std::rc::Rc;

use bytes::Bytes;

use crate::manifest::Manifest;

/// Why a store did not do what it was told.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room left.
    #[error("the browser's storage is full: {0}")]
    Quota(String),
    /// A newer writer has claimed the store.
    #[error("another writer has taken over (epoch {theirs} after {ours})")]
    Fenced {
        /// This writer's epoch.
        ours: u64,
        /// The newer one.
        theirs: u64,
    },
    /// What is stored cannot be read.
    #[error("the stored cluster cannot be read: {0}")]
    Damaged(String),
    /// Anything else, in the store's own words.
    #[error("the browser's storage failed: {0}")]
    Failed(String),
}

/// A manifest, which becomes text where a store needs it: one in memory holds thousands that nobody reads.
#[derive(Clone, Debug)]
pub struct ManifestText(Text);

#[derive(Clone, Debug)]
enum Text {
    Of(Rc<Manifest>),
    Bytes(Bytes),
}

impl ManifestText {
    pub(crate) fn of(manifest: &Rc<Manifest>) -> ManifestText {
        ManifestText(Text::Of(Rc::clone(manifest)))
    }

    /// Its bytes, JSON in UTF-8.
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Text::Of(manifest) => manifest.to_json().into(),
            Text::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Default for ManifestText {
    fn default() -> ManifestText {
        Bytes::new().into()
    }
}

impl From<Bytes> for ManifestText {
    fn from(bytes: Bytes) -> ManifestText {
        ManifestText(Text::Bytes(bytes))
    }
}

/// Changes that become true together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Values to write, each under its key.
    pub puts: Vec<(String, Bytes)>,
    /// Keys of values to delete.
    pub deletes: Vec<String>,
    /// The manifest, written last.
    pub manifest: ManifestText,
    /// Whether to wait until the device has it, and not only the operating system.
    pub durable: bool,
}

/// A store.
#[allow(async_fn_in_trait, reason = "used in one thread, by code that knows the type")]
pub trait Port {
    /// Becomes the only writer; gives the new epoch. Writers of earlier epochs are fenced off from here on.
    async fn claim(&self) -> Result<u64, StoreError>;

    /// The manifest, if anything was ever committed.
    async fn manifest(&self) -> Result<Option<Bytes>, StoreError>;

    /// The values of these keys, in their order; `None` for one that is not there.
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Does all of a batch or nothing of it.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if another writer has claimed the store since `epoch`.
    async fn commit(&self, epoch: u64, batch: Batch) -> Result<(), StoreError>;

    /// Deletes everything but the epoch.
    async fn clear(&self, epoch: u64) -> Result<(), StoreError>;
}
