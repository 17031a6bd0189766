//! Tissues and their spin-echo signal.

use super::person::{N_VERTEBRAE, Person};

/// Relaxation times and proton density at 1.5 T. Apparent values in long echo trains, anatomy.md 3.2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tissue {
    /// Proton density relative to water.
    pub density: f32,
    pub t1_ms: f32,
    pub t2_ms: f32,
    /// Share of the signal that stays in spite of flow.
    pub still: f32,
}

const fn tissue(density: f32, t1_ms: f32, t2_ms: f32) -> Tissue {
    Tissue {
        density,
        t1_ms,
        t2_ms,
        still: 1.0,
    }
}

/// Index into the tissue table of a scene.
pub(crate) type TissueId = u8;

pub(crate) const AIR: TissueId = 0;
pub(crate) const CSF: TissueId = 1;
pub(crate) const NERVE: TissueId = 2;
pub(crate) const CORD: TissueId = 3;
pub(crate) const FAT: TissueId = 4;
pub(crate) const MUSCLE: TissueId = 5;
pub(crate) const MARROW: TissueId = 6;
pub(crate) const CORTEX: TissueId = 7;
pub(crate) const LIGAMENT: TissueId = 8;
pub(crate) const BLOOD: TissueId = 9;
pub(crate) const VEIN: TissueId = 10;
pub(crate) const KIDNEY: TissueId = 11;
pub(crate) const BOWEL: TissueId = 12;
pub(crate) const SKIN: TissueId = 13;
pub(crate) const ANNULUS: TissueId = 14;
pub(crate) const FLUID: TissueId = 15;
pub(crate) const CARTILAGE: TissueId = 16;
/// Nucleus of the disc below vertebra `i`: `NUCLEUS + i`.
pub(crate) const NUCLEUS: TissueId = 17;
/// Number of tissues in a scene.
pub(crate) const N_TISSUES: usize = NUCLEUS as usize + N_VERTEBRAE;

/// The tissues of a person.
pub(crate) fn table(person: &Person) -> [Tissue; N_TISSUES] {
    let mut table = [tissue(0.0, 1.0, 1.0); N_TISSUES];
    let mut set = |id: TissueId, value: Tissue| table[id as usize] = value;
    // CSF loses a quarter of its signal to flow on T2 (anatomy.md 3.2).
    set(
        CSF,
        Tissue {
            still: 0.75,
            ..tissue(1.0, 4300.0, 1600.0)
        },
    );
    set(NERVE, tissue(0.78, 950.0, 98.0));
    set(CORD, tissue(0.72, 850.0, 95.0));
    set(FAT, tissue(1.0, 300.0, 175.0));
    set(MUSCLE, tissue(0.80, 870.0, 38.0));
    // Red marrow; its fat is added as a share of the voxel.
    set(MARROW, tissue(0.85, 650.0, 92.0));
    set(CORTEX, tissue(0.06, 500.0, 4.0));
    set(LIGAMENT, tissue(0.50, 700.0, 28.0));
    set(
        BLOOD,
        Tissue {
            still: 0.05,
            ..tissue(0.9, 1400.0, 180.0)
        },
    );
    set(
        VEIN,
        Tissue {
            still: 0.45,
            ..tissue(0.9, 1400.0, 160.0)
        },
    );
    set(KIDNEY, tissue(0.9, 1000.0, 88.0));
    set(BOWEL, tissue(0.75, 900.0, 60.0));
    set(SKIN, tissue(0.6, 700.0, 32.0));
    set(ANNULUS, tissue(0.55, 700.0, 43.0));
    set(FLUID, tissue(0.98, 3000.0, 500.0));
    set(CARTILAGE, tissue(0.7, 1000.0, 38.0));
    for (i, degeneration) in person.disc_degeneration.iter().enumerate() {
        set(NUCLEUS + i as TissueId, nucleus(*degeneration));
    }
    table
}

/// Nucleus from Pfirrmann I (0) to V (1): anatomy.md 3.2, straight between the grades.
fn nucleus(degeneration: f32) -> Tissue {
    const GRADES: [[f32; 3]; 5] = [
        [0.90, 1300.0, 190.0],
        [0.87, 1165.0, 129.0],
        [0.75, 900.0, 84.0],
        [0.62, 720.0, 51.0],
        [0.50, 550.0, 35.0],
    ];
    let at = (degeneration * 4.0).clamp(0.0, 3.999);
    let (i, t) = (at as usize, at.fract());
    let mix = |k: usize| GRADES[i][k] + (GRADES[i + 1][k] - GRADES[i][k]) * t;
    tissue(mix(0), mix(1), mix(2))
}

/// A turbo spin-echo protocol, as far as contrast goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Contrast {
    pub repetition_ms: f32,
    pub echo_ms: f32,
    /// Inversion time of STIR; fat is nulled.
    pub inversion_ms: Option<f32>,
    pub echo_train: u32,
    pub echo_spacing_ms: f32,
    /// A flip-back pulse at the end of the train, usual in spine T2.
    pub restore: bool,
    pub tesla: f32,
}

impl Contrast {
    /// Signal of every tissue, before coil and scaling.
    pub(crate) fn signals(&self, tissues: &[Tissue; N_TISSUES]) -> [f32; N_TISSUES] {
        let mut signals = [0.0; N_TISSUES];
        for (id, (signal, tissue)) in signals.iter_mut().zip(tissues).enumerate() {
            *signal = self.signal(id as TissueId, *tissue);
        }
        signals
    }

    /// The equations of anatomy.md 6.2, point 3.
    fn signal(&self, id: TissueId, tissue: Tissue) -> f32 {
        if tissue.density == 0.0 {
            return 0.0;
        }
        // At 3 T, T1 is longer by about a fifth in water-like tissue, T2 shorter by a tenth (anatomy.md 3.1, 3.2).
        let high_field = self.tesla > 2.0 && id != CSF;
        let (t1, t2) = if high_field {
            (tissue.t1_ms * 1.14, tissue.t2_ms * 0.90)
        } else {
            (tissue.t1_ms, tissue.t2_ms)
        };
        let train_ms = self.echo_train as f32 * self.echo_spacing_ms;
        let recovery = (-(self.repetition_ms - train_ms) / t1).exp();
        let mut longitudinal = 1.0 - recovery;
        if self.restore {
            let left = (-train_ms / t2).exp().min((-train_ms / t1).exp());
            longitudinal = (1.0 - recovery) / (1.0 - recovery * left);
        }
        if let Some(inversion) = self.inversion_ms {
            let full = (-self.repetition_ms / t1).exp();
            longitudinal = (1.0 - 2.0 * (-inversion / t1).exp() + full).abs();
        }
        // Flow takes its toll at long echo times only.
        let still = if self.echo_ms > 40.0 {
            tissue.still
        } else {
            0.5 + 0.5 * tissue.still
        };
        tissue.density * longitudinal * (-self.echo_ms / t2).exp() * still
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Site;
    use crate::labels::draw_narrowings;

    fn person() -> Person {
        Person::draw(Site::Main, 1, 0, draw_narrowings("main", 1, 0))
    }

    #[test]
    fn t2_orders_tissues_as_real_pictures_do() {
        let contrast = Contrast {
            repetition_ms: 3500.0,
            echo_ms: 100.0,
            inversion_ms: None,
            echo_train: 17,
            echo_spacing_ms: 10.0,
            restore: true,
            tesla: 1.5,
        };
        let s = contrast.signals(&table(&person()));
        let order = [CSF, MARROW, MUSCLE, LIGAMENT, CORTEX, AIR];
        for pair in order.windows(2) {
            assert!(s[pair[0] as usize] > s[pair[1] as usize], "{pair:?} {s:?}");
        }
        assert!((0.8..1.5).contains(&(s[FAT as usize] / s[CSF as usize])), "{s:?}");
    }

    #[test]
    fn t1_has_bright_fat_and_dark_fluid() {
        let contrast = Contrast {
            repetition_ms: 550.0,
            echo_ms: 10.0,
            inversion_ms: None,
            echo_train: 3,
            echo_spacing_ms: 10.0,
            restore: false,
            tesla: 1.5,
        };
        let s = contrast.signals(&table(&person()));
        assert!(s[FAT as usize] > 2.0 * s[NERVE as usize] && s[NERVE as usize] > s[CSF as usize]);
    }
}
