//! Scanners and sequences: contrast, resolution, noise, and the names they go by.

use crate::anatomy::Contrast;
use crate::config::Site;
use crate::rng::Draw;
use lumbar_core::SeriesKind;

/// A scanner of a site: what all series of a study share.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    pub tesla: f32,
    pub vendor: usize,
    /// e-folding length of the coil's reach, mm (anatomy.md 6.2).
    pub coil_mm: f32,
    pub noisy: f32,
    /// How this scanner's echo trains treat CSF (anatomy.md 3.4).
    pub csf_gain: f32,
    pub thickness_factor: f64,
}

/// A sequence on a scanner.
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    pub kind: SeriesKind,
    pub contrast: Contrast,
    pub thickness_mm: f64,
    pub step_mm: f64,
    pub field_mm: f64,
    /// Reconstructed rows and columns, and acquired pixels down rows and along columns, mm.
    pub matrix: [u32; 2],
    pub acquired_mm: [f64; 2],
    pub ringing: f64,
    /// Noise deviation relative to CSF (T2) or fat (T1) at the spine.
    pub noise: f32,
    /// Shift of fat along the frequency axis, mm (anatomy.md 3.6).
    pub fat_shift_mm: f64,
    /// e-folding length that is left after the scanner's own correction of the coil, mm (anatomy.md 3.3).
    pub coil_left_mm: f32,
    /// How the echo train treats fat (anatomy.md 3.4).
    pub fat_gain: f32,
    /// Signal left in front of the spine by the saturation band.
    pub saturated: f32,
    pub description: String,
    pub sequence_name: Option<String>,
    pub sequence_variant: String,
    pub scan_options: Option<String>,
    pub flip_angle_deg: f64,
}

impl Scanner {
    pub(crate) fn draw(site: Site, d: &mut Draw) -> Scanner {
        let (high_field, noisy, thickness_factor) = match site {
            Site::Main => (0.4, 1.0, 1.0),
            Site::North => (0.85, 0.8, 0.9),
            Site::South => (0.05, 1.35, 1.1),
        };
        let tesla = if d.chance(high_field) { 3.0 } else { 1.5 };
        Scanner {
            tesla,
            vendor: d.pick(&[0.45, 0.28, 0.2, 0.07]),
            coil_mm: d.range(62.0, 80.0) as f32,
            noisy: noisy * d.range(0.8, 1.25) as f32 * if tesla > 2.0 { 0.8 } else { 1.0 },
            csf_gain: d.range(0.85, 1.15) as f32,
            thickness_factor,
        }
    }
}

/// Matrix sizes (rows, columns) and their shares in RSNA (anatomy.md 5.4).
const SAGITTAL: [([u32; 2], f64); 9] = [
    ([512, 512], 30.0),
    ([384, 384], 18.0),
    ([320, 320], 18.0),
    ([448, 448], 10.0),
    ([256, 256], 5.0),
    ([640, 640], 3.0),
    ([528, 512], 3.0),
    ([462, 448], 3.0),
    ([456, 384], 3.0),
];
const AXIAL: [([u32; 2], f64); 7] = [
    ([320, 320], 34.0),
    ([512, 512], 24.0),
    ([384, 384], 14.0),
    ([448, 448], 6.0),
    ([256, 256], 6.0),
    ([272, 272], 3.0),
    ([360, 384], 3.0),
];

impl Protocol {
    pub(crate) fn draw(
        kind: SeriesKind,
        scanner: &Scanner,
        varied: bool,
        anisotropic: bool,
        d: &mut Draw,
    ) -> Protocol {
        let high = scanner.tesla > 2.0;
        let stir = kind == SeriesKind::SagittalT2 && d.chance(0.06);
        let contrast = contrast(kind, stir, high, scanner, d);
        let axial = kind == SeriesKind::AxialT2;
        let sizes: &[([u32; 2], f64)] = if axial { &AXIAL } else { &SAGITTAL };
        let matrix = if varied {
            let weights: Vec<f64> = sizes.iter().map(|s| s.1).collect();
            sizes[d.pick(&weights)].0
        } else if axial {
            [320, 320]
        } else {
            [384, 384]
        };
        let field_mm = if axial {
            d.range(180.0, 215.0)
        } else {
            d.around(305.0, 18.0).clamp(265.0, 345.0)
        };
        // Acquired pixels: frequency finer than phase, and square only by chance.
        let fine = if axial {
            d.range(0.60, 0.75)
        } else {
            d.range(0.80, 0.98)
        };
        let phase = fine * if anisotropic { d.range(1.05, 1.3) } else { 1.1 };
        let acquired_mm = if axial || d.chance(0.5) {
            [phase, fine]
        } else {
            [fine, phase]
        };
        let thickness = if axial {
            d.range(3.0, 4.2)
        } else {
            d.range(3.6, 4.4)
        } * scanner.thickness_factor;
        let bandwidth_hz = d.range(220.0, 320.0) * if high { 1.3 } else { 1.0 };
        // 3.5 ppm: 220 Hz at 1.5 T.
        let fat_hz = if high { 440.0 } else { 220.0 };
        // SNR at the canal: with these, air behind the back is as noisy against CSF as in the two real pictures that
        // benches/peers/phantom_pictures.py holds ours against; STIR has half (anatomy.md 6.2).
        let snr = match kind {
            SeriesKind::SagittalT1 => d.range(32.0, 52.0),
            SeriesKind::SagittalT2 if stir => d.range(14.0, 22.0),
            SeriesKind::SagittalT2 => d.range(18.0, 30.0),
            SeriesKind::AxialT2 => d.range(21.0, 34.0),
        };
        let (description, sequence_name) = names(kind, stir, scanner.vendor, matrix[1]);
        let (sequence_variant, scan_options) = match scanner.vendor {
            0 => (
                if high { "SK\\SP\\OSP" } else { "SK\\SP" },
                Some("PFP\\SAT1".to_owned()),
            ),
            1 => ("SK", Some("FC_FREQ_AX_GEMS\\VB_GEMS\\EDR_GEMS".to_owned())),
            2 => ("SK", Some("FC".to_owned())),
            _ => ("NONE", None),
        };
        Protocol {
            kind,
            contrast,
            thickness_mm: (thickness * 10.0).round() / 10.0,
            step_mm: (thickness * 10.0).round() / 10.0 * if axial { 1.1 } else { d.range(1.08, 1.15) },
            field_mm: field_mm.round(),
            matrix,
            acquired_mm,
            ringing: d.range(0.2, 0.8),
            noise: scanner.noisy / snr as f32,
            fat_shift_mm: 0.75 * fat_hz / bandwidth_hz * fine,
            coil_left_mm: if d.chance(0.04) {
                scanner.coil_mm
            } else if axial {
                d.range(125.0, 180.0) as f32
            } else {
                d.range(170.0, 300.0) as f32
            },
            fat_gain: match kind {
                SeriesKind::SagittalT2 => d.range(0.85, 1.08),
                SeriesKind::AxialT2 => d.range(1.05, 1.35),
                SeriesKind::SagittalT1 => 1.0,
            } as f32,
            saturated: d.range(0.15, 0.45) as f32,
            description,
            sequence_name,
            sequence_variant: sequence_variant.to_owned(),
            scan_options,
            flip_angle_deg: if high { 160.0 } else { 150.0 },
        }
    }
}

fn contrast(kind: SeriesKind, stir: bool, high: bool, scanner: &Scanner, d: &mut Draw) -> Contrast {
    let round = |value: f64| value.round() as f32;
    let base = Contrast {
        repetition_ms: 0.0,
        echo_ms: 0.0,
        inversion_ms: None,
        echo_train: 17,
        echo_spacing_ms: 9.5,
        // Without it CSF is no brighter than marrow at these repetition times, which real T2 pictures never show.
        restore: true,
        tesla: scanner.tesla,
    };
    match kind {
        SeriesKind::SagittalT1 => Contrast {
            repetition_ms: round(if high {
                d.range(600.0, 850.0)
            } else {
                d.range(450.0, 650.0)
            }),
            echo_ms: round(d.range(8.0, 13.0)),
            echo_train: 3,
            restore: false,
            ..base
        },
        SeriesKind::SagittalT2 if stir => Contrast {
            repetition_ms: round(d.range(3500.0, 4800.0)),
            echo_ms: round(d.range(42.0, 62.0)),
            // Nulls fat of T1 300 ms at 1.5 T, 342 ms at 3 T.
            inversion_ms: Some(if high { 237.0 } else { 208.0 }),
            echo_train: 11,
            restore: false,
            ..base
        },
        SeriesKind::SagittalT2 => Contrast {
            repetition_ms: round(d.range(2800.0, 4200.0)),
            echo_ms: round(d.range(92.0, 115.0)),
            ..base
        },
        SeriesKind::AxialT2 => Contrast {
            repetition_ms: round(d.range(3500.0, 7500.0)),
            echo_ms: round(d.range(92.0, 112.0)),
            ..base
        },
    }
}

/// Series description and sequence name as the four vendors' users write them (anatomy.md 5.5).
fn names(kind: SeriesKind, stir: bool, vendor: usize, columns: u32) -> (String, Option<String>) {
    let texts = match (kind, stir) {
        (SeriesKind::SagittalT1, _) => [
            format!("t1_tse_sag_{columns}"),
            "Sag T1 FSE".to_owned(),
            "T1W_TSE".to_owned(),
            "Sag T1".to_owned(),
        ],
        (SeriesKind::SagittalT2, true) => [
            "t2_tirm_sag".to_owned(),
            "Sag T2 STIR".to_owned(),
            "STIR_longTE".to_owned(),
            "Sag STIR".to_owned(),
        ],
        (SeriesKind::SagittalT2, false) => [
            format!("t2_tse_sag_{columns}"),
            "Sag T2 FSE".to_owned(),
            "T2W_TSE".to_owned(),
            "Sag T2".to_owned(),
        ],
        (SeriesKind::AxialT2, _) => [
            format!("t2_tse_tra_{columns}"),
            "Ax T2 frFSE BLOCK".to_owned(),
            "T2W_TSE ax".to_owned(),
            "Ax T2".to_owned(),
        ],
    };
    let name = (vendor == 0).then(|| {
        let token = match (kind, stir) {
            (SeriesKind::SagittalT1, _) => "*tse2d1_3",
            (_, true) => "*tir2d1_11",
            _ => "*tseR2d1_17",
        };
        token.to_owned()
    });
    let text = texts.into_iter().nth(vendor.min(3)).unwrap_or_default();
    (text, name)
}
