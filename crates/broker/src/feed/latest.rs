//! Keys by when they were last touched.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

pub(super) struct Latest<K> {
    by_version: BTreeMap<u64, K>,
    version_of: HashMap<K, u64>,
}

impl<K> Default for Latest<K> {
    fn default() -> Latest<K> {
        Latest { by_version: BTreeMap::new(), version_of: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash> Latest<K> {
    pub(super) fn put(&mut self, version: u64, key: K) {
        if let Some(old) = self.version_of.insert(key.clone(), version) {
            self.by_version.remove(&old);
        }
        self.by_version.insert(version, key);
    }

    pub(super) fn forget(&mut self, key: &K) {
        if let Some(version) = self.version_of.remove(key) {
            self.by_version.remove(&version);
        }
    }

    pub(super) fn version_of(&self, key: &K) -> Option<u64> {
        self.version_of.get(key).copied()
    }

    /// Those touched after `version`, oldest first.
    pub(super) fn after(&self, version: u64) -> impl Iterator<Item = (u64, &K)> {
        self.by_version.range(version + 1..).map(|(version, key)| (*version, key))
    }
}
