//! `lumbar bundle`: what a bundle says of itself, and whether it is whole.

use crate::{
    args::{BundleArgs, BundleCommand},
    console::Console,
};
use lumbar_model::{Bundle, DeviceSpec};

pub fn run(args: &BundleArgs, console: &Console<'_>) -> anyhow::Result<()> {
    match &args.command {
        BundleCommand::Inspect { bundle: folder } => {
            let bundle = Bundle::read(folder)?;
            console.json(&bundle)?;
            console.result(describe(&bundle));
        }
        BundleCommand::Verify { bundle: folder } => {
            let bundle = Bundle::read(folder)?;
            // Loading on the CPU proves digest, names and shapes.
            let device = DeviceSpec::Flex
                .resolve()
                .or_else(|_| DeviceSpec::Auto.resolve())?;
            bundle.load_network(folder, &device)?;
            console.json(&serde_json::json!({ "valid": true, "weights_sha256": bundle.weights_sha256 }))?;
            console.result(format!(
                "`{}` is whole: digest, names and shapes agree",
                folder.display()
            ));
        }
    }
    Ok(())
}

fn describe(bundle: &Bundle) -> String {
    let groups: Vec<&str> = bundle.groups.iter().map(|group| group.short_name()).collect();
    let [depth, height, width] = bundle.network.input;
    format!(
        "network        {} on {depth} slices of {height} x {width}\nview           {}\ngrades         {}\n\
         training       {} studies\nlocalisation   {}\ntemperature    {:.3} ({})\nweights        SHA-256 {}\n\
         Research use only, not a medical device",
        bundle.network.architecture,
        bundle.view.description(),
        groups.join(", "),
        bundle.training_domain,
        bundle.localisation,
        bundle.calibration.temperature,
        bundle
            .calibration
            .fitted_on
            .as_deref()
            .map_or("not fitted".into(), |on| format!("fitted on {on}")),
        bundle.weights_sha256,
    )
}
