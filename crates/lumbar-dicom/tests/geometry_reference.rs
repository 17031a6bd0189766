//! Slice order, positions, spacing and voxels against volumes written by dcm2niix, where the collection is at hand.
//!
//! NIfTI axes are right-anterior-superior, DICOM's left-posterior-superior; dcm2niix stores rows from the bottom up, and
//! those of some volumes from patient left as well.

use lumbar_core::PixelPoint;
use lumbar_dicom::{Catalogue, Limits, RejectReason, ScanOptions, SliceRecord, read_frame, read_image, scan};
use std::path::{Path, PathBuf};

struct Volume {
    /// Columns, rows, slices, volumes.
    shape: [usize; 4],
    /// Voxel to millimetres, right-anterior-superior.
    affine: [[f64; 4]; 3],
    voxels: Vec<i16>,
}

impl Volume {
    /// Reads an uncompressed NIfTI-1 file of 16-bit integers.
    fn read(path: &Path) -> Volume {
        let bytes = std::fs::read(path).expect("the reference opens");
        let i16_at = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let f32_at = |at: usize| f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        assert_eq!(i16_at(70), 4, "16-bit signed voxels");
        let shape = [42, 44, 46, 48].map(|at| i16_at(at).max(1) as usize);
        let affine =
            [0, 1, 2].map(|row| [0, 1, 2, 3].map(|column| f64::from(f32_at(280 + 16 * row + 4 * column))));
        let start = f32_at(108) as usize;
        let voxels = bytes[start..]
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        Volume {
            shape,
            affine,
            voxels,
        }
    }

    /// Place of a voxel, left-posterior-superior, mm.
    fn place(&self, column: f64, row: f64, slice: f64) -> [f64; 3] {
        let ras = self
            .affine
            .map(|a| a[0] * column + a[1] * row + a[2] * slice + a[3]);
        [-ras[0], -ras[1], ras[2]]
    }

    /// Whether columns run against those of our slice.
    fn flips_columns(&self, slice: &SliceRecord) -> bool {
        let along = slice.plane.expect("a slice with geometry").row_direction();
        let ours = [-along.x, -along.y, along.z];
        (0..3).map(|axis| self.affine[axis][0] * ours[axis]).sum::<f64>() < 0.0
    }

    /// Voxels of a slice in the order of our pixels.
    fn image(&self, slice: usize, volume: usize, flips_columns: bool) -> Vec<i32> {
        let [columns, rows, slices, _] = self.shape;
        let start = (volume * slices + slice) * columns * rows;
        let plane = &self.voxels[start..start + columns * rows];
        let mut image: Vec<i32> = plane
            .chunks_exact(columns)
            .rev()
            .flatten()
            .map(|voxel| i32::from(*voxel))
            .collect();
        if flips_columns {
            image.chunks_exact_mut(columns).for_each(<[i32]>::reverse);
        }
        image
    }
}

fn collection() -> Option<PathBuf> {
    let root = std::env::var_os("LUMBAR_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join("dicom");
    folder.join("index.csv").is_file().then_some(folder)
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Whether slice `k` of the reference and our slice are the same places, to a thousandth of a millimetre.
fn same_place(reference: &Volume, k: usize, slice: &SliceRecord) -> bool {
    let [columns, rows, ..] = reference.shape;
    let plane = slice.plane.expect("a slice with geometry");
    let flips_columns = reference.flips_columns(slice);
    let corners = [(0, 0), (columns - 1, 0), (0, rows - 1)];
    (plane.columns() as usize, plane.rows() as usize) == (columns, rows)
        && corners.iter().all(|&(column, row)| {
            let ours = plane.pixel_to_patient(PixelPoint::new(column as f64, row as f64));
            let column = if flips_columns {
                columns - 1 - column
            } else {
                column
            };
            let theirs = reference.place(column as f64, (rows - 1 - row) as f64, k as f64);
            distance([ours.x, ours.y, ours.z], theirs) < 1e-3
        })
}

/// Holds every stack against the reference: all slices in its order or all in the reverse, voxels equal.
fn agreeing_stacks(root: &Path, catalogue: &Catalogue, reference: &Volume) -> usize {
    let n_slices = reference.shape[2];
    let mut n_agreeing = 0;
    let mut stacks: Vec<Vec<&SliceRecord>> = Vec::new();
    for slice in &catalogue.slices {
        match stacks.last_mut() {
            Some(stack) if (&stack[0].series, stack[0].stack_idx) == (&slice.series, slice.stack_idx) => {
                stack.push(slice);
            }
            _ => stacks.push(vec![slice]),
        }
    }
    for stack in stacks.iter().filter(|stack| stack.len() == n_slices) {
        let forward = stack
            .iter()
            .enumerate()
            .all(|(k, slice)| same_place(reference, k, slice));
        let backward = stack
            .iter()
            .rev()
            .enumerate()
            .all(|(k, slice)| same_place(reference, k, slice));
        if !forward && !backward {
            continue;
        }
        let image = |slice: &SliceRecord| {
            let image =
                read_frame(&root.join(&slice.path), slice.frame, &Limits::default()).expect("an image");
            image.pixels.frame(0).expect("a frame").to_i32()
        };
        let reference_k = |k: usize| if forward { k } else { n_slices - 1 - k };
        let equal_in = |volume: usize| {
            stack.iter().enumerate().all(|(k, slice)| {
                image(slice) == reference.image(reference_k(k), volume, reference.flips_columns(slice))
            })
        };
        n_agreeing += usize::from((0..reference.shape[3]).any(equal_in));
    }
    n_agreeing
}

#[test]
fn stacks_agree_with_volumes_of_dcm2niix() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    // Reference, series, and how many of its stacks the reference holds. The other references are of
    // mosaics, which are refused: `mosaics_are_refused_and_their_tiles_read`.
    let cases = [
        (
            "dcm_qa_sag/Ref/2_gre_field_mapping_PMUlog.nii",
            "dcm_qa_sag/In/2_gre_field_mapping",
            1,
        ),
        (
            "dcm_qa_enh/Ref/Philips_WIP_B0_NS_801_e1.nii",
            "dcm_qa_enh/In/Philips",
            1,
        ),
        (
            "dcm_qa_enh/Ref/Philips_WIP_B0_NS_801_e2_fieldmaphz.nii",
            "dcm_qa_enh/In/Philips",
            1,
        ),
        (
            "dcm_qa_enh/Ref/Siemens_REST1_w_SMS_PF7-8_6.nii",
            "dcm_qa_enh/In/Siemens/XA10",
            4,
        ),
    ];
    for (reference, series, n_volumes) in cases {
        let root = folder.join(series);
        let catalogue = scan(&root, &ScanOptions::default(), &|_| {}).expect("the series can be scanned");
        let volume = Volume::read(&folder.join(reference));
        let n_agreeing = agreeing_stacks(&root, &catalogue, &volume);
        println!("{reference}: {:?}, {n_agreeing} stack(s) agree", volume.shape);
        assert_eq!(n_agreeing, n_volumes, "{reference}");
        let step = [0, 1, 2].map(|axis| volume.affine[axis][2]);
        let spacing = catalogue.series[0].spacing_mm.expect("a spacing");
        assert!(
            (spacing - distance(step, [0.0; 3])).abs() < 1e-3,
            "{reference}: spacing {spacing}"
        );
    }
    println!("conformance: {} cases ran", cases.len());
}

/// Siemens mosaics hold many slices in one picture under the position of none. The catalogue refuses them; their stored
/// values are those dcm2niix cut into volumes, whatever the transfer syntax and whatever stands in unused bits.
#[test]
fn mosaics_are_refused_and_their_tiles_read() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    let mut cases = vec![
        (
            "dcm_qa_12bit/Ref/2.nii".to_owned(),
            "dcm_qa_12bit/In/12bitUnsigned.dcm".to_owned(),
        ),
        (
            "dcm_qa_12bit/Ref/3.nii".to_owned(),
            "dcm_qa_12bit/In/12bitUnsigned_0x0F0F.dcm".to_owned(),
        ),
        (
            "dcm_qa_12bit/Ref/4.nii".to_owned(),
            "dcm_qa_12bit/In/12bitSigned_0x0F0F.dcm".to_owned(),
        ),
    ];
    // One image in nine transfer syntaxes.
    cases.extend((1..=9).map(|n| ("dcm_qa_ts/Ref/1.nii".to_owned(), format!("dcm_qa_ts/In/{n}.dcm"))));
    for (reference, file) in &cases {
        let volume = Volume::read(&folder.join(reference));
        let image = read_image(&folder.join(file), &Limits::default()).expect("a mosaic's pixels");
        let pixels = image.pixels.frame(0).expect("a frame").to_i32();
        let [columns, rows, slices, _] = volume.shape;
        let width = image.pixels.columns() as usize;
        for slice in 0..slices {
            let (down, right) = (
                slice / (width / columns) * rows,
                slice % (width / columns) * columns,
            );
            let tile: Vec<i32> = (0..rows)
                .flat_map(|row| &pixels[(down + row) * width + right..][..columns])
                .copied()
                .collect();
            assert!(tile == volume.image(slice, 0, false), "{file}: slice {slice}");
        }
        println!("{file}: {} tiles equal, {}", slices, image.header.transfer_syntax);
    }
    for set in ["dcm_qa_12bit/In", "dcm_qa_ts/In", "dcm_qa_siemens/In/Orientation"] {
        let catalogue = scan(&folder.join(set), &ScanOptions::default(), &|_| {}).expect("a scan");
        assert!(catalogue.slices.is_empty(), "{set}");
        assert!(
            catalogue
                .rejects
                .iter()
                .all(|reject| reject.reason == RejectReason::SiemensMosaic),
            "{set}"
        );
    }
    println!("conformance: {} cases ran", cases.len());
}

/// Known from the sets' own documentation: 63 sagittal slices 2.2 mm apart; 35 slices 4.8 mm apart, lying on a side.
#[test]
fn left_is_left_however_the_patient_lies() {
    let Some(folder) = collection() else {
        println!("conformance: 0 cases ran (no collection)");
        return;
    };
    let cases = [
        ("dcm_qa_sag/In/XA30/classic", 63, 2.2),
        ("dcm_qa_decubitus/In/HFDL", 35, 4.8),
    ];
    for (series, n_slices, spacing_mm) in cases {
        let catalogue = scan(&folder.join(series), &ScanOptions::default(), &|_| {}).expect("a scan");
        let record = &catalogue.series[0];
        assert_eq!((record.n_slices, record.stacks.len()), (n_slices, 1), "{series}");
        assert!(
            (record.spacing_mm.expect("a spacing") - spacing_mm).abs() < 1e-3,
            "{series}"
        );
        let x = |slice: &SliceRecord| slice.plane.expect("geometry").origin().x;
        let normal_x = catalogue.slices[0].plane.expect("geometry").normal().x;
        // Sorted along the normal: x falls from left to right where the normal points right, and rises elsewhere.
        assert!(
            catalogue
                .slices
                .windows(2)
                .all(|pair| (x(&pair[1]) - x(&pair[0])) * normal_x > 0.0),
            "{series}"
        );
    }
    println!("conformance: {} cases ran", cases.len());
}
