//! The identity of a patient, and the keyed hash that stands for it.

use hmac::{Hmac, KeyInit, Mac};
use lumbar_core::PatientKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// The secret that turns identities into hashes. The same key gives the same hashes, so data sets that are to be
/// joined share one; without it a hash cannot be traced back by trying out identities.
///
/// ```
/// use lumbar_dicom::IdentityKey;
/// let key = IdentityKey::from_secret(b"kept in a safe");
/// assert_eq!(format!("{key:?}"), "IdentityKey(..)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityKey([u8; 32]);

impl IdentityKey {
    /// A key from a secret of any length.
    pub fn from_secret(secret: &[u8]) -> IdentityKey {
        IdentityKey(Sha256::digest(secret).into())
    }

    /// A key that depends on the whole contents of a catalogue and on nothing else: the same files give the same
    /// key, and who does not hold the files cannot compute it.
    pub(crate) fn from_digests(digests: impl Iterator<Item = [u8; 32]>) -> IdentityKey {
        let mut hash = Sha256::new_with_prefix(b"lumbar catalogue key 1");
        for digest in digests {
            hash.update(digest);
        }
        IdentityKey(hash.finalize().into())
    }

    /// Tells keys apart without giving one away: 16 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let mut digits = self.hash("fingerprint", &[]);
        digits.truncate(16);
        digits
    }

    /// 32 hexadecimal digits (128 bits) of HMAC-SHA256; `domain` keeps hashes of different things apart.
    pub(crate) fn hash(&self, domain: &str, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(domain.as_bytes());
        for part in parts {
            // Lengths keep ("ab", "c") and ("a", "bc") apart.
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// How the ids and names of a catalogue were made. Ids of two catalogues can be compared if neither hashed them, or both with
/// the same key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pseudonyms {
    /// [`IdentityKey::fingerprint`] of the key behind every hash; empty if that is not known.
    pub key_fingerprint: String,
    /// The key was given, and not made of the files.
    pub key_given: bool,
    /// UIDs stand as they are.
    pub uids_kept: bool,
    /// Paths stand as they are.
    pub paths_kept: bool,
}

impl Pseudonyms {
    /// Whether the same thing would go by the same id in both: one key made all hashes, or none of `ids` is a hash.
    pub fn comparable<'a>(&self, other: &Pseudonyms, ids: impl IntoIterator<Item = &'a str>) -> bool {
        let same_key = !self.key_fingerprint.is_empty() && self.key_fingerprint == other.key_fingerprint;
        same_key || !ids.into_iter().any(may_be_hash)
    }
}

/// Whether an id looks like a keyed hash.
fn may_be_hash(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Who was imaged. Nothing of it can be read but a keyed hash.
#[derive(Clone, Default)]
pub struct Identity {
    pub(crate) patient_id: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    /// Of all identifying values of the file; feeds the key of a catalogue.
    pub(crate) digest: [u8; 32],
}

impl Identity {
    /// The patient under this key; `None` if the file names no patient.
    pub fn patient_key(&self, key: &IdentityKey) -> Option<PatientKey> {
        let hash = || key.hash("patient", &[&self.patient_id, &self.issuer]);
        (!self.patient_id.is_empty())
            .then(|| PatientKey::new(hash()).expect("hexadecimal digits are a valid id"))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_depend_on_key_domain_and_parts() {
        let key = IdentityKey::from_secret(b"a");
        let hash = key.hash("patient", &[b"ab", b"c"]);
        assert_eq!(hash.len(), 32);
        assert_eq!(hash, key.hash("patient", &[b"ab", b"c"]));
        assert_ne!(hash, key.hash("patient", &[b"a", b"bc"]));
        assert_ne!(hash, key.hash("study", &[b"ab", b"c"]));
        assert!(may_be_hash(&hash) && !may_be_hash("2.25.4003253") && !may_be_hash("4003253"));
        assert!(!hash.starts_with(&key.fingerprint()));
        assert_ne!(key.fingerprint(), IdentityKey::from_secret(b"b").fingerprint());
        assert_ne!(
            hash,
            IdentityKey::from_secret(b"b").hash("patient", &[b"ab", b"c"])
        );
    }

    #[test]
    fn ids_are_comparable_unless_different_keys_hashed_them() {
        let made = |secret: &[u8]| Pseudonyms {
            key_fingerprint: IdentityKey::from_secret(secret).fingerprint(),
            ..Pseudonyms::default()
        };
        let hash = IdentityKey::from_secret(b"a").hash("study", &[b"1.2"]);
        assert!(made(b"a").comparable(&made(b"a"), [hash.as_str()]));
        assert!(made(b"a").comparable(&made(b"b"), ["4003253", "1.2.3"]));
        assert!(!made(b"a").comparable(&made(b"b"), ["4003253", &hash]));
        let unknown = Pseudonyms::default();
        assert!(!unknown.comparable(&unknown, [hash.as_str()]));
    }

    #[test]
    fn identity_is_not_printed() {
        let identity = Identity {
            patient_id: b"CANARY".to_vec(),
            ..Identity::default()
        };
        assert!(!format!("{identity:?}").contains("CANARY"));
        assert!(identity.patient_key(&IdentityKey::from_secret(b"")).is_some());
        assert!(
            Identity::default()
                .patient_key(&IdentityKey::from_secret(b""))
                .is_none()
        );
    }
}
