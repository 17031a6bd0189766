//! `lumbar phantom`: synthetic studies on disk.

use crate::{
    args::{PhantomArgs, PixelsArg, SyntaxArg},
    config::{Hinted, WrongUsage},
    console::Console,
};
use lumbar_dicom::TransferSyntax;
use lumbar_phantom::{PhantomConfig, PhantomError, PhantomSummary, Pixels, generate};
use std::path::Path;

pub fn run(args: &PhantomArgs, console: &Console<'_>) -> anyhow::Result<()> {
    let config = PhantomConfig {
        n_studies: args.studies,
        seed: args.seed,
        site: args.site,
        pixels: match args.pixels {
            PixelsArg::Full => Pixels::Full,
            PixelsArg::Tiny => Pixels::Tiny,
        },
        transfer_syntax: match args.syntax {
            SyntaxArg::Rle => TransferSyntax::RleLossless,
            SyntaxArg::Implicit => TransferSyntax::ImplicitVrLittleEndian,
            SyntaxArg::Explicit => TransferSyntax::ExplicitVrLittleEndian,
            SyntaxArg::BigEndian => TransferSyntax::ExplicitVrBigEndian,
            SyntaxArg::Deflated => TransferSyntax::DeflatedExplicitVrLittleEndian,
        },
        label_defects: args.label_defects,
        ..PhantomConfig::default()
    };
    let summary = make(&config, &args.out, console)?;
    console.json(&serde_json::json!({
        "out": args.out,
        "studies": summary.n_studies,
        "series": summary.n_series,
        "files": summary.n_files,
        "seed": args.seed,
        "site": args.site.name(),
        "domain": "synthetic",
    }))?;
    console.result(format!(
        "{} synthetic studies, {} series, {} files in `{}`",
        summary.n_studies,
        summary.n_series,
        summary.n_files,
        args.out.display()
    ));
    Ok(())
}

fn explain(error: PhantomError) -> anyhow::Error {
    let hint = match &error {
        PhantomError::NotEmpty { .. } => "choose a new or empty folder with `--out`",
        PhantomError::Busy { .. } => "wait for it, or choose another folder with `--out`",
        PhantomError::BadConfig { .. } => return WrongUsage::new(error.to_string()).into(),
        _ => return error.into(),
    };
    let message = error.to_string();
    let hint = hint.to_owned();
    Hinted { message, hint }.into()
}

/// Makes phantoms with progress shown.
pub fn make(config: &PhantomConfig, out: &Path, console: &Console<'_>) -> anyhow::Result<PhantomSummary> {
    let progress = console.progress("phantom", "studies");
    let summary = generate(config, out, &|now| {
        progress.set(
            now.studies_done as u64,
            now.studies_total as u64,
            &format!("{} files", now.files_done),
        );
    })
    .map_err(explain)?;
    progress.finish(&format!(
        "{} studies, {} files",
        summary.n_studies, summary.n_files
    ));
    Ok(summary)
}
