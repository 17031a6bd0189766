//! From RLE DICOM to shards: each stage by itself on one thread, and the whole build on one thread.
//!
//! The stages do what the build does for the same studies, with the public pieces it is made of, so that their times
//! add up to what a build needs at least. `benches/build_vs_stages.py` runs this and prints the ratio.

use anyhow::{Context, Result, ensure};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lumbar_core::ImagePlane;
use lumbar_dataset::pixels::{ShardShape, ShardWriter};
use lumbar_dataset::{BuildInput, BuildOptions, Dataset, DatasetConfig, Sample, build};
use lumbar_dicom::{Catalogue, Frame, Limits, ScanOptions, SliceRecord, read_frame, scan};
use lumbar_phantom::{PhantomConfig, generate};
use lumbar_preprocess::{Histogram, Pixels, Polarity, Scratch, SliceView, ValueMap};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// Enough that the files which every dataset has once (tables, descriptions) do not count.
const N_STUDIES: usize = 16;

struct Studies {
    _folder: tempfile::TempDir,
    rsna: PathBuf,
    catalogue: Catalogue,
    dataset: Dataset,
}

impl Studies {
    fn make() -> Result<Studies> {
        let folder = tempfile::tempdir()?;
        let rsna = folder.path().join("rsna");
        let phantom = PhantomConfig {
            n_studies: N_STUDIES,
            ..PhantomConfig::default()
        };
        generate(&phantom, &rsna, &|_| {})?;
        let out = folder.path().join("ds");
        whole(&rsna, &out)?;
        Ok(Studies {
            catalogue: scan(&rsna, &ScanOptions::default(), &|_| {})?,
            dataset: Dataset::open(&out)?,
            rsna,
            _folder: folder,
        })
    }

    /// The slices of every series that samples are made from, series by series: percentiles are of the series.
    fn series(&self) -> Vec<&[SliceRecord]> {
        let used: BTreeMap<_, _> = self
            .dataset
            .samples()
            .iter()
            .map(|sample| ((&sample.study, &sample.series), ()))
            .collect();
        used.keys()
            .map(|(study, series)| self.catalogue.slices_of(study, series))
            .collect()
    }
}

fn whole(rsna: &Path, out: &Path) -> Result<()> {
    let input = BuildInput::rsna(rsna, DatasetConfig::default(), &|_| {})?;
    let options = BuildOptions {
        n_threads: 1,
        ..BuildOptions::default()
    };
    build(input, out, &options, &|_| {})?;
    Ok(())
}

/// 16-bit pixels of a slice, by source.
type Decoded = BTreeMap<String, Vec<u16>>;

fn decode(studies: &Studies, slices: &[SliceRecord]) -> Result<Vec<Vec<u16>>> {
    let limits = Limits::default();
    slices
        .iter()
        .map(|slice| {
            let image = read_frame(&studies.rsna.join(&slice.path), slice.frame, &limits)?;
            Ok(match image.pixels.frame(0)? {
                Frame::U16(values) => values.to_vec(),
                other => other.to_i32().into_iter().map(|value| value as u16).collect(),
            })
        })
        .collect()
}

fn histogram(slices: &[&[u16]]) -> Result<ValueMap> {
    let mut histogram = Histogram::new();
    for pixels in slices {
        histogram.add(pixels)?;
    }
    Ok(ValueMap::percentiles(&histogram, 1.0, 99.0, Polarity::Bright)?)
}

/// The planes and pixels of a sample's mini-stack: the slices beside its own in the stack.
fn stack<'a>(
    studies: &'a Studies,
    decoded: &'a Decoded,
    sample: &Sample,
) -> Result<Vec<(&'a ImagePlane, &'a [u16])>> {
    let slices = studies.catalogue.slices_of(&sample.study, &sample.series);
    let centre = slices
        .iter()
        .position(|slice| slice.source == sample.source && slice.frame == sample.frame)
        .context("the sample's slice")?;
    [-1isize, 0, 1]
        .iter()
        .map(|step| {
            let at = (centre as isize + step).clamp(0, slices.len() as isize - 1) as usize;
            let plane = slices[at].plane.as_ref().context("a plane")?;
            let pixels = decoded.get(&slices[at].source).context("decoded pixels")?;
            Ok((plane, pixels.as_slice()))
        })
        .collect()
}

fn render(studies: &Studies, decoded: &Decoded, out: &mut [u8]) -> Result<()> {
    let config = studies.dataset.config();
    let mut scratch = Scratch::default();
    let map = ValueMap::between(0.0, 2000.0, Polarity::Bright);
    for (sample, out) in studies
        .dataset
        .samples()
        .iter()
        .zip(out.chunks_exact_mut(config.shape().iter().product()))
    {
        let mut views = Vec::new();
        for (plane, pixels) in stack(studies, decoded, sample)? {
            let shape = [plane.rows() as usize, plane.columns() as usize];
            views.push(SliceView {
                plane,
                pixels: Pixels::new(pixels, shape)?,
                map,
            });
        }
        config
            .recipe(sample.view)
            .render(&views, sample.point, (out, &mut scratch))?;
    }
    Ok(())
}

fn write(studies: &Studies, pixels: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = studies.dataset.config();
    let shape = ShardShape {
        shape: config.shape(),
        bits: 8,
        max_bytes: u64::from(config.shard_mib) << 20,
    };
    let mut writer = ShardWriter::new(folder.path(), shape)?;
    for (sample, pixels) in studies
        .dataset
        .samples()
        .iter()
        .zip(pixels.chunks_exact(shape.n_bytes()))
    {
        writer.push(&sample.sample_id, pixels)?;
    }
    ensure!(!writer.finish()?.is_empty(), "no file was written");
    Ok(())
}

fn stages(criterion: &mut Criterion) -> Result<()> {
    let studies = Studies::make()?;
    let series = studies.series();
    let mut decoded = Decoded::new();
    for slices in &series {
        let sources = slices.iter().map(|slice| slice.source.clone());
        decoded.extend(sources.zip(decode(&studies, slices)?));
    }
    let by_series: Vec<Vec<&[u16]>> = series
        .iter()
        .map(|slices| {
            slices
                .iter()
                .map(|slice| decoded[&slice.source].as_slice())
                .collect()
        })
        .collect();
    let n_values: usize = studies.dataset.shape().iter().product();
    let mut out = vec![0u8; studies.dataset.samples().len() * n_values];
    let place = tempfile::tempdir()?;
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;

    let mut group = criterion.benchmark_group("build");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(studies.catalogue.slices.len() as u64));
    let mut stage = |name: &str, work: &mut (dyn FnMut() -> Result<()> + Send)| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| one_thread.install(|| work().expect("what was done once can be done again")));
        });
    };
    stage("1 scan", &mut || {
        black_box(scan(&studies.rsna, &ScanOptions::default(), &|_| {})?);
        Ok(())
    });
    stage("2 read and decode", &mut || {
        for slices in &series {
            black_box(decode(&studies, slices)?);
        }
        Ok(())
    });
    stage("3 histograms", &mut || {
        for pixels in &by_series {
            black_box(histogram(pixels)?);
        }
        Ok(())
    });
    stage("4 render", &mut || {
        render(&studies, &decoded, black_box(&mut out))
    });
    render(&studies, &decoded, &mut out)?;
    stage("5 write shards", &mut || write(&studies, &out));
    stage("whole", &mut || whole(&studies.rsna, &place.path().join("ds")));
    group.finish();
    Ok(())
}

fn run(criterion: &mut Criterion) {
    stages(criterion).expect("phantoms that can be built");
}

criterion_group!(benches, run);
criterion_main!(benches);
