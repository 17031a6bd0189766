//! From the files of a study to the pixels of its samples.

mod load;

pub(crate) use load::Reading;

use crate::plan::{PlannedSample, StudyPlan};
use crate::{Assignment, DatasetConfig, Part, Sample, SampleMode, SampleReject, SampleRejectReason};
use load::{Loaded, LoadedSeries, SeriesMap, load_series};
use lumbar_core::{PatientKey, StudyId};
use lumbar_dicom::{Catalogue, SeriesRecord, SliceRecord};
use lumbar_preprocess::{Intensity, Pixels, PreprocessError, Rescale, Scratch, SliceView, ValueMap};
use std::collections::{BTreeMap, BTreeSet};

/// The samples of a study, with their pixels one after the other.
#[derive(Debug, Default)]
pub(crate) struct StudyOutput {
    pub samples: Vec<Sample>,
    pub pixels: Vec<u8>,
    pub rejects: Vec<SampleReject>,
    /// Slices whose pixels could not be read, as (source, reason).
    pub unreadable: Vec<(String, String)>,
}

/// Renders the samples of a study.
pub(crate) fn render_study(
    (study, patient, site): (&StudyId, &PatientKey, Option<&str>),
    plan: StudyPlan,
    catalogue: &Catalogue,
    (config, reading): (&DatasetConfig, Reading<'_>),
) -> StudyOutput {
    let series = catalogue.series_of(study);
    let mut output = StudyOutput {
        rejects: plan.rejects,
        ..StudyOutput::default()
    };
    // Pixels of each planned sample, made series by series so that one series is in memory at a time.
    let n_bytes = crate::dataset::shard_shape(config).n_bytes();
    let mut rendered: Vec<Option<Vec<u8>>> = plan.samples.iter().map(|_| None).collect();
    let mut refusals: BTreeMap<usize, (SampleRejectReason, String)> = BTreeMap::new();
    let mut scratch = Scratch::default();
    let used: BTreeSet<usize> = plan.samples.iter().map(|sample| sample.series_idx).collect();
    for series_idx in used {
        let record = &series[series_idx];
        let slices = catalogue.slices_of(&record.study, &record.series);
        let of_series = || {
            plan.samples
                .iter()
                .enumerate()
                .filter(|(_, sample)| sample.series_idx == series_idx)
        };
        let needed: BTreeSet<usize> = of_series()
            .flat_map(|(_, sample)| sample.stack.iter().copied())
            .collect();
        let loaded = load_series(
            slices,
            &needed,
            config.intensity,
            (reading, &mut output.unreadable),
        );
        for (i, sample) in of_series() {
            let mut pixels = vec![0u8; n_bytes];
            let result = match &loaded {
                Ok(loaded) => render_sample(sample, slices, loaded, (config, &mut pixels, &mut scratch)),
                Err(error) => Err(RenderError::Failed(error.clone())),
            };
            match result {
                Ok(()) => rendered[i] = Some(pixels),
                Err(RenderError::Refused(reason, detail)) => {
                    refusals.insert(i, (reason, detail));
                }
                // Whatever pixels or geometry cannot be prepared are those of this sample; the build goes on.
                Err(RenderError::Failed(error)) => {
                    refusals.insert(i, (SampleRejectReason::PixelsUnreadable, error.to_string()));
                }
            }
        }
    }
    for (i, (planned, pixels)) in plan.samples.iter().zip(rendered).enumerate() {
        match pixels {
            Some(pixels) => {
                let row = sample_row((study, patient, site), planned, (catalogue, series), config);
                output.samples.extend(row);
                output.pixels.extend(pixels);
            }
            None => {
                let (reason, detail) = refusals
                    .remove(&i)
                    .unwrap_or((SampleRejectReason::PixelsUnreadable, String::new()));
                output.rejects.push(SampleReject {
                    study: study.clone(),
                    target: planned.target,
                    view: planned.view,
                    reason,
                    detail,
                });
            }
        }
    }
    output.rejects.sort();
    output
}

fn sample_row(
    (study, patient, site): (&StudyId, &PatientKey, Option<&str>),
    planned: &PlannedSample,
    (catalogue, series): (&Catalogue, &[SeriesRecord]),
    config: &DatasetConfig,
) -> Option<Sample> {
    let record = &series[planned.series_idx];
    let slice = &catalogue.slices_of(&record.study, &record.series)[planned.slice_idx];
    let plane = slice.plane.as_ref()?;
    let placed = config.recipe(planned.view).place(plane, planned.point);
    Some(Sample {
        sample_id: Sample::id_of(study, planned.target, planned.view),
        study: study.clone(),
        patient: patient.clone(),
        target: planned.target,
        view: planned.view,
        severity: planned.severity,
        // Patients are divided when all samples are known.
        assignment: Assignment {
            part: Part::Train,
            fold: 0,
        },
        series: record.series.clone(),
        source: slice.source.clone(),
        frame: slice.frame,
        instance_number: slice.instance_number,
        pixel: placed.pixel,
        point: planned.point,
        off_plane_mm: placed.off_plane_mm,
        localisation: planned.localisation,
        pixel_spacing_mm: [plane.spacing().row_mm, plane.spacing().column_mm],
        crop_mm: match config.mode {
            SampleMode::Crop => Some(config.crop_mm.on(planned.view)),
            SampleMode::WholeSlice => None,
        },
        sample_spacing_mm: placed.spacing_mm,
        share_inside: placed.share_inside,
        mirror: placed.mirror,
        n_end_fills: planned.n_end_fills,
        n_gap_fills: planned.n_gap_fills,
        site: site.map(str::to_owned),
        shard: 0,
        row: 0,
        crc32: 0,
    })
}

enum RenderError {
    Refused(SampleRejectReason, String),
    Failed(PreprocessError),
}

fn render_sample(
    sample: &PlannedSample,
    slices: &[SliceRecord],
    loaded: &LoadedSeries,
    (config, out, scratch): (&DatasetConfig, &mut [u8], &mut Scratch),
) -> Result<(), RenderError> {
    let mut views = Vec::with_capacity(sample.stack.len());
    for index in &sample.stack {
        let (slice, Some(content)) = (&slices[*index], loaded.slices.get(index)) else {
            let detail = "a slice of the mini-stack could not be read".to_owned();
            return Err(RenderError::Refused(SampleRejectReason::PixelsUnreadable, detail));
        };
        let Some(plane) = &slice.plane else {
            let detail = "a slice of the mini-stack has no geometry".to_owned();
            return Err(RenderError::Refused(
                SampleRejectReason::ViewWithoutGeometry,
                detail,
            ));
        };
        let shape = [slice.rows as usize, slice.columns as usize];
        views.push(SliceView {
            plane,
            pixels: Pixels::new(&content.pixels, shape).map_err(RenderError::Failed)?,
            map: value_map(content, &loaded.map, config.intensity)?,
        });
    }
    let recipe = config.recipe(sample.view);
    if config.bits == 16 {
        let mut levels = vec![u16::default(); out.len() / 2];
        recipe
            .render(&views, sample.point, (&mut levels, scratch))
            .map_err(RenderError::Failed)?;
        for (bytes, level) in out.as_chunks_mut::<2>().0.iter_mut().zip(levels) {
            *bytes = level.to_le_bytes();
        }
        Ok(())
    } else {
        recipe
            .render::<u8>(&views, sample.point, (out, scratch))
            .map_err(RenderError::Failed)
    }
}

fn value_map(
    content: &Loaded,
    series: &Option<SeriesMap>,
    intensity: Intensity,
) -> Result<ValueMap, RenderError> {
    let window = |window: [f64; 2]| ValueMap::window(window, content.rescale, 0.0, content.polarity);
    match intensity {
        Intensity::FileWindow => content.window.map(window).ok_or_else(|| {
            RenderError::Refused(SampleRejectReason::NoWindow, "the file has no window".to_owned())
        }),
        Intensity::Window { center, width } => Ok(window([center, width])),
        Intensity::Percentile { .. } => match (content.own_map, series) {
            (Some(own), _) => Ok(own),
            (None, Some(SeriesMap::Stored(map))) => Ok(*map),
            (None, Some(SeriesMap::Common { map, units })) => {
                // pixel -> real -> common units.
                let slope = content.rescale.slope * units.slope;
                let intercept = content.rescale.intercept * units.slope + units.intercept;
                Ok(map.after_rescale(Rescale { slope, intercept }))
            }
            (None, None) => Err(RenderError::Failed(PreprocessError::NoPixels)),
        },
    }
}
