//! Sums beside values whose bytes nothing else vouches for.

use sha2::{Digest, Sha256};

/// Of a sum: as much of a SHA-256 as accidents cannot hit.
pub(crate) const SUM_BYTES: usize = 8;

/// The sum of a `value` that stands under `key`.
pub(crate) fn sum(key: &[u8], value: &[u8]) -> [u8; SUM_BYTES] {
    let hash = Sha256::new().chain_update((key.len() as u64).to_le_bytes()).chain_update(key);
    let digest = hash.chain_update(value).finalize();
    std::array::from_fn(|index| digest[index])
}
