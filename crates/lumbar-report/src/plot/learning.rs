//! Learning curves.

use super::{
    GREY, Stroke,
    axes::{Frame, Scale, legend},
    svg::{Canvas, Figure},
};
use crate::RunFacts;

const VALID: Stroke = Stroke {
    colour: "#0067a5",
    dashes: "",
};
const TRAIN: Stroke = Stroke {
    colour: GREY,
    dashes: "4 3",
};

/// One panel: the losses of each network of a run by epoch, with a dot where the validation loss is least.
pub(crate) fn learning_curves(run: &RunFacts) -> Option<Figure> {
    let losses = || {
        let epochs = run.curves.iter().flat_map(|curve| &curve.epochs);
        epochs
            .flat_map(|epoch| [epoch.train_loss, epoch.valid_loss])
            .filter(|loss| loss.is_finite())
    };
    let last = run
        .curves
        .iter()
        .flat_map(|curve| &curve.epochs)
        .map(|epoch| epoch.epoch)
        .max()?;
    let (low, high) = losses().fold((f64::MAX, f64::MIN), |(low, high), loss| {
        (low.min(loss), high.max(loss))
    });
    if low > high {
        return None;
    }
    let frame = Frame {
        corner: [52.0, 10.0],
        size: [280.0, 170.0],
        x: Scale::covering(0.0, last.max(1) as f64, 6),
        y: Scale::covering(low, high, 5),
    };
    let mut canvas = Canvas::new(345.0, 260.0);
    frame.draw(&mut canvas, "epoch", "loss");
    for curve in &run.curves {
        let points = |loss: &dyn Fn(&crate::EpochRecord) -> f64| -> Vec<[f64; 2]> {
            let finite = curve.epochs.iter().filter(|epoch| loss(epoch).is_finite());
            finite
                .map(|epoch| frame.at(epoch.epoch as f64, loss(epoch)))
                .collect()
        };
        canvas.path(
            &points(&|epoch| epoch.train_loss),
            TRAIN.colour,
            1.3,
            TRAIN.dashes,
        );
        canvas.path(
            &points(&|epoch| epoch.valid_loss),
            VALID.colour,
            1.8,
            VALID.dashes,
        );
        let best = curve
            .epochs
            .iter()
            .min_by(|a, b| a.valid_loss.total_cmp(&b.valid_loss));
        if let Some(best) = best {
            canvas.dot(frame.at(best.epoch as f64, best.valid_loss), 3.5, VALID.colour);
        }
    }
    let entries = [
        (VALID, "validation, weighted 1/2/4 (dot: best)".to_owned()),
        (TRAIN, "training".to_owned()),
    ];
    legend(&mut canvas, [52.0, 232.0], &entries);
    let networks = run.curves.len();
    Some(canvas.finish(&format!(
        "Learning curves of {}: {networks} network(s), loss by epoch",
        run.name
    )))
}
