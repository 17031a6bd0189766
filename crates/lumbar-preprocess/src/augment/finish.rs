//! The last steps on a row: bias field, noise, clipping.

use super::noise::Noise;

/// A coil's smooth shading, and the unit of the grey levels it meets.
#[derive(Debug, Default, Clone)]
pub(super) struct Finish {
    bias: [f32; 5],
    unit: f32,
    y_step: f32,
    /// Place of each column, -1..1.
    x: Vec<f32>,
    deviates: Vec<f32>,
}

impl Finish {
    pub fn prepare(&mut self, [rows, columns]: [usize; 2], (bias, unit): ([f32; 5], f32)) {
        self.bias = bias;
        self.unit = unit;
        self.y_step = 2.0 / rows as f32;
        if self.x.len() != columns {
            let step = 2.0 / columns as f32;
            self.x.clear();
            self.x.extend((0..columns).map(|c| (c as f32 + 0.5) * step - 1.0));
            self.deviates.resize(columns, 0.0);
        }
    }

    pub fn row(&mut self, row: usize, noise: &mut Noise, out: &mut [f32]) {
        let [bx, by, bxy, bxx, byy] = self.bias.map(|share| share * self.unit);
        let y = (row as f32 + 0.5) * self.y_step - 1.0;
        let constant = self.unit + by * y + byy * (y * y - 1.0 / 3.0) - bxx / 3.0;
        let slope = bx + bxy * y;
        let shaded = self.bias != [0.0; 5];
        match (shaded, noise.sigma() > 0.0) {
            (false, false) => {
                for grey in out {
                    *grey = clip(*grey * self.unit);
                }
            }
            (true, false) => {
                for (grey, x) in out.iter_mut().zip(&self.x) {
                    *grey = clip(*grey * (constant + (slope + bxx * x) * x));
                }
            }
            (_, true) => {
                noise.fill(&mut self.deviates);
                let sigma = noise.sigma();
                for ((grey, x), deviate) in out.iter_mut().zip(&self.x).zip(&self.deviates) {
                    *grey = clip(*grey * (constant + (slope + bxx * x) * x) + deviate * sigma);
                }
            }
        }
    }
}

fn clip(grey: f32) -> f32 {
    grey.clamp(0.0, 1.0)
}
