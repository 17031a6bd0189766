//! What counts of a header: first to tell which files belong together, then to arrange a series.

use crate::{Acquisition, FrameHeader, Header, PixelFormat, TransferSyntax, Words, identity::Identity};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// One image file.
pub(super) struct KeptFile {
    pub(super) common: Arc<Common>,
    pub(super) sop_instance_uid: Option<String>,
    pub(super) instance_number: Option<i32>,
    pub(super) frames: Vec<FrameHeader>,
}

/// What the files of a series mostly say alike.
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

/// What is held of a file until its series is read again: a header is a hundred times as large, and a folder may hold
/// hundreds of thousands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brief {
    /// Number of its study and series UIDs.
    pub(super) uids: u32,
    pub(super) instance: Option<Instance>,
}

/// A digest of what makes two files the same instance.
pub(super) type Instance = [u8; 16];

/// StudyInstanceUID and SeriesInstanceUID.
pub(super) type Uids = (Option<String>, Option<String>);

/// Takes files from several threads.
#[derive(Default)]
pub(super) struct Keeper(Mutex<Keeping>);

#[derive(Default)]
struct Keeping {
    digests: Vec<[u8; 32]>,
    uids: HashMap<Uids, u32>,
}

impl Keeper {
    /// `None` for a header without pixels.
    pub(super) fn keep(&self, header: Header) -> Option<Brief> {
        let digest = header.identity.digest;
        let kept = KeptFile::new(header)?;
        let instance = kept.instance();
        let uids = kept.uids();
        let mut keeping = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keeping.digests.push(digest);
        let next = keeping.uids.len() as u32;
        let uids = *keeping.uids.entry(uids).or_insert(next);
        Some(Brief { uids, instance })
    }

    /// UIDs by number, and the digests of identities of all files in no order.
    pub(super) fn finish(self) -> (Vec<Uids>, Vec<[u8; 32]>) {
        let keeping = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut uids = vec![Uids::default(); keeping.uids.len()];
        for (of, number) in keeping.uids {
            uids[number as usize] = of;
        }
        (uids, keeping.digests)
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
    /// `None` for a header without pixels.
    pub(super) fn new(header: Header) -> Option<KeptFile> {
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
        Some(KeptFile {
            common: Arc::new(common),
            sop_instance_uid: header.sop_instance_uid,
            instance_number: header.instance_number,
            frames: header.frames,
        })
    }

    pub(super) fn uids(&self) -> Uids {
        let common = &self.common;
        (
            common.study_instance_uid.clone(),
            common.series_instance_uid.clone(),
        )
    }

    /// What makes two files the same instance, as a digest: UID, number and place. The UID alone does not: careless
    /// de-identification repeats it. `None` without a UID: such a file is never a duplicate.
    pub(super) fn instance(&self) -> Option<Instance> {
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

    fn header(series: &str, number: i32) -> Header {
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
            ..MrImage::new(["1.2", series, "1.2.3.4"], plane, vec![0; 4])
        };
        let bytes = image.to_bytes(TransferSyntax::ExplicitVrLittleEndian).unwrap();
        read_header_bytes(&bytes, &Limits::default()).unwrap()
    }

    #[test]
    fn of_a_file_little_is_held() {
        assert!(size_of::<Option<Brief>>() <= 24);
        let keeper = Keeper::default();
        let numbers = [("1.2.3", 1), ("1.2.5", 1), ("1.2.3", 2)]
            .map(|(series, number)| keeper.keep(header(series, number)).unwrap().uids);
        assert_eq!(numbers, [0, 1, 0]);
        let (uids, digests) = keeper.finish();
        let series: Vec<_> = uids.into_iter().map(|(_, series)| series.unwrap()).collect();
        assert_eq!(
            (series, digests.len()),
            (vec!["1.2.3".to_owned(), "1.2.5".to_owned()], 3)
        );
    }

    #[test]
    fn an_instance_is_its_uid_number_and_place() {
        let kept = |number| KeptFile::new(header("1.2.3", number)).unwrap();
        assert_eq!(kept(1).instance(), kept(1).instance());
        assert_ne!(
            kept(1).instance(),
            kept(2).instance(),
            "a UID repeated by careless hands"
        );
        let nameless = KeptFile {
            sop_instance_uid: None,
            ..kept(1)
        };
        assert_eq!(nameless.instance(), None);
    }
}
