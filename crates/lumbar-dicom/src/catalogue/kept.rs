//! What is kept of each file until its series is arranged: some seventy bytes, and what files of a series say alike once. A
//! header is a hundred times as large, and a folder may hold hundreds of thousands.

use super::{Window, uid};
use crate::{
    Acquisition, FrameHeader, Header, NoPlane, PixelFormat, TransferSyntax, Words, identity::Identity,
};
use lumbar_core::{ImagePlane, Point};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    num::NonZeroU64,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One image file.
pub(super) struct KeptFile {
    pub(super) common: Arc<Common>,
    pub(super) sop_instance_uid: Option<String>,
    pub(super) instance_number: Option<i32>,
    pub(super) frames: Vec<FrameHeader>,
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

/// All files kept.
#[derive(Default)]
pub(super) struct Kept {
    /// One after the other, as [`Kept::add`] writes them.
    records: Vec<u8>,
    commons: Vec<Arc<Common>>,
    /// Of single-frame files, at the origin and without a window: these differ.
    frames: Vec<FrameHeader>,
    /// Those of multi-frame files.
    several: Vec<Box<[FrameHeader]>>,
}

/// Where a file stands among those kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot(NonZeroU64);

/// What a record holds beside its two numbers.
mod holds {
    pub(super) const UID: u8 = 1;
    pub(super) const NUMBER: u8 = 2;
    pub(super) const ORIGIN: u8 = 4;
    pub(super) const WINDOW: u8 = 8;
    /// The frames of a multi-frame file.
    pub(super) const SEVERAL: u8 = 16;
}

/// Takes files from several threads.
#[derive(Default)]
pub(super) struct Keeper(Mutex<Keeping>);

#[derive(Default)]
struct Keeping {
    kept: Kept,
    digests: Vec<[u8; 32]>,
    /// By SeriesInstanceUID.
    alike: HashMap<Option<String>, Alike>,
}

/// What files of one series said so far, by number.
#[derive(Default)]
struct Alike {
    commons: Vec<u32>,
    frames: Vec<u32>,
}

/// Of one series only so many different ones are looked at: a file with values all of its own must not cost more with
/// every file before it.
const MOST_REMEMBERED: usize = 8;

impl Keeper {
    /// Takes what counts; `None` for a header without pixels.
    pub(super) fn keep(&self, header: Header) -> Option<Slot> {
        let digest = header.identity.digest;
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
        let mut frames = header.frames;
        for frame in &mut frames {
            frame.dimension_index = Vec::new();
        }
        let uid = header.sop_instance_uid.as_deref();
        let mut keeping = self.lock();
        let Keeping { kept, digests, alike } = &mut *keeping;
        digests.push(digest);
        let alike = match alike.get_mut(&common.series_instance_uid) {
            Some(alike) => alike,
            None => alike.entry(common.series_instance_uid.clone()).or_default(),
        };
        Some(kept.add((uid, header.instance_number), common, frames, alike))
    }

    fn lock(&self) -> MutexGuard<'_, Keeping> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All files, and the digests of their identities in no order.
    pub(super) fn finish(self) -> (Kept, Vec<[u8; 32]>) {
        let keeping = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (keeping.kept, keeping.digests)
    }
}

impl Kept {
    fn add(
        &mut self,
        (uid, number): (Option<&str>, Option<i32>),
        common: Common,
        mut frames: Vec<FrameHeader>,
        alike: &mut Alike,
    ) -> Slot {
        let start = self.records.len();
        let common = once((&mut self.commons, &mut alike.commons), Arc::new(common));
        let (mut origin, mut window) = (None, None);
        let (frame, several) = match frames.pop() {
            Some(mut frame) if frames.is_empty() => {
                origin = frame.plane.ok().map(|plane| plane.origin());
                window = frame.window.take();
                frame.plane = at(frame.plane, Some(Point::new(0.0, 0.0, 0.0)));
                (once((&mut self.frames, &mut alike.frames), frame), 0)
            }
            last => {
                frames.extend(last);
                self.several.push(frames.into_boxed_slice());
                (self.several.len() as u32 - 1, holds::SEVERAL)
            }
        };
        let records = &mut self.records;
        records.push(several);
        records.extend([common, frame].into_iter().flat_map(u32::to_le_bytes));
        let mut flags = several;
        if uid.is_some_and(|uid| uid::pack(uid, records).is_some()) {
            flags |= holds::UID;
        }
        if let Some(number) = number {
            flags |= holds::NUMBER;
            records.extend(number.to_le_bytes());
        }
        if let Some(Point { x, y, z }) = origin {
            flags |= holds::ORIGIN;
            records.extend([x, y, z].into_iter().flat_map(f64::to_le_bytes));
        }
        if let Some(Window { center, width }) = window {
            flags |= holds::WINDOW;
            records.extend([center, width].into_iter().flat_map(f64::to_le_bytes));
        }
        records[start] = flags;
        Slot(NonZeroU64::MIN.saturating_add(start as u64))
    }

    /// A file as it was kept.
    pub(super) fn file(&self, slot: Slot) -> KeptFile {
        self.read(slot)
            .expect("a slot is where a whole record was written")
    }

    fn read(&self, slot: Slot) -> Option<KeptFile> {
        let mut record = self.records.get(slot.0.get() as usize - 1..)?;
        let [flags] = take(&mut record)?;
        let [common, frame] =
            [take(&mut record)?, take(&mut record)?].map(|number| u32::from_le_bytes(number) as usize);
        let holds = |what| flags & what != 0;
        let sop_instance_uid = match holds(holds::UID) {
            true => Some(uid::unpack(&mut record)?),
            false => None,
        };
        let instance_number = match holds(holds::NUMBER) {
            true => Some(i32::from_le_bytes(take(&mut record)?)),
            false => None,
        };
        let origin = match holds(holds::ORIGIN) {
            true => Some(Point::new(
                number(&mut record)?,
                number(&mut record)?,
                number(&mut record)?,
            )),
            false => None,
        };
        let window = match holds(holds::WINDOW) {
            true => Some(Window {
                center: number(&mut record)?,
                width: number(&mut record)?,
            }),
            false => None,
        };
        let frames = if holds(holds::SEVERAL) {
            self.several.get(frame)?.to_vec()
        } else {
            let shared = self.frames.get(frame)?;
            vec![FrameHeader {
                plane: at(shared.plane, origin),
                window,
                ..shared.clone()
            }]
        };
        Some(KeptFile {
            common: self.commons.get(common)?.clone(),
            sop_instance_uid,
            instance_number,
            frames,
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn number(bytes: &mut &[u8]) -> Option<f64> {
    take(bytes).map(f64::from_le_bytes)
}

/// The number of `value` among all, or of what is remembered and equal to it.
fn once<T: Alikeness>((all, remembered): (&mut Vec<T>, &mut Vec<u32>), value: T) -> u32 {
    if let Some(same) = remembered
        .iter()
        .find(|known| all[**known as usize].is_same(&value))
    {
        return *same;
    }
    if remembered.len() == MOST_REMEMBERED {
        remembered.remove(0);
    }
    let number = all.len() as u32;
    all.push(value);
    remembered.push(number);
    number
}

/// Equality to the bit: 0 and -0 are told apart, or which of them stands in the catalogue would depend on which file was
/// read first.
trait Alikeness: PartialEq {
    /// Numbers that may be zero.
    fn numbers(&self) -> impl Iterator<Item = f64>;

    fn is_same(&self, other: &Self) -> bool {
        let bits = |value| Self::numbers(value).map(f64::to_bits);
        self == other && bits(self).eq(bits(other))
    }
}

impl Alikeness for Arc<Common> {
    fn numbers(&self) -> impl Iterator<Item = f64> {
        let of = &self.acquisition;
        let numbers = [
            of.repetition_time_ms,
            of.echo_time_ms,
            of.inversion_time_ms,
            of.flip_angle_deg,
            of.field_strength_t,
            self.slice_thickness_mm,
        ];
        numbers.into_iter().flatten()
    }
}

impl Alikeness for FrameHeader {
    fn numbers(&self) -> impl Iterator<Item = f64> {
        let directions = self.plane.iter().flat_map(|plane| {
            let (row, column) = (plane.row_direction(), plane.column_direction());
            [row.x, row.y, row.z, column.x, column.y, column.z]
        });
        let rescale = self
            .rescale
            .into_iter()
            .flat_map(|rescale| [rescale.slope, rescale.intercept]);
        directions.chain(rescale).chain(self.echo_time_ms)
    }
}

fn at(plane: Result<ImagePlane, NoPlane>, origin: Option<Point>) -> Result<ImagePlane, NoPlane> {
    match origin {
        Some(origin) => Ok(plane?.with_origin(origin)?),
        None => plane,
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
        kept_of(keeper, header(number, echo_time_ms, 0.0))
    }

    fn kept_of(keeper: &Keeper, header: Header) -> KeptFile {
        let slot = keeper.keep(header).unwrap();
        keeper.lock().kept.file(slot)
    }

    fn header(number: i32, echo_time_ms: f64, zero: f64) -> Header {
        let plane = ImagePlane::new(
            Point::new(f64::from(number), -0.5, 0.0),
            [Vector::new(zero, 1.0, 0.0), Vector::new(0.0, 0.0, -1.0)],
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
        let mut header = read_header_bytes(&bytes, &Limits::default()).unwrap();
        // Our own writer has no -0; others do.
        header.frames[0].plane = Ok(plane);
        header
    }

    #[test]
    fn frames_come_back_to_the_bit() {
        let keeper = Keeper::default();
        let mut headers: Vec<Header> = [0.0, -0.0].map(|zero| header(3, 10.0, zero)).into();
        for window in [
            None,
            Some(Window {
                center: 40.0,
                width: 401.0,
            }),
        ] {
            let mut of_window = header(4, 20.0, 0.0);
            of_window.frames[0].window = window;
            of_window.frames[0].echo_time_ms = Some(20.0);
            headers.push(of_window);
        }
        let mut several = header(5, 10.0, 0.0);
        several.frames.push(several.frames[0].clone());
        headers.push(several);
        let signs = |frame: &FrameHeader| frame.plane.unwrap().row_direction().x.is_sign_negative();
        for header in headers {
            let kept = kept_of(&keeper, header.clone());
            assert_eq!(kept.frames, header.frames);
            assert_eq!(signs(&kept.frames[0]), signs(&header.frames[0]));
            assert_eq!(kept.sop_instance_uid, header.sop_instance_uid);
            assert_eq!(kept.instance_number, header.instance_number);
        }
        let (kept, digests) = keeper.finish();
        assert_eq!(
            kept.frames.len(),
            3,
            "one for each zero and one for the other echo"
        );
        assert_eq!((kept.several.len(), digests.len()), (1, 5));
    }

    #[test]
    fn files_of_a_series_share_what_they_have_in_common() {
        let keeper = Keeper::default();
        assert_eq!(size_of::<Option<Slot>>(), 8);
        let [a, b, c] = [(1, 10.0), (2, 10.0), (3, 80.0)].map(|(number, echo)| kept(&keeper, number, echo));
        assert!(Arc::ptr_eq(&a.common, &b.common));
        assert_eq!(c.common.acquisition.echo_time_ms, Some(80.0));
        // A series whose files agree in nothing is kept all the same.
        let all: Vec<_> = (0..100).map(|i| kept(&keeper, 1, f64::from(i))).collect();
        assert_eq!(all[99].common.acquisition.echo_time_ms, Some(99.0));
        let (kept, digests) = keeper.finish();
        assert_eq!(digests.len(), 103);
        assert!(kept.records.len() < 103 * 50, "{} bytes", kept.records.len());
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
