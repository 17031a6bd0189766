//! One study: its series as files, its labels, its truth.

use super::truth::{Landmark, LevelMeasures, SeriesTruth, StudyTruth, TargetTruth};
use crate::acquire::{PlannedSlice, SeriesPlan, plan_study, render, tiny};
use crate::alter::Alteration;
use crate::anatomy::{Person, Scene};
use crate::config::{PhantomConfig, Pixels};
use crate::error::PhantomError;
use crate::labels::{Narrowing, draw_narrowings, draw_readings, oracle_probabilities};
use crate::rng::{Draw, key, mix};
use lumbar_core::{
    Condition, ConditionGroup, ImagePlane, Level, PixelPoint, Plane, Point, SeriesKind, Side, Target, Vector,
};
use lumbar_dicom::MrImage;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// What is left of a study once its files are written.
#[derive(Debug, Clone)]
pub(crate) struct StudyRecord {
    pub truth: StudyTruth,
    pub marks: Vec<Mark>,
    pub n_files: usize,
    /// Where slices lie, by series; only kept to plant defects.
    pub series: Vec<PlacedSeries>,
}

/// A series with where its slices lie.
#[derive(Debug, Clone)]
pub(crate) struct PlacedSeries {
    pub series_id: String,
    pub kind: SeriesKind,
    /// InstanceNumber and plane.
    pub slices: Vec<(i32, ImagePlane)>,
}

/// A row of the coordinates table.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub target: Target,
    pub series_id: String,
    pub instance_number: i32,
    pub pixel: PixelPoint,
}

/// Says that a study is a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopyOf<'a> {
    pub study_id: &'a str,
    pub alteration: Alteration,
}

/// Makes a study and writes its files below `images`.
pub(crate) fn write_study(
    config: &PhantomConfig,
    study_idx: u64,
    (study_id, copy): (u32, Option<CopyOf<'_>>),
    images: &Path,
) -> Result<StudyRecord, PhantomError> {
    let site = config.site;
    let narrowings = match config.fixed_scores {
        Some(scores) => std::array::from_fn(|i| {
            let target = Target::from_index(i).expect("25 targets have indices 0 to 24");
            Narrowing::from_score(scores[target.condition.group().index()])
        }),
        None => draw_narrowings(site.name(), config.seed, study_idx),
    };
    let person = Person::draw(site, config.seed, study_idx, narrowings);
    let scene = Scene::build(&person);
    let plans = plan_study(config, study_idx, &scene, person.roll);
    let study = Study {
        config,
        study_idx,
        study_id,
        copy,
        person,
        scene,
        plans,
    };
    study.write(images)
}

struct Study<'a> {
    config: &'a PhantomConfig,
    study_idx: u64,
    study_id: u32,
    copy: Option<CopyOf<'a>>,
    person: Person,
    scene: Scene,
    plans: Vec<SeriesPlan>,
}

impl Study<'_> {
    fn write(&self, images: &Path) -> Result<StudyRecord, PhantomError> {
        let mut d = Draw::new(
            key(self.config.site.name(), self.config.seed),
            "series ids",
            match self.copy {
                Some(copy) => mix(self.study_idx ^ mix(1 + copy.alteration as u64)),
                None => self.study_idx,
            },
        );
        let series_ids = draw_ids(self.plans.len(), &mut d);
        let folder = images.join(self.study_id.to_string());
        for (series_id, plan) in series_ids.iter().zip(&self.plans) {
            let folder = folder.join(series_id.to_string());
            super::files::make_folder(&folder)?;
            (0..plan.slices.len())
                .into_par_iter()
                .try_for_each(|i| self.write_slice(*series_id, plan, i, &folder))?;
        }
        let placed: Vec<(u32, SeriesKind, Vec<PlannedSlice>)> = series_ids
            .iter()
            .zip(&self.plans)
            .map(|(id, plan)| {
                (
                    *id,
                    plan.protocol.kind,
                    plan.slices.iter().map(|s| self.placed(s)).collect(),
                )
            })
            .collect();
        let truth = self.truth(&placed);
        Ok(StudyRecord {
            n_files: self.plans.iter().map(|plan| plan.slices.len()).sum(),
            marks: self.marks(&placed, &truth),
            truth,
            series: if self.config.label_defects {
                placed.into_iter().map(placed_series).collect()
            } else {
                Vec::new()
            },
        })
    }

    /// The slice as it is written: mirrored if the phantom is, altered if it is a copy.
    fn placed(&self, slice: &PlannedSlice) -> PlannedSlice {
        let mut slice = slice.clone();
        if self.config.mirror {
            slice.plane = mirror_plane(&slice.plane);
        }
        if let Some(copy) = self.copy {
            slice.plane = copy.alteration.plane(&slice.plane);
        }
        slice
    }

    fn place(&self, p: Point) -> Point {
        if self.config.mirror {
            Point::new(-p.x, p.y, p.z)
        } else {
            p
        }
    }

    fn write_slice(
        &self,
        series_id: u32,
        plan: &SeriesPlan,
        i: usize,
        folder: &Path,
    ) -> Result<(), PhantomError> {
        let pixels = match self.config.pixels {
            Pixels::Full => render(&self.scene, plan, i),
            Pixels::Tiny => tiny(plan, i),
        };
        let slice = self.placed(&plan.slices[i]);
        let made = &plan.slices[i].plane;
        let (rows, columns) = (made.rows() as usize, made.columns() as usize);
        let pixels = if self.config.mirror && mirror_flips_columns(made) {
            pixels
                .chunks_exact(columns)
                .flat_map(|row| row.iter().rev().copied())
                .collect()
        } else {
            pixels
        };
        let (pixels, syntax) = match self.copy {
            Some(CopyOf { alteration, .. }) => (
                alteration.pixels(&pixels, [rows, columns]),
                alteration.syntax(self.config.transfer_syntax),
            ),
            None => (pixels, self.config.transfer_syntax),
        };
        let path = folder.join(format!("{}.dcm", slice.instance_number));
        self.image(series_id, plan, &slice, pixels)
            .write(&path, syntax)
            .map_err(|source| PhantomError::Dicom { path, source })
    }

    fn image(&self, series_id: u32, plan: &SeriesPlan, slice: &PlannedSlice, pixels: Vec<u16>) -> MrImage {
        let study_key = mix(u64::from(self.study_id) ^ key(self.config.site.name(), self.config.seed))
            ^ u64::from(self.config.mirror);
        let series_key = mix(study_key ^ mix(u64::from(series_id)));
        let uids = [
            uid(study_key, 1),
            uid(series_key, 2),
            uid(series_key, 1000 + slice.instance_number as u64),
        ];
        let (absent, protocol) = (plan.absent, &plan.protocol);
        let contrast = &protocol.contrast;
        let keep = |left_out: bool, value: f64| (!left_out).then_some(value);
        let text = |left_out: bool, value: &str| (!left_out).then(|| value.to_owned());
        let window = window(&pixels);
        MrImage {
            frame_of_reference_uid: (!absent.frame_of_reference).then(|| uid(study_key, 3)),
            patient_id: format!(
                "PHANTOM-{}-{}",
                self.config.site.name().to_uppercase(),
                self.study_id
            ),
            patient_name: "PHANTOM^SYNTHETIC".to_owned(),
            patient_sex: Some(self.sex().to_owned()),
            patient_age: Some(format!("{:03}Y", self.person.age_years.round())),
            manufacturer: "lumbar-phantom".to_owned(),
            model_name: Some(format!("synthetic {} T", plan.scanner.tesla)),
            // MR wants a third value; the fourth says what it is. SyntheticData (0008,001C) would say it too, but the
            // validator of dicom3tools does not know that attribute yet and calls it an error.
            image_type: ["DERIVED", "SECONDARY", "OTHER", "SYNTHETIC"]
                .map(str::to_owned)
                .to_vec(),
            modality: text(absent.modality, "MR"),
            study_description: Some("Synthetic lumbar spine".to_owned()),
            series_description: Some(protocol.description.clone()),
            protocol_name: Some(protocol.description.clone()),
            body_part: Some("LSPINE".to_owned()),
            series_number: Some(1 + self.plans.iter().position(|p| p.seed == plan.seed).unwrap_or(0) as i32),
            instance_number: slice.instance_number,
            slice_thickness_mm: keep(absent.thickness, protocol.thickness_mm),
            spacing_between_slices_mm: keep(absent.spacing_between, (protocol.step_mm * 1e4).round() / 1e4),
            repetition_time_ms: keep(absent.timing, f64::from(contrast.repetition_ms)),
            echo_time_ms: keep(absent.timing, f64::from(contrast.echo_ms)),
            inversion_time_ms: contrast.inversion_ms.filter(|_| !absent.timing).map(f64::from),
            flip_angle_deg: Some(protocol.flip_angle_deg),
            echo_train_length: Some(contrast.echo_train as i32),
            magnetic_field_strength_t: Some(f64::from(plan.scanner.tesla)),
            scanning_sequence: text(
                absent.sequence,
                if contrast.inversion_ms.is_some() {
                    "SE\\IR"
                } else {
                    "SE"
                },
            ),
            sequence_variant: text(absent.sequence, &protocol.sequence_variant),
            scan_options: protocol.scan_options.clone(),
            sequence_name: protocol.sequence_name.clone(),
            patient_position: Some("HFS".to_owned()),
            bits_stored: 12,
            window: Some(window),
            rescale: (!absent.rescale).then_some((1.0, 0.0)),
            ..MrImage::new([&uids[0], &uids[1], &uids[2]], slice.plane, pixels)
        }
    }

    fn sex(&self) -> &'static str {
        if self.person.female { "F" } else { "M" }
    }

    fn truth(&self, series: &[(u32, SeriesKind, Vec<PlannedSlice>)]) -> StudyTruth {
        let config = self.config;
        let readings = draw_readings(
            config.site.name(),
            config.seed,
            self.study_idx,
            &self.person.narrowings,
        );
        let narrowings = &self.person.narrowings;
        let mut d = Draw::new(
            key(config.site.name(), config.seed),
            "missing labels",
            self.study_idx,
        );
        let mut targets: Vec<TargetTruth> = Target::all()
            .map(|target| {
                let (narrowing, reading) = (narrowings[target.index()], readings[target.index()]);
                let point_mm = self.place(self.target_point(target));
                // Shares of RSNA's label table (rsna.md section 1).
                let forgotten = match target.condition {
                    Condition::SpinalCanalStenosis => 0.0005,
                    Condition::LeftNeuralForaminalNarrowing => 0.001,
                    Condition::RightNeuralForaminalNarrowing => 0.004,
                    _ => 0.0015,
                };
                let forgotten = d.chance(forgotten) && config.quirks.missing_labels;
                let seen = nearest(series, target, point_mm).is_some()
                    || target.condition.group() != ConditionGroup::Subarticular;
                TargetTruth {
                    target,
                    score: narrowing.score,
                    fraction: narrowing.fraction,
                    reader_a: reading.reader_a,
                    reader_b: reading.reader_b,
                    oracle: oracle_probabilities(target.condition.group(), narrowing),
                    labelled: seen && !forgotten,
                    point_mm,
                }
            })
            .collect();
        if config.mirror {
            let names = mirrored_targets();
            targets
                .iter_mut()
                .for_each(|truth| truth.target = names[truth.target.index()]);
            targets.sort_by_key(|truth| truth.target.index());
        }
        StudyTruth {
            study_id: self.study_id.to_string(),
            site: config.site,
            seed: config.seed,
            study_idx: self.study_idx,
            mirrored: config.mirror,
            copy_of: self.copy.map(|copy| copy.study_id.to_owned()),
            alteration: self.copy.map(|copy| copy.alteration),
            age_years: (self.person.age_years * 10.0).round() / 10.0,
            sex: self.sex().to_owned(),
            series: series
                .iter()
                .map(|(id, kind, slices)| SeriesTruth {
                    series_id: id.to_string(),
                    kind: *kind,
                    n_slices: slices.len(),
                })
                .collect(),
            targets,
            landmarks: self.landmarks(),
            levels: Level::ALL.iter().map(|level| self.measures(*level)).collect(),
        }
    }

    fn target_point(&self, target: Target) -> Point {
        let shape = &self.scene.levels[target.level.index()];
        let side = target.condition.side().unwrap_or(Side::Left);
        match target.condition.group() {
            ConditionGroup::SpinalCanal => shape.canal_point(),
            ConditionGroup::NeuralForaminal => shape.foramen_point(target.level, side),
            ConditionGroup::Subarticular => shape.recess_point(target.level, side),
        }
        .point()
    }

    fn landmarks(&self) -> Vec<Landmark> {
        let mut landmarks: Vec<Landmark> = Scene::vertebra_names()
            .into_iter()
            .map(|(name, i)| Landmark {
                name: format!("{name} body"),
                point_mm: self.place(self.scene.spine.vertebrae[i].frame.origin.point()),
            })
            .collect();
        for target in Target::all() {
            let place = self.place(self.target_point(target));
            let named = if self.config.mirror {
                target.mirrored()
            } else {
                target
            };
            let what = match named.condition.group() {
                ConditionGroup::SpinalCanal => "canal",
                ConditionGroup::NeuralForaminal => "foramen",
                ConditionGroup::Subarticular => "recess",
            };
            let side = named
                .condition
                .side()
                .map(|side| format!("{side} "))
                .unwrap_or_default();
            landmarks.push(Landmark {
                name: format!("{side}{what} {}", named.level),
                point_mm: place,
            });
        }
        landmarks.sort_by(|a, b| a.name.cmp(&b.name));
        landmarks
    }

    fn measures(&self, level: Level) -> LevelMeasures {
        let shape = &self.scene.levels[level.index()];
        let [area, depth, width] = self.scene.sac_measures(level.index()).map(f64::from);
        let mut recess =
            [0, 1].map(|s| f64::from(shape.gap_mm - shape.flavum_recess_mm[s] - shape.disc_recess_mm[s]));
        let mut foramen = [0, 1].map(|s| f64::from(shape.foramen_back_mm[s] - shape.foramen_front_mm[s]));
        if self.config.mirror {
            recess.swap(0, 1);
            foramen.swap(0, 1);
        }
        LevelMeasures {
            level,
            sac_area_mm2: area,
            sac_depth_mm: depth,
            sac_width_mm: width,
            recess_mm: recess,
            foramen_mm: foramen,
        }
    }

    fn marks(&self, series: &[(u32, SeriesKind, Vec<PlannedSlice>)], truth: &StudyTruth) -> Vec<Mark> {
        let mut d = Draw::new(
            key(self.config.site.name(), self.config.seed),
            "missing points",
            self.study_idx,
        );
        let mut marks = Vec::with_capacity(Target::COUNT);
        for target in &truth.targets {
            // 141 canal points of 9,875 had to be added by hand to the RSNA set (rsna.md section 1).
            let canal = target.target.condition == Condition::SpinalCanalStenosis;
            let lost = d.chance(if canal { 0.014 } else { 0.0005 }) && self.config.quirks.missing_labels;
            if lost || !target.labelled {
                continue;
            }
            if let Some((series_id, instance_number, pixel)) = nearest(series, target.target, target.point_mm)
            {
                marks.push(Mark {
                    target: target.target,
                    series_id: series_id.to_string(),
                    instance_number,
                    pixel,
                });
            }
        }
        marks
    }
}

fn placed_series((id, kind, slices): (u32, SeriesKind, Vec<PlannedSlice>)) -> PlacedSeries {
    PlacedSeries {
        series_id: id.to_string(),
        kind,
        slices: slices
            .iter()
            .map(|slice| (slice.instance_number, slice.plane))
            .collect(),
    }
}

/// The slice of the target's proper kind that passes nearest, if one passes through it at all.
fn nearest(
    series: &[(u32, SeriesKind, Vec<PlannedSlice>)],
    target: Target,
    point: Point,
) -> Option<(u32, i32, PixelPoint)> {
    /// Half the largest step between neighbouring slices, mm.
    const REACH_MM: f64 = 3.0;
    let kind = SeriesKind::proper_for(target.condition.group());
    series
        .iter()
        .filter(|(_, k, _)| *k == kind)
        .flat_map(|(id, _, slices)| slices.iter().map(move |slice| (*id, slice)))
        .map(|(id, slice)| (id, slice, slice.plane.patient_to_pixel(point)))
        .filter(|(_, slice, seen)| seen.off_plane_mm.abs() <= REACH_MM && slice.plane.contains(seen.pixel))
        .min_by(|a, b| a.2.off_plane_mm.abs().total_cmp(&b.2.off_plane_mm.abs()))
        .map(|(id, slice, seen)| (id, slice.instance_number, seen.pixel))
}

fn mirrored_targets() -> [Target; Target::COUNT] {
    std::array::from_fn(|i| {
        Target::from_index(i)
            .expect("25 targets have indices 0 to 24")
            .mirrored()
    })
}

/// Whether the mirror image of a slice runs along its rows: it does unless the rows lie in the mirror plane.
fn mirror_flips_columns(plane: &ImagePlane) -> bool {
    plane.kind() != Plane::Sagittal
}

/// The plane of the mirror image. On a sagittal slice the picture stays and the slice moves; on others the columns
/// are flipped, so that rows still run towards patient left.
fn mirror_plane(plane: &ImagePlane) -> ImagePlane {
    let flip = |v: Vector| Vector::new(-v.x, v.y, v.z);
    let (mut origin, mut row) = (plane.origin(), flip(plane.row_direction()));
    if mirror_flips_columns(plane) {
        origin = plane.pixel_to_patient(PixelPoint::new(f64::from(plane.columns()) - 1.0, 0.0));
        row = -row;
    }
    ImagePlane::new(
        Point::new(-origin.x, origin.y, origin.z),
        [row, flip(plane.column_direction())],
        plane.spacing(),
        [plane.rows(), plane.columns()],
    )
    .expect("a mirrored plane is as good as the plane")
}

/// Window over the 1st to 99th percentile, as consoles set it.
fn window(pixels: &[u16]) -> (f64, f64) {
    let mut counts = vec![0_usize; 4096];
    for value in pixels {
        counts[usize::from(*value).min(4095)] += 1;
    }
    let percentile = |share: f64| {
        let wanted = (share * pixels.len() as f64) as usize;
        let mut seen = 0;
        counts
            .iter()
            .position(|count| {
                seen += count;
                seen > wanted
            })
            .unwrap_or(4095) as f64
    };
    let (low, high) = (percentile(0.01), percentile(0.99).max(percentile(0.01) + 1.0));
    ((0.5 * (low + high)).round(), (high - low).max(1.0))
}

/// A UUID-derived UID (PS3.5 B.2) from a key.
fn uid(key: u64, purpose: u64) -> String {
    let high = mix(key ^ mix(purpose));
    let low = mix(high ^ 0x5bd1_e995);
    // Version 8, variant 1 of RFC 9562: a UUID whose bits are the maker's own.
    let value =
        (u128::from(high) << 64 | u128::from(low)) & !(0xf << 76) & !(0x3 << 62) | (8 << 76) | (2 << 62);
    format!("2.25.{value}")
}

/// Different ids of RSNA's size, which exceeds 31 bits.
pub(crate) fn draw_ids(n: usize, d: &mut Draw) -> Vec<u32> {
    let mut taken = BTreeSet::new();
    let mut ids = Vec::with_capacity(n);
    while ids.len() < n {
        let id = 100_000 + (d.bits() % 4_190_000_000) as u32;
        if taken.insert(id) {
            ids.push(id);
        }
    }
    ids
}
