//! Networks through their public face, on the CPU backend.
#![cfg(feature = "flex")]

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use lumbar_core::{Condition, ConditionGroup, GradingScheme, Level, SeriesKind, Target};
use lumbar_model::{
    Architecture, Bundle, Calibration, DeviceSpec, ModelError, NetworkConfig, TrainingDomain, bundle,
};
use rstest::rstest;

fn device() -> Device {
    DeviceSpec::Flex.resolve().expect("built with flex")
}

fn targets() -> Vec<Target> {
    vec![
        Target::new(Condition::SpinalCanalStenosis, Level::L1L2),
        Target::new(Condition::LeftSubarticularStenosis, Level::L5S1),
    ]
}

fn crops(shape: [usize; 4], seed: u64) -> Tensor<4> {
    let device = device();
    let n = shape.iter().product::<usize>() as u64;
    let values: Vec<f32> = (0..n)
        .map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 / 1000.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &device)
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec::<f32>().expect("f32")
}

#[rstest]
#[case(Architecture::SimpleCnn, [1, 16, 16])]
#[case(Architecture::SimpleCnn, [5, 33, 20])]
#[case(Architecture::CustomCnn, [3, 64, 64])]
#[case(Architecture::CustomCnn, [1, 50, 47])]
#[case(Architecture::Resnet18, [3, 64, 64])]
#[case(Architecture::Resnet18, [7, 40, 48])]
fn any_size_depth_and_number_of_grades(#[case] architecture: Architecture, #[case] input: [usize; 3]) {
    for scheme in [GradingScheme::ThreeGrades, GradingScheme::FourGrades] {
        let network = NetworkConfig {
            scheme,
            ..NetworkConfig::new(architecture, input)
        }
        .init(1, &device())
        .unwrap();
        let [depth, height, width] = input;
        let logits = network.forward(crops([2, depth, height, width], 1), &targets());
        assert_eq!(logits.dims(), [2, scheme.n_grades()]);
        assert!(values(logits).iter().all(|v| v.is_finite()));
    }
}

#[test]
fn resnet18_has_the_published_number_of_parameters() {
    use burn::module::Module;
    // torchvision's resnet18 has 11,689,512 parameters with its 512 x 1000 classifier of 513,000; here the head is
    // 512 x 9 + 9, and 25 x 3 offsets come on top. Burn also counts the
    // running mean and variance of the 4,800 normalised channels, which torchvision keeps as buffers.
    let network = NetworkConfig::new(Architecture::Resnet18, [3, 64, 64])
        .init(1, &device())
        .unwrap();
    assert_eq!(
        network.num_params(),
        11_689_512 - 513_000 + (512 * 9 + 9) + 75 + 2 * 4_800
    );
}

#[test]
fn an_untrained_network_with_zero_image_answers_near_its_prior() {
    let prior: Vec<Vec<f64>> = (0..25)
        .map(|i| vec![0.5, 0.3, 0.2 + 0.01 * f64::from(i)])
        .collect();
    let network = NetworkConfig::new(Architecture::SimpleCnn, [1, 16, 16])
        .init(1, &device())
        .unwrap();
    let before = values(network.forward(crops([2, 1, 16, 16], 3), &targets()));
    let after = values(
        network
            .with_prior(&prior)
            .forward(crops([2, 1, 16, 16], 3), &targets()),
    );
    for (row, target) in targets().iter().enumerate() {
        for grade in 0..3 {
            let added = after[row * 3 + grade] - before[row * 3 + grade];
            assert!((f64::from(added) - prior[target.index()][grade].ln()).abs() < 1e-5);
        }
    }
}

#[test]
fn heads_and_offsets_depend_on_the_target() {
    let network = NetworkConfig::new(Architecture::SimpleCnn, [1, 16, 16])
        .init(1, &device())
        .unwrap();
    let one = crops([1, 1, 16, 16], 5);
    let canal = values(network.forward(one.clone(), &targets()[..1]));
    let recess = values(network.forward(one, &targets()[1..]));
    assert_ne!(canal, recess);
}

#[test]
fn a_batch_gives_what_single_crops_give() {
    for architecture in Architecture::ALL {
        let network = NetworkConfig::new(architecture, [3, 32, 32])
            .init(1, &device())
            .unwrap();
        let batch = crops([2, 3, 32, 32], 9);
        let together = values(network.forward(batch.clone(), &targets()));
        for row in 0..2 {
            let single = batch.clone().slice([row..row + 1, 0..3, 0..32, 0..32]);
            let alone = values(network.forward(single, &targets()[row..=row]));
            for grade in 0..3 {
                // f32 sums in another order: a few units in the last place of values near 1.
                assert!(
                    (alone[grade] - together[row * 3 + grade]).abs() < 1e-4,
                    "{architecture}"
                );
            }
        }
    }
}

#[test]
fn impossible_configurations_are_refused() {
    let init = |config: NetworkConfig| config.init(1, &device());
    assert!(matches!(
        init(NetworkConfig::new(Architecture::CustomCnn, [3, 8, 64])),
        Err(ModelError::Config { what: "size", .. })
    ));
    assert!(matches!(
        init(NetworkConfig::new(Architecture::CustomCnn, [0, 64, 64])),
        Err(ModelError::Config { what: "depth", .. })
    ));
    let dropout = NetworkConfig {
        dropout: 1.0,
        ..NetworkConfig::new(Architecture::CustomCnn, [1, 64, 64])
    };
    assert!(matches!(
        init(dropout),
        Err(ModelError::Config { what: "dropout", .. })
    ));
}

fn example_bundle(config: NetworkConfig) -> Bundle {
    Bundle {
        schema_version: bundle::SCHEMA_VERSION,
        tool_version: "test".into(),
        network: config,
        view: SeriesKind::AxialT2,
        groups: vec![ConditionGroup::Subarticular],
        preprocessing: serde_json::json!({ "size": 32 }),
        mirror_right_to_left: true,
        calibration: Calibration::from_weights(vec![1.0, 2.0, 4.0]),
        training_domain: TrainingDomain::Synthetic,
        localisation: "given".into(),
        training: serde_json::json!({ "seed": 1 }),
        weights_sha256: String::new(),
    }
}

#[rstest]
#[case(Architecture::SimpleCnn)]
#[case(Architecture::CustomCnn)]
#[case(Architecture::Resnet18)]
fn a_bundle_round_trips_bit_for_bit(#[case] architecture: Architecture) {
    let folder = tempfile::tempdir().unwrap();
    let config = NetworkConfig::new(architecture, [3, 32, 32]);
    let device = device();
    device.seed(7);
    // A training pass first, so that batch norm has running statistics worth keeping.
    let network = config.init(1, &device.clone().autodiff()).unwrap();
    let noise = Tensor::random(
        [2, 3, 32, 32],
        Distribution::Uniform(0.0, 1.0),
        &device.clone().autodiff(),
    );
    let _ = network.forward(noise, &targets());
    let network = burn::module::Module::valid(&network);
    let written = example_bundle(config).save(&network, folder.path()).unwrap();
    let read = Bundle::read(folder.path()).unwrap();
    assert_eq!(read, written);
    let loaded = read.load_network(folder.path(), &device).unwrap();
    let batch = crops([2, 3, 32, 32], 4);
    assert_eq!(
        values(network.forward(batch.clone(), &targets())),
        values(loaded.forward(batch, &targets()))
    );
}

#[test]
fn a_damaged_bundle_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let config = NetworkConfig::new(Architecture::SimpleCnn, [1, 16, 16]);
    let network = config.init(1, &device()).unwrap();
    example_bundle(config.clone())
        .save(&network, folder.path())
        .unwrap();

    let weights = folder.path().join("weights.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, &bytes).unwrap();
    let read = Bundle::read(folder.path()).unwrap();
    assert!(matches!(
        read.load_network(folder.path(), &device()),
        Err(ModelError::Checksum { .. })
    ));

    let description = folder.path().join("bundle.json");
    let text = std::fs::read_to_string(&description).unwrap();
    std::fs::write(
        &description,
        text.replace("\"schema_version\": 1", "\"schema_version\": 99"),
    )
    .unwrap();
    let error = Bundle::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
    std::fs::write(&description, text.replace("\"view\"", "\"viev\"")).unwrap();
    assert!(matches!(
        Bundle::read(folder.path()),
        Err(ModelError::BadBundle { .. })
    ));
}

#[test]
fn weights_of_another_network_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let small = NetworkConfig::new(Architecture::SimpleCnn, [1, 16, 16])
        .init(1, &device())
        .unwrap();
    lumbar_model::weights::save(&small, &path).unwrap();
    for other in [
        NetworkConfig::new(Architecture::SimpleCnn, [3, 16, 16]),
        NetworkConfig::new(Architecture::CustomCnn, [1, 16, 16]),
    ] {
        let result = lumbar_model::weights::load(other.init(1, &device()).unwrap(), &path);
        assert!(matches!(result, Err(ModelError::BadWeights { .. })));
    }
}
