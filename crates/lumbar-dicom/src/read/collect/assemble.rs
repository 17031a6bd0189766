//! A [`Header`] out of what was collected: defaults, limits, and for each frame its own values before the shared ones.

use super::{Collector, Group};
use crate::{
    FrameHeader, Header, HeaderWarning, Limits, NoPlane, Photometric, PixelFormat, ReadError, Rescale,
    Window, read::record::FileFacts, tag,
};
use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use sha2::Digest;

impl Collector {
    pub(in crate::read) fn finish(mut self, file: FileFacts, limits: &Limits) -> Result<Header, ReadError> {
        let FileFacts {
            syntax,
            media_storage_sop_class,
            mut warnings,
            location,
        } = file;
        let pixel_format = match &location {
            Some(_) => Some(self.pixel_format(limits, &mut warnings)?),
            None => None,
        };
        let frames = pixel_format
            .as_ref()
            .map_or(Vec::new(), |format| self.frames(format, &mut warnings));
        if self.unreadable_number {
            warnings.push(HeaderWarning::UnreadableNumber);
        }
        self.identity.digest = self.identity_hash.finalize().into();
        let thickness = self
            .top
            .thickness_mm
            .or(self.shared.thickness_mm)
            .or(self.per_frame.first().and_then(|g| g.thickness_mm));
        if self.acquisition.echo_time_ms.is_none() {
            self.acquisition.echo_time_ms = frames.first().and_then(|frame| frame.echo_time_ms);
        }
        Ok(Header {
            transfer_syntax: syntax,
            sop_class_uid: self.sop_class_uid.or(media_storage_sop_class),
            sop_instance_uid: self.sop_instance_uid,
            study_instance_uid: self.study_instance_uid,
            series_instance_uid: self.series_instance_uid,
            frame_of_reference_uid: self.frame_of_reference_uid,
            identity: self.identity,
            modality: self.modality,
            image_type: self.image_type,
            manufacturer: self.manufacturer,
            series_number: self.series_number,
            instance_number: self.instance_number,
            words: self.words,
            acquisition: self.acquisition,
            patient_position: self.patient_position,
            slice_thickness_mm: thickness,
            spacing_between_slices_mm: self.spacing_between_slices_mm,
            burned_in_annotation: self.burned_in_annotation,
            synthetic: self.synthetic,
            pixel_format,
            frames,
            warnings,
            pixel_location: location,
        })
    }

    fn pixel_format(
        &self,
        limits: &Limits,
        warnings: &mut Vec<HeaderWarning>,
    ) -> Result<PixelFormat, ReadError> {
        let need = |value: Option<u16>, tag| value.ok_or(ReadError::Missing { tag });
        let rows = u32::from(need(self.rows, tag::ROWS)?);
        let columns = u32::from(need(self.columns, tag::COLUMNS)?);
        let bits_allocated = need(self.bits_allocated, tag::BITS_ALLOCATED)?;
        for (value, tag) in [(rows, tag::ROWS), (columns, tag::COLUMNS)] {
            if value == 0 {
                return Err(ReadError::Invalid {
                    tag,
                    expected: "1 or more",
                });
            }
        }
        if rows.max(columns) > limits.max_rows_columns {
            return Err(ReadError::ImageTooLarge {
                rows,
                columns,
                limit: limits.max_rows_columns,
            });
        }
        let n_frames = match self.n_frames.unwrap_or(1) {
            // Zero frames with pixel data is met in single-frame files.
            0 => 1,
            n if n < 0 => {
                return Err(ReadError::Invalid {
                    tag: tag::NUMBER_OF_FRAMES,
                    expected: "a positive number",
                });
            }
            n => n as u32,
        };
        if n_frames > limits.max_frames {
            return Err(ReadError::TooManyFrames {
                found: u64::from(n_frames),
                limit: limits.max_frames,
            });
        }
        if !matches!(bits_allocated, 1 | 8 | 16 | 32 | 64) {
            return Err(ReadError::Invalid {
                tag: tag::BITS_ALLOCATED,
                expected: "1, 8, 16, 32 or 64",
            });
        }
        let bits_stored = self.bits_stored.unwrap_or(bits_allocated);
        if bits_stored == 0 || bits_stored > bits_allocated {
            return Err(ReadError::Invalid {
                tag: tag::BITS_STORED,
                expected: "1 to BitsAllocated",
            });
        }
        let samples_per_pixel = self.samples_per_pixel.unwrap_or(1);
        if !(1..=4).contains(&samples_per_pixel) {
            return Err(ReadError::Invalid {
                tag: tag::SAMPLES_PER_PIXEL,
                expected: "1 to 4",
            });
        }
        let high_bit = match self.high_bit {
            Some(high_bit) if high_bit < bits_allocated && high_bit + 1 >= bits_stored => high_bit,
            None => bits_stored - 1,
            Some(_) => {
                warnings.push(HeaderWarning::HighBitIgnored);
                bits_stored - 1
            }
        };
        let photometric = match self.photometric.as_deref() {
            Some("MONOCHROME1") => Some(Photometric::Monochrome1),
            Some("MONOCHROME2") => Some(Photometric::Monochrome2),
            None if samples_per_pixel == 1 => Some(Photometric::Monochrome2),
            _ => None,
        };
        let padding = self.padding.map(|value| {
            if self.signed {
                i32::from(value as i16)
            } else {
                i32::from(value)
            }
        });
        Ok(PixelFormat {
            rows,
            columns,
            samples_per_pixel,
            n_frames,
            bits_allocated,
            bits_stored,
            high_bit,
            signed: self.signed,
            photometric,
            planar: self.planar,
            padding,
        })
    }

    fn frames(&self, format: &PixelFormat, warnings: &mut Vec<HeaderWarning>) -> Vec<FrameHeader> {
        let n_frames = format.n_frames as usize;
        if !self.per_frame.is_empty() && self.per_frame.len() < n_frames {
            warnings.push(HeaderWarning::MissingFunctionalGroups);
        }
        let empty = Group::default();
        (0..n_frames)
            .map(|frame| {
                let own = self.per_frame.get(frame).unwrap_or(&empty);
                frame_header([own, &self.shared, &self.top], format)
            })
            .collect()
    }
}

/// The frame's own value, else the shared one, else that of the data set.
fn frame_header(groups: [&Group; 3], format: &PixelFormat) -> FrameHeader {
    fn first<'a, T>(groups: [&'a Group; 3], get: impl Fn(&'a Group) -> Option<T>) -> Option<T> {
        groups.into_iter().find_map(get)
    }
    let position = first(groups, |group| group.position.as_deref());
    let orientation = first(groups, |group| group.orientation.as_deref());
    let spacing = first(groups, |group| group.spacing.as_deref());
    let rescale = first(groups, |group| group.slope).map(|slope| Rescale {
        slope,
        intercept: first(groups, |group| group.intercept).unwrap_or(0.0),
    });
    let window = first(groups, |group| Some((group.window_center?, group.window_width?)));
    FrameHeader {
        plane: plane(position, orientation, spacing, format),
        rescale,
        window: window.map(|(center, width)| Window { center, width }),
        echo_time_ms: first(groups, |group| group.echo_time_ms),
        dimension_index: groups[0].dimension_index.clone(),
        in_stack_position: groups[0].in_stack_position,
    }
}

fn plane(
    position: Option<&[f64]>,
    orientation: Option<&[f64]>,
    spacing: Option<&[f64]>,
    format: &PixelFormat,
) -> Result<ImagePlane, NoPlane> {
    let position = position
        .filter(|list| !list.is_empty())
        .ok_or(NoPlane::PositionMissing)?;
    let orientation = orientation
        .filter(|list| !list.is_empty())
        .ok_or(NoPlane::OrientationMissing)?;
    let spacing = spacing
        .filter(|list| !list.is_empty())
        .ok_or(NoPlane::SpacingMissing)?;
    let &[x, y, z] = position else {
        return Err(NoPlane::NotFinite);
    };
    let &[rx, ry, rz, cx, cy, cz] = orientation else {
        return Err(NoPlane::NotFinite);
    };
    let &[row_mm, column_mm] = spacing else {
        return Err(NoPlane::NotFinite);
    };
    let plane = ImagePlane::new(
        Point::new(x, y, z),
        [Vector::new(rx, ry, rz), Vector::new(cx, cy, cz)],
        PixelSpacing { row_mm, column_mm },
        [format.rows, format.columns],
    )?;
    Ok(plane)
}
