//! Resamples 8-bit images from standard input with the `area` filter: for comparison with other programs.
//!
//! Input, repeated: four little-endian `u32` (rows, columns, output rows, output columns), then the pixels. Output: the
//! resampled pixels, one image after the other. See `benches/peers/area_vs_opencv.py`.

use lumbar_preprocess::{
    Filter, Orientation, Padding, Pixels, Region, Resampling, Scratch, ValueMap, resample,
};
use std::error::Error;
use std::io::{ErrorKind, Read, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut scratch = Scratch::default();
    loop {
        let mut header = [0u8; 16];
        match input.read_exact(&mut header) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        }
        let number = |i: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| header[4 * i + byte])) as usize;
        let (source, shape) = ([number(0), number(1)], [number(2), number(3)]);
        let mut bytes = vec![0u8; source[0] * source[1]];
        input.read_exact(&mut bytes)?;
        // 257 = 65,535 / 255: 8-bit levels over the 16-bit range.
        let values: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte) * 257).collect();
        let how = Resampling {
            filter: Filter::Area,
            padding: Padding::Zero,
            orientation: Orientation::AS_STORED,
            shape,
        };
        let mut out = vec![0u8; shape[0] * shape[1]];
        resample(
            Pixels::new(&values, source)?,
            &ValueMap::full_range(),
            Region::whole(source),
            &how,
            (&mut out, &mut scratch),
        )?;
        output.write_all(&out)?;
    }
}
