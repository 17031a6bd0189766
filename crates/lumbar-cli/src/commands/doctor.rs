//! `lumbar doctor`: what this program can do here.

use crate::{args::Global, console::Console};
use lumbar_dicom::TransferSyntax;
use lumbar_model::DeviceSpec;
use serde::Serialize;

/// Variables that libraries underneath read; ours is never configured by them.
const FOREIGN_VARIABLES: [&str; 8] = [
    "RAYON_NUM_THREADS",
    "BURN_DEVICE",
    "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CUBECL_AUTOTUNE_LEVEL",
    "CUBECL_DEBUG_LOG",
    "RUST_LOG",
    "NO_COLOR",
];

#[derive(Serialize)]
struct Findings {
    version: &'static str,
    burn: &'static str,
    threads: usize,
    avx512: bool,
    avx2: bool,
    devices: Vec<DeviceFinding>,
    device: Option<String>,
    transfer_syntaxes: Vec<SyntaxFinding>,
    environment: Vec<(String, String)>,
}

#[derive(Serialize)]
struct DeviceFinding {
    device: String,
    usable: bool,
    reason: Option<String>,
}

#[derive(Serialize)]
struct SyntaxFinding {
    name: &'static str,
    uid: &'static str,
    read: bool,
    written: bool,
}

/// What `lumbar phantom` and the writer of `lumbar-dicom` can write.
const WRITTEN: [TransferSyntax; 5] = [
    TransferSyntax::ImplicitVrLittleEndian,
    TransferSyntax::ExplicitVrLittleEndian,
    TransferSyntax::ExplicitVrBigEndian,
    TransferSyntax::DeflatedExplicitVrLittleEndian,
    TransferSyntax::RleLossless,
];

pub fn run(global: &Global, console: &Console<'_>) -> anyhow::Result<()> {
    let findings = Findings {
        version: env!("CARGO_PKG_VERSION"),
        burn: "0.22",
        threads: rayon::current_num_threads(),
        avx512: has_avx512(),
        avx2: has_avx2(),
        devices: DeviceSpec::survey()
            .into_iter()
            .map(|(spec, answer)| DeviceFinding {
                device: spec.to_string(),
                usable: answer.is_ok(),
                reason: answer.err().map(|error| error.to_string()),
            })
            .collect(),
        device: global.device.concrete().ok().map(|spec| spec.to_string()),
        transfer_syntaxes: TransferSyntax::all()
            .map(|syntax| SyntaxFinding {
                name: syntax.name(),
                uid: syntax.uid(),
                read: syntax.codec().is_supported(),
                written: WRITTEN.contains(&syntax),
            })
            .collect(),
        environment: FOREIGN_VARIABLES
            .iter()
            .filter_map(|name| std::env::var(name).ok().map(|value| ((*name).to_owned(), value)))
            .collect(),
    };
    console.json(&findings)?;
    console.result(text(&findings));
    // A named device that cannot be had is a failed check, after everything was shown.
    global.device.concrete()?;
    Ok(())
}

fn text(findings: &Findings) -> String {
    let mut text = format!(
        "lumbar {} (Burn {})\nthreads    {}\nCPU        AVX2 {}, AVX-512 {}\ndevices\n",
        findings.version,
        findings.burn,
        findings.threads,
        yes_no(findings.avx2),
        yes_no(findings.avx512)
    );
    for device in &findings.devices {
        let answer = device.reason.as_deref().unwrap_or("usable");
        text.push_str(&format!("  {:<9}{answer}\n", device.device));
    }
    text.push_str(&format!(
        "  chosen   {}\n",
        findings.device.as_deref().unwrap_or("none")
    ));
    text.push_str("transfer syntaxes\n");
    for syntax in &findings.transfer_syntaxes {
        let answer = match (syntax.read, syntax.written) {
            (true, true) => "read, written",
            (true, false) if syntax.uid == TransferSyntax::JpegExtended.uid() => "read, 8 bits only",
            (true, false) => "read",
            _ => "not read",
        };
        text.push_str(&format!("  {:<24}{:<43}{answer}\n", syntax.uid, syntax.name));
    }
    if findings.environment.is_empty() {
        text.push_str("environment variables that libraries read: none set");
    } else {
        text.push_str("environment variables that libraries read:");
        for (name, value) in &findings.environment {
            text.push_str(&format!("\n  {name}={value}"));
        }
    }
    text
}

fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}
