//! Makes a small phantom to look at: `cargo run -p lumbar-phantom --example make_phantom -- OUT [STUDIES [SEED
//! [SCORES [PIXELS]]]]`. SCORES fixes the score of canal, foramina and recesses, such as `-3,-3,-3` for a normal spine
//! and `2,2,2` for a severe one; `drawn` leaves them to chance. PIXELS is `full` or `tiny`. Files are uncompressed.

use lumbar_dicom::TransferSyntax;
use lumbar_phantom::{PhantomConfig, Pixels, generate};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let out = args.first().ok_or("expected an output folder")?;
    let fixed_scores = match args.get(3) {
        Some(text) if text != "drawn" => {
            let scores: Vec<f64> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
            Some(<[f64; 3]>::try_from(scores).map_err(|_| "expected three scores")?)
        }
        _ => None,
    };
    let config = PhantomConfig {
        n_studies: args.get(1).map_or(Ok(1), |text| text.parse())?,
        seed: args.get(2).map_or(Ok(0), |text| text.parse())?,
        pixels: args.get(4).map_or(Ok(Pixels::Full), |text| text.parse())?,
        transfer_syntax: TransferSyntax::ExplicitVrLittleEndian,
        fixed_scores,
        ..PhantomConfig::default()
    };
    generate(&config, out.as_ref(), &|_| {})?;
    Ok(())
}
