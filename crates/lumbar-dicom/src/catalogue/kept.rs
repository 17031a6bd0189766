//! What is kept of each file until its series is arranged: a header is an order of magnitude larger, and a folder may
//! hold a hundred thousand.

use crate::{Acquisition, FrameHeader, Header, PixelFormat, TransferSyntax, Words, identity::Identity};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// One image file.
pub(super) struct KeptFile {
    pub(super) common: Arc<Common>,
    pub(super) sop_instance_uid: Option<Box<str>>,
    pub(super) instance_number: Option<i32>,
    pub(super) frames: Box<[FrameHeader]>,
}

/// What the files of a series mostly say alike.
#[derive(PartialEq)]
pub(super) struct Common {
    pub(super) study_instance_uid: Option<String>,
    pub(super) series_instance_uid: Option<String>,
    pub(super) frame_of_reference_uid: Option<String>,
    pub(super) patient_id: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) has_modality: bool,
    pub(super) manufacturer: Option<String>,
    pub(super) words: Words,
    pub(super) acquisition: Acquisition,
    pub(super) slice_thickness_mm: Option<f64>,
    pub(super) synthetic: bool,
    pub(super) format: PixelFormat,
    pub(super) transfer_syntax: TransferSyntax,
}

/// Keeps each [`Common`] once, and the digests of identities.
#[derive(Default)]
pub(super) struct Keeper {
    commons: Mutex<HashMap<Option<String>, Vec<Arc<Common>>>>,
    digests: Mutex<Vec<[u8; 32]>>,
}

/// Of one series only so many different ones are looked at: a file with values all of its own must not cost more with
/// every file before it.
const MOST_REMEMBERED: usize = 8;

impl Keeper {
    /// Takes what counts; `None` for a header without pixels.
    pub(super) fn keep(&self, header: Header) -> Option<KeptFile> {
        let (mut frames, digest) = (header.frames, header.identity.digest);
        for frame in &mut frames {
            frame.dimension_index = Vec::new();
        }
        let common = Common {
            study_instance_uid: header.study_instance_uid,
            series_instance_uid: header.series_instance_uid,
            frame_of_reference_uid: header.frame_of_reference_uid,
            patient_id: header.identity.patient_id,
            issuer: header.identity.issuer,
            has_modality: header.modality.is_some(),
            synthetic: header.synthetic == Some(true)
                || header.manufacturer.as_deref() == Some("lumbar-phantom"),
            manufacturer: header.manufacturer,
            words: header.words,
            acquisition: header.acquisition,
            slice_thickness_mm: header.slice_thickness_mm,
            format: header.pixel_format?,
            transfer_syntax: header.transfer_syntax,
        };
        self.digests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(digest);
        Some(KeptFile {
            common: self.once(common),
            sop_instance_uid: header.sop_instance_uid.map(String::into_boxed_str),
            instance_number: header.instance_number,
            frames: frames.into_boxed_slice(),
        })
    }

    fn once(&self, common: Common) -> Arc<Common> {
        let mut commons = self.commons.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match commons.get_mut(&common.series_instance_uid) {
            Some(known) => known,
            None => commons.entry(common.series_instance_uid.clone()).or_default(),
        };
        if let Some(same) = known.iter().find(|known| ***known == common) {
            return same.clone();
        }
        if known.len() == MOST_REMEMBERED {
            known.remove(0);
        }
        let common = Arc::new(common);
        known.push(common.clone());
        common
    }

    /// Digests of the identities of all files kept, in no order.
    pub(super) fn into_digests(self) -> Vec<[u8; 32]> {
        self.digests.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Common {
    pub(super) fn identity(&self) -> Identity {
        Identity {
            patient_id: self.patient_id.clone(),
            issuer: self.issuer.clone(),
            digest: [0; 32],
        }
    }
}

impl KeptFile {
    /// What makes two files the same instance, as a digest: UID, number and place. The UID alone does not: careless
    /// de-identification repeats it. `None` without a UID: such a file is never a duplicate.
    pub(super) fn instance(&self) -> Option<[u8; 16]> {
        let uid = self.sop_instance_uid.as_deref()?;
        let mut hash = Sha256::new();
        hash.update(uid);
        hash.update([0]);
        hash.update(self.instance_number.map_or([0; 5], |number| {
            let [a, b, c, d] = number.to_le_bytes();
            [1, a, b, c, d]
        }));
        if let Some(plane) = self.frames.first().and_then(|frame| frame.plane.ok()) {
            let (origin, normal) = (plane.origin(), plane.normal());
            for number in [origin.x, origin.y, origin.z, normal.x, normal.y, normal.z] {
                hash.update(number.to_bits().to_le_bytes());
            }
        }
        hash.finalize().first_chunk().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, MrImage, read_header_bytes};
    use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};

    fn kept(keeper: &Keeper, number: i32, echo_time_ms: f64) -> KeptFile {
        let plane = ImagePlane::new(
            Point::new(f64::from(number), 0.0, 0.0),
            [Vector::new(0.0, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
            PixelSpacing {
                row_mm: 1.0,
                column_mm: 1.0,
            },
            [2, 2],
        )
        .unwrap();
        let image = MrImage {
            instance_number: number,
            echo_time_ms: Some(echo_time_ms),
            ..MrImage::new(["1.2", "1.2.3", "1.2.3.4"], plane, vec![0; 4])
        };
        let bytes = image.to_bytes(TransferSyntax::ExplicitVrLittleEndian).unwrap();
        keeper
            .keep(read_header_bytes(&bytes, &Limits::default()).unwrap())
            .unwrap()
    }

    #[test]
    fn files_of_a_series_share_what_they_have_in_common() {
        let keeper = Keeper::default();
        let [a, b, c] = [(1, 10.0), (2, 10.0), (3, 80.0)].map(|(number, echo)| kept(&keeper, number, echo));
        assert!(Arc::ptr_eq(&a.common, &b.common));
        assert_eq!(c.common.acquisition.echo_time_ms, Some(80.0));
        // A series whose files agree in nothing is kept all the same.
        let all: Vec<_> = (0..100).map(|i| kept(&keeper, 1, f64::from(i))).collect();
        assert_eq!(all[99].common.acquisition.echo_time_ms, Some(99.0));
        assert_eq!(keeper.into_digests().len(), 103);
    }

    #[test]
    fn an_instance_is_its_uid_number_and_place() {
        let keeper = Keeper::default();
        let (one, two) = (kept(&keeper, 1, 10.0), kept(&keeper, 2, 10.0));
        assert_eq!(one.instance(), kept(&keeper, 1, 99.0).instance());
        assert_ne!(one.instance(), two.instance(), "a UID repeated by careless hands");
        let nameless = KeptFile {
            sop_instance_uid: None,
            ..one
        };
        assert_eq!(nameless.instance(), None);
    }
}
