//! The learning rate at each step.

/// Linear warm-up, then half a cosine down to a hundredth of the peak: a pure function of the step, so that resuming
/// needs no state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Largest learning rate.
    pub peak: f64,
    /// Steps of warm-up.
    pub warmup_steps: u64,
    /// Steps in all.
    pub total_steps: u64,
}

const FLOOR: f64 = 0.01;

impl Schedule {
    /// Learning rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let span = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        let share = ((step - self.warmup_steps) as f64 / span as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        self.peak * (FLOOR + (1.0 - FLOOR) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls() {
        let schedule = Schedule {
            peak: 1e-3,
            warmup_steps: 10,
            total_steps: 110,
        };
        assert!((schedule.at(0) - 1e-4).abs() < 1e-12);
        assert!((schedule.at(9) - 1e-3).abs() < 1e-12);
        assert!((schedule.at(10) - 1e-3).abs() < 1e-12);
        assert!((schedule.at(60) - 1e-3 * (0.01 + 0.99 * 0.5)).abs() < 1e-9);
        assert!((schedule.at(110) - 1e-5).abs() < 1e-12);
        assert!((schedule.at(10_000) - 1e-5).abs() < 1e-12);
        for step in 10..110 {
            assert!(schedule.at(step + 1) < schedule.at(step));
        }
    }

    #[test]
    fn degenerate_lengths_do_not_divide_by_zero() {
        let schedule = Schedule {
            peak: 0.1,
            warmup_steps: 0,
            total_steps: 0,
        };
        assert!((schedule.at(0) - 0.1).abs() < 1e-12);
        assert!(schedule.at(5).is_finite());
    }
}
