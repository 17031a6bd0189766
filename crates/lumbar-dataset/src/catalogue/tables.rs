//! `series.parquet` and `slices.parquet`: the records of a catalogue as rows.

use crate::DatasetError;
use crate::table::{ROWS_AT_A_TIME, TableFile, TableReader, TableWriter};
use lumbar_core::{ImagePlane, PixelSpacing, Point, Vector};
use lumbar_dicom::{Catalogue, Rescale, SeriesRecord, SliceRecord, StackRecord, Window};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads the tables of a catalogue, which a dataset holds too.
pub(crate) fn read_catalogue_tables(folder: &Path) -> Result<Catalogue, DatasetError> {
    let mut catalogue = Catalogue::default();
    let (slices, stacks) = read_slices(&folder.join("slices.parquet"))?;
    catalogue.slices = slices;
    catalogue.series = read_series(&folder.join("series.parquet"), &stacks)?;
    catalogue.rejects = crate::reject::read_file_rejects(&folder.join("rejects.parquet"))?;
    Ok(catalogue)
}

/// The stable name of an enumeration's value: its serde name.
fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn named<T: DeserializeOwned>(
    table: &TableReader,
    cell: Option<&str>,
    column: &str,
    row: usize,
) -> Result<T, DatasetError> {
    let text = table.must(cell, column, row)?;
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| table.corrupt(format_args!("column `{column}`, row {row}: unexpected value")))
}

/// Both tables of a catalogue in memory.
pub(crate) fn write_tables(
    catalogue: &Catalogue,
    folder: &Path,
    metadata: &[(&str, String)],
) -> Result<(), DatasetError> {
    let mut tables = CatalogueTables::start(folder, metadata);
    tables.push(&catalogue.series, &catalogue.slices)?;
    tables.finish(&[])
}

/// `series.parquet` and `slices.parquet` on their way to disk.
pub(crate) struct CatalogueTables {
    series: TableFile,
    slices: TableFile,
}

impl CatalogueTables {
    pub fn start(folder: &Path, metadata: &[(&str, String)]) -> CatalogueTables {
        CatalogueTables {
            series: TableFile::new(&folder.join("series.parquet"), metadata, 2),
            slices: TableFile::new(&folder.join("slices.parquet"), metadata, 4),
        }
    }

    /// Adds series and all their slices, both in order.
    pub fn push(&mut self, series: &[SeriesRecord], slices: &[SliceRecord]) -> Result<(), DatasetError> {
        // What the table says of a stack stands on each of its slices.
        let mut left = slices.iter().peekable();
        let mut stacks = Vec::with_capacity(slices.len());
        for series in series {
            while let Some(slice) =
                left.next_if(|slice| (&slice.study, &slice.series) == (&series.study, &series.series))
            {
                stacks.push(series.stacks.get(slice.stack_idx as usize));
            }
        }
        if left.next().is_some() {
            let detail = "slices without a series";
            return Err(DatasetError::corrupt("catalogue", self.slices.path(), detail));
        }
        for series in series.chunks(ROWS_AT_A_TIME) {
            self.series.push(series_columns(series))?;
        }
        for (slices, stacks) in slices.chunks(ROWS_AT_A_TIME).zip(stacks.chunks(ROWS_AT_A_TIME)) {
            self.slices.push(slice_columns(slices, stacks))?;
        }
        Ok(())
    }

    /// Ends both, with more metadata.
    pub fn finish(mut self, metadata: &[(&str, String)]) -> Result<(), DatasetError> {
        // An empty table still has its columns.
        if self.series.is_empty() {
            self.series.push(series_columns(&[]))?;
        }
        if self.slices.is_empty() {
            self.slices.push(slice_columns(&[], &[]))?;
        }
        self.series.finish(metadata)?;
        self.slices.finish(metadata)
    }
}

fn series_columns(series: &[SeriesRecord]) -> TableWriter {
    let rows = || series.iter();
    let mut table = TableWriter::default();
    table
        .text("study_id", rows().map(|s| s.study.as_str()))
        .text("series_id", rows().map(|s| s.series.as_str()))
        .text_or_null(
            "patient_key",
            rows().map(|s| s.patient_key.as_ref().map(|key| key.as_str())),
        )
        .text_or_null("kind", rows().map(|s| s.kind.map(|kind| kind.name())))
        .text_or_null("plane", rows().map(|s| s.plane.map(|plane| plane.name())))
        .text("weighting", rows().map(|s| s.weighting.name()))
        .text("confidence", rows().map(|s| name(&s.confidence)))
        .text("evidence", rows().map(|s| &s.evidence))
        .text_or_null("description", rows().map(|s| s.description.as_ref()))
        .u32("n_slices", rows().map(|s| s.n_slices))
        .u32("n_stacks", rows().map(|s| s.stacks.len() as u32))
        .f64_or_null("spacing_mm", rows().map(|s| s.spacing_mm))
        .f64_or_null("slice_thickness_mm", rows().map(|s| s.slice_thickness_mm))
        .text_or_null(
            "frame_of_reference",
            rows().map(|s| s.frame_of_reference.as_ref()),
        )
        .text_or_null("manufacturer", rows().map(|s| s.manufacturer.as_ref()))
        .f64_or_null("repetition_time_ms", rows().map(|s| s.repetition_time_ms))
        .f64_or_null("echo_time_ms", rows().map(|s| s.echo_time_ms))
        .f64_or_null("inversion_time_ms", rows().map(|s| s.inversion_time_ms))
        .f64_or_null("field_strength_t", rows().map(|s| s.field_strength_t))
        .bool("synthetic", rows().map(|s| s.synthetic))
        .text(
            "warnings",
            rows().map(|s| s.warnings.iter().map(name).collect::<Vec<_>>().join(" ")),
        );
    table
}

fn slice_columns(slices: &[SliceRecord], stacks: &[Option<&StackRecord>]) -> TableWriter {
    let rows = || slices.iter();
    let number = |get: fn(&ImagePlane) -> f64| rows().map(move |s| s.plane.as_ref().map(get));
    let mut table = TableWriter::default();
    table
        .text("study_id", rows().map(|s| s.study.as_str()))
        .text("series_id", rows().map(|s| s.series.as_str()))
        .u32("stack_idx", rows().map(|s| s.stack_idx))
        .u32("position_in_stack", rows().map(|s| s.position_in_stack))
        .text("source", rows().map(|s| &s.source))
        .u32("frame", rows().map(|s| s.frame))
        .i32_or_null("instance_number", rows().map(|s| s.instance_number))
        .text("sop_instance", rows().map(|s| &s.sop_instance))
        .text_or_null(
            "patient_key",
            rows().map(|s| s.patient_key.as_ref().map(|key| key.as_str())),
        )
        .u32("rows", rows().map(|s| s.rows))
        .u32("columns", rows().map(|s| s.columns))
        .f64_or_null("row_spacing_mm", number(|p| p.spacing().row_mm))
        .f64_or_null("column_spacing_mm", number(|p| p.spacing().column_mm))
        .f64_or_null("position_x_mm", number(|p| p.origin().x))
        .f64_or_null("position_y_mm", number(|p| p.origin().y))
        .f64_or_null("position_z_mm", number(|p| p.origin().z))
        .f64_or_null("row_direction_x", number(|p| p.row_direction().x))
        .f64_or_null("row_direction_y", number(|p| p.row_direction().y))
        .f64_or_null("row_direction_z", number(|p| p.row_direction().z))
        .f64_or_null("column_direction_x", number(|p| p.column_direction().x))
        .f64_or_null("column_direction_y", number(|p| p.column_direction().y))
        .f64_or_null("column_direction_z", number(|p| p.column_direction().z))
        .text_or_null("no_plane", rows().map(|s| s.no_plane.as_ref().map(name)))
        .bool(
            "same_position_as_previous",
            rows().map(|s| s.same_position_as_previous),
        )
        .text_or_null(
            "stack_plane",
            stacks.iter().map(|s| s.and_then(|s| s.plane).map(|p| p.name())),
        )
        .f64_or_null(
            "stack_spacing_mm",
            stacks.iter().map(|s| s.and_then(|s| s.spacing_mm)),
        )
        .u32("stack_n_gaps", stacks.iter().map(|s| s.map_or(0, |s| s.n_gaps)))
        .u32(
            "stack_n_duplicates",
            stacks.iter().map(|s| s.map_or(0, |s| s.n_duplicates)),
        )
        .u32("bits_stored", rows().map(|s| u32::from(s.bits_stored)))
        .bool("signed", rows().map(|s| s.signed))
        .text("photometric", rows().map(|s| name(&s.photometric)))
        .text("transfer_syntax", rows().map(|s| name(&s.transfer_syntax)))
        .f64_or_null("rescale_slope", rows().map(|s| s.rescale.map(|r| r.slope)))
        .f64_or_null(
            "rescale_intercept",
            rows().map(|s| s.rescale.map(|r| r.intercept)),
        )
        .f64_or_null("window_center", rows().map(|s| s.window.map(|w| w.center)))
        .f64_or_null("window_width", rows().map(|s| s.window.map(|w| w.width)))
        .text_or_null(
            "frame_of_reference",
            rows().map(|s| s.frame_of_reference.as_ref()),
        );
    table
}

/// Stacks by study, series and index.
type Stacks = BTreeMap<(String, String), Vec<StackRecord>>;

fn read_slices(path: &Path) -> Result<(Vec<SliceRecord>, Stacks), DatasetError> {
    let table = TableReader::open(path)?;
    let t = |name| table.text(name);
    let (study, series, source, sop) = (t("study_id")?, t("series_id")?, t("source")?, t("sop_instance")?);
    let (patient, no_plane, stack_plane) = (t("patient_key")?, t("no_plane")?, t("stack_plane")?);
    let (photometric, syntax, frame_of_reference) =
        (t("photometric")?, t("transfer_syntax")?, t("frame_of_reference")?);
    let count_names = [
        "stack_idx",
        "position_in_stack",
        "frame",
        "rows",
        "columns",
        "bits_stored",
        "stack_n_gaps",
        "stack_n_duplicates",
    ];
    let counts: Vec<_> = count_names
        .iter()
        .map(|name| table.u32(name))
        .collect::<Result<_, _>>()?;
    let number_names = [
        "position_x_mm",
        "position_y_mm",
        "position_z_mm",
        "row_direction_x",
        "row_direction_y",
        "row_direction_z",
        "column_direction_x",
        "column_direction_y",
        "column_direction_z",
        "row_spacing_mm",
        "column_spacing_mm",
        "rescale_slope",
        "rescale_intercept",
        "window_center",
        "window_width",
        "stack_spacing_mm",
    ];
    let numbers: Vec<_> = number_names
        .iter()
        .map(|name| table.f64(name))
        .collect::<Result<_, _>>()?;
    let instance = table.i32("instance_number")?;
    let (repeated, signed) = (table.bool("same_position_as_previous")?, table.bool("signed")?);
    let mut stacks = Stacks::new();
    let mut slices = Vec::with_capacity(table.n_rows());
    for i in 0..table.n_rows() {
        let count = |k: usize| table.must(counts[k][i], count_names[k], i);
        let number = |k: usize| numbers[k][i];
        let plane = plane(&table, std::array::from_fn(number), [count(3)?, count(4)?], i)?;
        let key = (
            table.must(study[i], "study_id", i)?.to_owned(),
            table.must(series[i], "series_id", i)?.to_owned(),
        );
        let of_series = stacks.entry(key).or_default();
        let stack_idx = count(0)? as usize;
        if stack_idx > of_series.len() {
            return Err(table.corrupt(format_args!("row {i}: stack {stack_idx} without those before it")));
        }
        if stack_idx == of_series.len() {
            of_series.push(StackRecord {
                n_slices: 0,
                plane: table.parse_or_null(stack_plane[i], "stack_plane", i)?,
                spacing_mm: number(15),
                n_gaps: count(6)?,
                n_duplicates: count(7)?,
            });
        }
        of_series[stack_idx].n_slices += 1;
        let source = table.must(source[i], "source", i)?;
        slices.push(SliceRecord {
            source: source.to_owned(),
            path: path_of(source),
            frame: count(2)?,
            study: table.parse(study[i], "study_id", i)?,
            series: table.parse(series[i], "series_id", i)?,
            patient_key: table.parse_or_null(patient[i], "patient_key", i)?,
            sop_instance: table.must(sop[i], "sop_instance", i)?.to_owned(),
            instance_number: instance[i],
            plane,
            no_plane: no_plane[i]
                .map(|_| named(&table, no_plane[i], "no_plane", i))
                .transpose()?,
            stack_idx: stack_idx as u32,
            position_in_stack: count(1)?,
            same_position_as_previous: table.must(repeated[i], "same_position_as_previous", i)?,
            rows: count(3)?,
            columns: count(4)?,
            bits_stored: count(5)? as u8,
            signed: table.must(signed[i], "signed", i)?,
            photometric: named(&table, photometric[i], "photometric", i)?,
            transfer_syntax: named(&table, syntax[i], "transfer_syntax", i)?,
            rescale: number(11)
                .zip(number(12))
                .map(|(slope, intercept)| Rescale { slope, intercept }),
            window: number(13)
                .zip(number(14))
                .map(|(center, width)| Window { center, width }),
            frame_of_reference: frame_of_reference[i].map(str::to_owned),
        });
    }
    Ok((slices, stacks))
}

/// The path a source names, empty where it is a hash.
fn path_of(source: &str) -> PathBuf {
    let path = Path::new(source);
    let plain = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if plain && (source.contains('/') || source.contains('.')) {
        path.to_owned()
    } else {
        PathBuf::new()
    }
}

fn plane(
    table: &TableReader,
    numbers: [Option<f64>; 11],
    shape: [u32; 2],
    row: usize,
) -> Result<Option<ImagePlane>, DatasetError> {
    let Some(v) = numbers.into_iter().collect::<Option<Vec<f64>>>() else {
        return Ok(None);
    };
    let bad = |detail: &dyn std::fmt::Display| table.corrupt(format_args!("row {row}: {detail}"));
    let vector = |k: usize| Vector::new(v[k], v[k + 1], v[k + 2]);
    let spacing = PixelSpacing {
        row_mm: v[9],
        column_mm: v[10],
    };
    let checked = ImagePlane::new(
        Point::new(v[0], v[1], v[2]),
        [vector(3), vector(6)],
        spacing,
        shape,
    )
    .map_err(|error| bad(&error))?;
    // `new` normalises again, which may move the last bit; the stored directions are already normalised.
    let mut json = serde_json::to_value(checked).map_err(|error| bad(&error))?;
    for (key, value) in [("row_direction", vector(3)), ("column_direction", vector(6))] {
        json[key] = serde_json::to_value(value).map_err(|error| bad(&error))?;
    }
    serde_json::from_value(json)
        .map(Some)
        .map_err(|error| bad(&error))
}

fn read_series(path: &Path, stacks: &Stacks) -> Result<Vec<SeriesRecord>, DatasetError> {
    let table = TableReader::open(path)?;
    let t = |name| table.text(name);
    let (study, series, patient, kind) = (t("study_id")?, t("series_id")?, t("patient_key")?, t("kind")?);
    let (plane, weighting, confidence) = (t("plane")?, t("weighting")?, t("confidence")?);
    let (evidence, description, warnings) = (t("evidence")?, t("description")?, t("warnings")?);
    let (frame_of_reference, manufacturer) = (t("frame_of_reference")?, t("manufacturer")?);
    let (n_slices, synthetic) = (table.u32("n_slices")?, table.bool("synthetic")?);
    let number_names = [
        "spacing_mm",
        "slice_thickness_mm",
        "repetition_time_ms",
        "echo_time_ms",
        "inversion_time_ms",
        "field_strength_t",
    ];
    let numbers: Vec<_> = number_names
        .iter()
        .map(|name| table.f64(name))
        .collect::<Result<_, _>>()?;
    (0..table.n_rows())
        .map(|i| {
            let key = (
                table.must(study[i], "study_id", i)?.to_owned(),
                table.must(series[i], "series_id", i)?.to_owned(),
            );
            let warnings = table.must(warnings[i], "warnings", i)?;
            Ok(SeriesRecord {
                stacks: stacks.get(&key).cloned().unwrap_or_default(),
                study: table.parse(study[i], "study_id", i)?,
                series: table.parse(series[i], "series_id", i)?,
                patient_key: table.parse_or_null(patient[i], "patient_key", i)?,
                description: description[i].map(str::to_owned),
                plane: table.parse_or_null(plane[i], "plane", i)?,
                weighting: table.parse(weighting[i], "weighting", i)?,
                kind: table.parse_or_null(kind[i], "kind", i)?,
                evidence: table.must(evidence[i], "evidence", i)?.to_owned(),
                confidence: named(&table, confidence[i], "confidence", i)?,
                n_slices: table.must(n_slices[i], "n_slices", i)?,
                spacing_mm: numbers[0][i],
                slice_thickness_mm: numbers[1][i],
                frame_of_reference: frame_of_reference[i].map(str::to_owned),
                manufacturer: manufacturer[i].map(str::to_owned),
                repetition_time_ms: numbers[2][i],
                echo_time_ms: numbers[3][i],
                inversion_time_ms: numbers[4][i],
                field_strength_t: numbers[5][i],
                synthetic: table.must(synthetic[i], "synthetic", i)?,
                warnings: warnings
                    .split_whitespace()
                    .map(|word| named(&table, Some(word), "warnings", i))
                    .collect::<Result<_, _>>()?,
            })
        })
        .collect()
}
